// Waiting for what a running command says: the moments of a test are those of the run, never of a clock.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ended, Running } from './rig.ts';

/** Until the running command has said `text`, so many times. */
export async function saying(running: Running, text: string, times = 1): Promise<void> {
  let ended: Ended | undefined;
  running.ended.then((end) => {
    ended = end;
  });
  while (running.said().split(text).length <= times) {
    if (ended) throw new Error(`it ended without saying "${text}":\n${ended.stderr}\n${ended.stdout}`);
    await sleep(5);
  }
}
