import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabFailure } from './failure.ts';
import { exec } from './guest.ts';
import type { Settings } from './settings.ts';

/**
 * One line for each file of the host (type, mode, owner, content or link target) and each unit that is not inactive,
 * sorted. Two of them are equal as long as nobody changes the host, logins and a running etcd's own writes aside.
 */
export async function listing(lab: Settings, host: string): Promise<string[]> {
  const script = readFileSync(join(import.meta.dirname, 'listing.sh'));
  const result = await exec(lab, host, ['sh', '-s'], script);
  if (result.status !== 0)
    throw new LabFailure(
      `${host} could not be listed: ${result.stderr.trim()}`,
      `npm run lab -- exec ${host} systemctl status`,
    );
  return result.stdout.trimEnd().split('\n').sort();
}

/** One hash over a listing. */
export function fingerprint(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}
