// Secret files of this controller: made whole and brought to the disk, and not used once others can read them.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import { explainReadError } from '../load/readable.ts';

/** Undefined: it does not exist. */
export async function readText(file: string): Promise<Attempt<string | undefined>> {
  try {
    return succeed(await readFile(file, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? succeed(undefined)
      : fail(explainReadError(file, error));
  }
}

/** Undefined: nobody but its owner can read it. `anew` says how to have another one. */
export async function findReaders(file: string, anew: string): Promise<Failure | undefined> {
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return undefined;
  const shown = (mode & 0o777).toString(8).padStart(4, '0');
  return {
    reason: 'guard',
    message: `${file} may be read by others than its owner (mode ${shown}), so it may be secret no more`,
    next: `if nobody else can have read it: chmod 600 ${file}; else ${anew}`,
  };
}

export interface KeptFile {
  name: string;
  text: string;
  mode: number;
}

/** All files are made in a directory beside `place`, which is then renamed to it: there is never half of them. Throws. */
export async function keepTogether(place: string, files: KeptFile[]): Promise<void> {
  const beside = `${place}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(beside, { recursive: true, mode: 0o700 });
    for (const { name, text, mode } of files) await writeDurably(join(beside, name), text, mode);
    await syncDirectory(beside);
    await rename(beside, place);
    await syncDirectory(dirname(place));
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
}

async function writeDurably(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
