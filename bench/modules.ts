// Which files Node loads for a command: counted, so the same on every machine.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const QUORATE = join(import.meta.dirname, '../src/cli/quorate.ts');
const RECORDER = join(import.meta.dirname, 'record-modules.ts');

/** The URL of every module, Node's own left out, in the order in which they were loaded. */
export async function loadedModules(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-modules-'));
  const list = join(folder, 'list');
  try {
    await promisify(execFile)(process.execPath, ['--import', RECORDER, QUORATE, ...args], {
      env: { ...process.env, ...env, QUORATE_MODULES: list },
    });
    const all = readFileSync(list, 'utf8')
      .split('\n')
      .filter((url) => url.startsWith('file:'));
    return [...new Set(all)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
