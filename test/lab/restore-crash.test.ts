// The controller is killed after every entry of a restore's journal, as a whole run has written them: resume finishes it, undo takes it back.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FULL, SEED } from './extent.ts';
import { randomNumbers, shuffle } from './random.ts';
import { record } from './recording.ts';
import { type Entry, type Outcome, openRestoring, type Restoring, WAYS, type Way } from './restoring.ts';

interface Moment {
  /** So many entries are written. */
  entries: number;
  way: Way;
}

const SAMPLE = 4;
/** Of one moment. */
const LIMIT_MS = 300_000;
let restoring: Restoring;
let moments: Moment[];
let total: number;

const open = async () => {
  restoring = await openRestoring('tbkill', '10.213.93');
};
beforeAll(async () => {
  await open();
  const whole = await restoring.restore().ended;
  expect(whole.status, whole.stdout + whole.stderr).toBe(0);
  total = restoring.lastRun().entries.length;
  const random = randomNumbers(SEED);
  const all = Array.from({ length: total }, (_, at) => WAYS.map((way) => ({ entries: at + 1, way }))).flat();
  const spread = (at: number) => 1 + Math.floor(((at + random()) / SAMPLE) * total);
  // In no order, so that a run that is ended before its time has seen something of everything.
  moments = FULL
    ? shuffle(all, random)
    : Array.from({ length: SAMPLE }, (_, at) => ({ entries: spread(at), way: WAYS[at % 2]! }));
});
afterAll(() => restoring?.close());

it(
  'a restore that is killed after any entry of its journal is finished by resume, or taken back by undo, or was not begun',
  async () => {
    const failures: string[] = [];
    for (const moment of moments) {
      const failure = await interrupt(moment);
      if (failure === undefined) continue;
      failures.push(failure);
      // The others are to be seen as well, on a cluster that nothing has happened to.
      await restoring.close();
      await open();
    }
    expect(failures).toEqual([]);
  },
  LIMIT_MS * (FULL ? 400 : SAMPLE),
);

/** What was not as it must be. */
async function interrupt({ entries, way }: Moment): Promise<string | undefined> {
  let [at, last] = ['before step 1', 'nothing'];
  let failure: string | undefined;
  const outcome = await restoring
    .expectMended(way, async () => {
      const run = await restoring.restoreKilledAfter(entries);
      const written = restoring.lastRun().entries;
      const step = written.findLast(({ type }) => type.startsWith('step-'))?.step;
      if (step !== undefined) at = `step ${step}`;
      last = wordsOf(written.at(-1)!);
      return run;
    })
    .catch((error: Error): Outcome => {
      failure = `killed after entry ${entries} (${last}), then ${way}, seed ${SEED}: ${error.stack}`;
      return 'failed';
    });
  const how = `after entry ${entries} of ${total}, ${last}`;
  record(restoring.cluster, { what: 'the controller is killed', way, at, how, outcome, of: total });
  return failure;
}

function wordsOf({ type, host, step, resource, result }: Entry): string {
  const { host: on = host, resource: what = resource } = (result ?? {}) as { host?: string; resource?: string };
  return [type, step, on, what].filter((word) => word !== undefined).join(' ');
}
