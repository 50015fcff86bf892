// Putting the files of an adopted cluster into a folder: all of them or none, and never over another.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Attempt, type Failure, fail, succeed } from '../../failure.ts';
import type { Inventory } from '../../inventory/inventory.ts';
import { readInventory } from '../../inventory/read.ts';
import { explainReadError } from '../../load/readable.ts';
import { explainWriteError } from '../../load/writable.ts';
import { readPillar } from '../../pillar/read.ts';
import { diffLines } from '../../report/diff.ts';
import type { Files } from './files.ts';

export interface Placed {
  /** As a path from here. */
  file: string;
  state: 'written' | 'is there already';
}

/** Reads them as every later command does. `inventory`: where none is among them. */
export async function proveFiles(files: Files, inventory: Inventory): Promise<Attempt<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-init-'));
  try {
    for (const [path, text] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text, { mode: 0o600 });
    }
    const own = [...files.keys()].some((path) => path.startsWith('inventory/'));
    const read = own ? await readInventory(join(folder, 'inventory')) : succeed(inventory);
    const pillars = read.ok ? await readPillar({ directory: join(folder, 'pillar'), inventory: read.value }) : read;
    return pillars.ok ? succeed(undefined) : fail(...pillars.failures.map((failure) => unplaced(failure, folder)));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The file stands nowhere: what would have been in it is not a place to look at. */
function unplaced({ place, message, ...failure }: Failure, folder: string): Failure {
  return { ...failure, message: `the pillar cannot say it: ${message.replaceAll(`${folder}/`, '')}` };
}

export async function placeFiles(folder: string, files: Files): Promise<Attempt<Placed[]>> {
  const failures: Failure[] = [];
  const placed: Placed[] = [];
  for (const [path, text] of files) {
    const file = join(folder, path);
    const there = await textOf(file);
    if (!there.ok) failures.push(...there.failures);
    else if (there.value === undefined) placed.push({ file, state: 'written' });
    else if (there.value === text) placed.push({ file, state: 'is there already' });
    else {
      const diff = diffLines(there.value, text).join('\n');
      const message = `${file} says something else, and is not overwritten; nothing was written:\n${diff}`;
      failures.push({
        reason: 'usage',
        message,
        next: 'take over what you want of it by hand, or write into a new folder: --into FOLDER',
      });
    }
  }
  if (failures.length > 0) return fail(...failures);
  for (const { file, state } of placed) {
    if (state !== 'written') continue;
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, files.get([...files.keys()].find((path) => join(folder, path) === file)!)!, { flag: 'wx' });
    } catch (error) {
      return fail(explainWriteError(file, error));
    }
  }
  return succeed(placed);
}

/** Undefined: there is no such file. */
async function textOf(file: string): Promise<Attempt<string | undefined>> {
  try {
    return succeed(await readFile(file, 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? succeed(undefined) : fail(explainReadError(file, error));
  }
}
