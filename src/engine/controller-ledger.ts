// The controller's own ledger of each cluster that it has worked on: a host that lost everything cannot deny its past.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type Found, formatLedger, type Ledger, parseLedger, sameLedger } from '../etcd/ledger.ts';
import type { Failure } from '../failure.ts';
import { explainWriteError } from '../load/writable.ts';

function fileOf(home: string, cluster: string): string {
  return join(home, 'clusters', `${cluster}.json`);
}

/** By cluster; one whose file cannot be read is damaged, not absent. `home`: see `controllerHome`. */
export async function readLedgers(home: string, clusters: Iterable<string>): Promise<Map<string, Found<Ledger>>> {
  const ledgers = new Map<string, Found<Ledger>>();
  for (const cluster of clusters) {
    try {
      const ledger = parseLedger(await readFile(fileOf(home, cluster), 'utf8'));
      ledgers.set(cluster, ledger !== 'damaged' && ledger.cluster === cluster ? ledger : 'damaged');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') ledgers.set(cluster, 'damaged');
    }
  }
  return ledgers;
}

/** Whole or not at all; nothing is written where it stands there already. Undefined: it is there. */
export async function keepLedger(
  home: string,
  ledger: Ledger,
  known: Found<Ledger> | undefined,
): Promise<Failure | undefined> {
  if (known !== undefined && known !== 'damaged' && sameLedger(known, ledger)) return undefined;
  const file = fileOf(home, ledger.cluster);
  const part = `${file}.${randomBytes(4).toString('hex')}.part`;
  try {
    await mkdir(join(home, 'clusters'), { recursive: true, mode: 0o700 });
    const handle = await open(part, 'wx', 0o600);
    try {
      await handle.writeFile(formatLedger(ledger));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, file);
    return undefined;
  } catch (error) {
    return explainWriteError(file, error);
  }
}
