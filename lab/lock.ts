import { closeSync, fstatSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ask, sh } from './shell.ts';

/** Does `work` while no other process holds `file`. The kernel lets go of it when this process ends, however it ends. */
export async function locked<T>(file: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  const fd = await take(file, waiting);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
    closeSync(fd);
  }
}

async function take(file: string, waiting: () => void): Promise<number> {
  mkdirSync(dirname(file), { recursive: true });
  for (;;) {
    const fd = openSync(file, 'a');
    // The lock belongs to the open file, which the child shares: it stays ours when the child is gone.
    const stdio = ['ignore', 'pipe', 'pipe', fd] as const;
    if ((await ask({ stdio: [...stdio] })`flock --exclusive --nonblock 3`).exitCode !== 0) {
      waiting();
      await sh({ stdio: [...stdio] })`flock --exclusive 3`;
    }
    // Whoever had it removed the file: then this one locks nothing.
    if (statSync(file, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return fd;
    closeSync(fd);
  }
}
