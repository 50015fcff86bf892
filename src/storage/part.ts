// A file that is being made: nobody sees it under its name before it is whole and on the disk.
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Attempt, fail, succeed } from '../failure.ts';
import { alreadyThere, storageFailure } from './place.ts';

export interface Part {
  readonly path: string;
  write(chunk: Uint8Array): Promise<void>;
  /** To the disk, and under its name; refused where one of that name is there. */
  commit(name: string): Promise<Attempt<undefined>>;
  /** Takes it away, unless it was committed. */
  discard(): Promise<void>;
}

const FORM = /^\.quorate-(\d+)-[0-9a-f]+\.part$/;
/** Nobody writes to a file for so long without touching it. */
const STALE_MS = 60 * 60 * 1000;

/** In `directory`, which is made if it is not there: for its owner alone, as is the file. */
export async function openPart(directory: string): Promise<Attempt<Part>> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await sweep(directory);
    const path = join(directory, `.quorate-${process.pid}-${randomBytes(6).toString('hex')}.part`);
    const handle = await open(path, 'wx', 0o600);
    let closed = false;
    const close = async () => {
      if (!closed) await handle.close();
      closed = true;
    };
    return succeed({
      path,
      write: async (chunk) => void (await handle.writeFile(chunk)),
      async commit(name) {
        try {
          await handle.sync();
          await close();
          await link(path, join(directory, name));
          await rm(path, { force: true });
          await syncDirectory(directory);
          return succeed(undefined);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') return fail(alreadyThere(directory, name));
          return fail(storageFailure(directory, (error as Error).message));
        }
      },
      async discard() {
        await close();
        await rm(path, { force: true });
      },
    });
  } catch (error) {
    return fail(storageFailure(directory, (error as Error).message));
  }
}

/** Takes away what a controller that was killed has left here. */
async function sweep(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const [, pid] = FORM.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    // Of another machine, where the directory is shared: its pid says nothing here.
    if (found && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  await handle.sync().catch(() => {});
  await handle.close();
}
