// quorate restore --from survivor: no snapshot is there, and one member still has what the cluster had.
import { join } from 'node:path';
import type { SurvivorVerdict, SurvivorWish } from '../engine/restore/survivor.ts';
import { type Failure, fail } from '../failure.ts';
import type { Procedure } from '../procedures/read.ts';
import type { Io } from './io.ts';
import { packageRoot } from './package.ts';
import { printInputFailures } from './print.ts';
import {
  describeRunbook,
  dryRunProcedure,
  type ProcedureCommandOptions,
  type Ready,
  runToItsEnd,
} from './procedure.ts';

export interface SurvivorOptions extends ProcedureCommandOptions {
  dryRun?: true;
  without?: string[];
  rehearseLimit: number;
  saveLimit: number;
}

export async function restoreFromSurvivor(ready: Ready, options: SurvivorOptions, io: Io): Promise<number> {
  const fence = await readFence();
  if (!fence.ok) return printInputFailures(fence.failures, options, io);
  return options.dryRun ? dryRun(ready, fence.value, options, io) : run(ready, fence.value, options, io);
}

/** Also for who goes on with such a restore. */
export async function readFence() {
  const { readProcedure } = await import('../procedures/read.ts');
  return readProcedure(join(packageRoot(), 'states'), 'fence');
}

export function survivorWish(
  ready: Ready,
  fence: Procedure,
  { rehearseLimit, saveLimit }: Pick<SurvivorOptions, 'rehearseLimit' | 'saveLimit'>,
  io: Io,
): SurvivorWish {
  return {
    ...ready,
    fence,
    saveSeconds: saveLimit,
    async rehearse(held, host, rehearsed) {
      const { rehearseOn } = await import('./restore-rehearsal.ts');
      return rehearseOn({ ...rehearsed, limitSeconds: rehearseLimit, io }, held, host);
    },
    say: (sentence) => void io.stderr.write(`${sentence}\n`),
    async onProgress(what, done, total) {
      const { createProgress } = await import('../report/progress.ts');
      createProgress(what, io).show(done, total);
    },
  };
}

async function run(ready: Ready, fence: Procedure, options: SurvivorOptions, io: Io): Promise<number> {
  const [{ judgeSurvivor, saveSurvivor }, { mark }, { RELEASED }] = await Promise.all([
    import('../engine/restore/survivor.ts'),
    import('../engine/restore/bring.ts'),
    import('../engine/restore/record.ts'),
  ]);
  const { members } = ready.cluster;
  const wish = survivorWish(ready, fence, options, io);
  return runToItsEnd({
    ready,
    options,
    io,
    command: 'restore',
    async prepare(held, session, take) {
      const verdict = await judgeSurvivor(held, ready.cluster, options.without ?? []);
      if (verdict.refusals.length > 0) return fail(...verdict.refusals);
      await session.settle();
      io.stderr.write(`${describe(ready, fence, verdict)}\n\n`);
      return saveSurvivor(held, wish, verdict.record!, take);
    },
    beforeNoReturn: ({ live }) => mark(live, live.run, RELEASED, members),
    finish: ({ live }) => mark(live, live.run, 'done', members),
    next: (id) =>
      `mend what is said above, then \`quorate resume ${id} -t ${options.target}\`; \`quorate undo ${id} -t ${options.target} --confirm ${ready.cluster.name}\` takes it back`,
  });
}

/** What each has, then both runbooks: the snapshot is taken between them. */
function describe(
  { cluster, procedure }: Ready,
  fence: Procedure,
  { record, told, warnings }: SurvivorVerdict,
): string {
  const of = record ? `what ${record.survivor!.host} still has` : 'what a survivor still has';
  return [
    describeRunbook(
      `Cluster ${cluster.name} (${cluster.members.join(' ')}) goes back to ${of}; the others are ended first`,
      fence.steps,
    ),
    describeRunbook(
      'Then a snapshot of it is taken, proved, rehearsed and brought to every host; and',
      procedure.steps,
    ),
    ...told.map((sentence) => `  ${sentence}`),
    ...warnings.map((warning) => `! ${warning}`),
  ].join('\n');
}

async function dryRun(ready: Ready, fence: Procedure, options: SurvivorOptions, io: Io): Promise<number> {
  const { judgeSurvivor } = await import('../engine/restore/survivor.ts');
  return dryRunProcedure(ready, options, io, async (looked) => {
    const verdict = await judgeSurvivor(looked, ready.cluster, options.without ?? []);
    const { refusals, told, warnings, record } = verdict;
    const survivor = record ? { ...record.survivor, told } : null;
    return {
      text: describe(ready, fence, verdict),
      document: { steps: [...fence.steps, ...ready.procedure.steps], loss: null, survivor, warnings },
      failures: refusals,
    };
  });
}

/** What makes no sense of a survivor; undefined: nothing of it is asked for. */
export function refuseForSurvivor(options: {
  overHealthy?: true | undefined;
  maxAge?: number | undefined;
}): Failure | undefined {
  const flag = options.overHealthy ? '--over-healthy' : options.maxAge === undefined ? undefined : '--max-age';
  if (flag === undefined) return undefined;
  return {
    reason: 'usage',
    message: `${flag} is about a snapshot, and --from survivor takes one now, of a cluster without a quorum`,
    next: `leave ${flag} out, or name a snapshot (--from PLACE)`,
  };
}
