// Looks over everybody's shoulder while a run works: what any process of this machine shows, its hosts' included.
import { readdir, readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';

export interface Spy {
  /** Every command line and environment that was seen since. */
  stop(): Promise<Set<string>>;
}

/** The hosts are containers: their processes stand in this machine's /proc like its own. */
export function spy(): Spy {
  const seen = new Set<string>();
  let stopped = false;
  async function look(): Promise<void> {
    while (!stopped) {
      const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
      const files = pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
      // Most end before they are read.
      const texts = await Promise.all(files.map((file) => readFile(file, 'latin1').catch(() => '')));
      for (const text of texts) if (text !== '') seen.add(text);
      await setImmediate();
    }
  }
  const looking = look();
  return {
    async stop() {
      stopped = true;
      await looking;
      return seen;
    },
  };
}
