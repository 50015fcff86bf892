// quorate restore: a whole cluster goes back to one snapshot, by one command.
import type { Command } from 'commander';
import type { RestoreWish } from '../engine/restore/restore.ts';
import type { BroughtSnapshot } from '../engine/snapshot/bring.ts';
import { type Attempt, succeed } from '../failure.ts';
import type { Place } from '../storage/place.ts';
import { EXIT } from './exit.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, addStatesOptions, positiveNumber } from './options.ts';
import { printInputFailures } from './print.ts';
import {
  addClusterOption,
  describeRunbook,
  dryRunProcedure,
  makeReady,
  type ProcedureCommandOptions,
  type Ready,
  refuseUnconfirmed,
  runToItsEnd,
} from './procedure.ts';
import type { Session } from './session.ts';
import { openSnapshot } from './snapshot-open.ts';
import { createConnect, exitOf, interruptible, printFailures } from './snapshot-place.ts';

interface RestoreCommandOptions extends ProcedureCommandOptions {
  from: string;
  dryRun?: true;
  overHealthy?: true;
  without?: string[];
  maxAge?: number;
  rehearseLimit: number;
  saveLimit: number;
}

/** What `--from` says in place of a snapshot. */
const SURVIVOR = 'survivor';

export function declareRestore(command: Command, shell: Shell): void {
  command.requiredOption(
    '--from <snapshot>',
    'a file, host://HOST/FILE.db or s3://BUCKET/FILE.db; of a place without a file the newest proved one; survivor: what the member has that has applied most, of a cluster without a quorum',
  );
  addHostOptions(command);
  addStatesOptions(command);
  addClusterOption(command)
    .option('--confirm <cluster>', 'the name of the cluster that stops and is replaced')
    .option('--dry-run', 'print the runbook and what would be refused; writes nothing anywhere')
    .option('--over-healthy', 'also while a quorum serves; what would be lost is said first')
    .option(
      '--without <host>',
      'a host that cannot be asked is no member of the restored cluster; repeatable',
      (host: string, hosts: string[] = []) => [...hosts, host],
    )
    .option('--max-age <minutes>', 'refuse a snapshot that is older', positiveNumber)
    .option('--lock-wait <seconds>', 'wait this long for another run to end (default: 0)', positiveNumber)
    .option('--rehearse-limit <seconds>', 'limit in seconds: for the rehearsal', positiveNumber, 1800)
    .option('--save-limit <seconds>', 'limit in seconds: for a survivor to give all it has', positiveNumber, 600);
  addOutputOptions(command).action(async (options: RestoreCommandOptions) => {
    shell.finish(await restore(options, shell.io));
  });
}

async function restore(options: RestoreCommandOptions, io: Io): Promise<number> {
  const ready = await makeReady('restore', options, io);
  if (!ready.ok) {
    await printInputFailures(ready.failures, options, io);
    return exitOf(ready.failures);
  }
  const unconfirmed = options.dryRun
    ? undefined
    : refuseUnconfirmed(ready.value.cluster.name, options.confirm, 'what `--dry-run` says');
  if (unconfirmed) {
    await printFailures([unconfirmed], options, io);
    return EXIT.refused;
  }
  if (options.from === SURVIVOR) {
    const { refuseForSurvivor, restoreFromSurvivor } = await import('./restore-survivor.ts');
    const refused = refuseForSurvivor(options);
    if (refused) return printInputFailures([refused], options, io);
    return restoreFromSurvivor(ready.value, options, io);
  }
  let code: number = EXIT.done;
  const ended = await interruptible((signal) =>
    withTheSnapshot(ready.value, options, io, signal, async (place, snapshot, name) => {
      code = await (options.dryRun ? dryRun : run)({ ready: ready.value, options, io, place, snapshot, name });
      return succeed(undefined);
    }),
  );
  if (ended.ok) return code;
  await printFailures(ended.failures, options, io);
  return exitOf(ended.failures);
}

/** Brought here and proved, for as long as it is needed. */
async function withTheSnapshot(
  { loaded, cluster }: Ready,
  options: RestoreCommandOptions,
  io: Io,
  signal: AbortSignal,
  use: (place: Place, snapshot: BroughtSnapshot, name: string) => Promise<Attempt<undefined>>,
): Promise<Attempt<undefined>> {
  const [{ withSnapshot }, { createProgress }, { controllerHome }] = await Promise.all([
    import('../engine/snapshot/bring.ts'),
    import('../report/progress.ts'),
    import('../engine/places.ts'),
  ]);
  const connect = await createConnect(loaded, options, signal);
  const opened = await openSnapshot(options.from, loaded.pillars.of(cluster.members[0]!).data, connect, signal);
  if (!opened.ok) return opened;
  const { place, name } = opened.value;
  const progress = createProgress(name, io);
  try {
    const onProgress = (_what: string, done: number, total: number) => progress.show(done, total);
    return await withSnapshot({ place, name, home: controllerHome(io.env), signal, onProgress }, (snapshot) => {
      progress.end();
      return use(place, snapshot, name);
    });
  } finally {
    progress.end();
    await place.close();
  }
}

interface Work {
  ready: Ready;
  options: RestoreCommandOptions;
  io: Io;
  place: Place;
  snapshot: BroughtSnapshot;
  name: string;
}

async function run(work: Work): Promise<number> {
  const { ready, options, io } = work;
  const [{ prepareRestore }, { mark }, { RELEASED }] = await Promise.all([
    import('../engine/restore/restore.ts'),
    import('../engine/restore/bring.ts'),
    import('../engine/restore/record.ts'),
  ]);
  const { members } = ready.cluster;
  return runToItsEnd({
    ready,
    options,
    io,
    command: 'restore',
    prepare: async (held, session) => prepareRestore(held, await wishOf(work, session)),
    beforeNoReturn: ({ live }) => mark(live, live.run, RELEASED, members),
    finish: ({ live }) => mark(live, live.run, 'done', members),
    next: (id) =>
      `mend what is said above, then \`quorate resume ${id} -t ${options.target}\`; \`quorate undo ${id} -t ${options.target} --confirm ${ready.cluster.name}\` takes it back`,
  });
}

async function wishOf(work: Work, session: Session | undefined): Promise<RestoreWish> {
  const { ready, options, io, place, snapshot, name } = work;
  const { createProgress } = await import('../report/progress.ts');
  return {
    ...ready,
    snapshot,
    from: `${place.url}/${name}`,
    maxAge: options.maxAge === undefined ? undefined : options.maxAge * 60,
    overHealthy: options.overHealthy === true,
    without: options.without ?? [],
    async rehearse(held, host) {
      const { rehearseOn } = await import('./restore-rehearsal.ts');
      return rehearseOn({ place, name, snapshot, limitSeconds: options.rehearseLimit, io }, held, host);
    },
    announce(steps, loss, warnings) {
      void session?.settle();
      const lost =
        loss === undefined
          ? []
          : [
              `! a quorum serves, and ${loss.revisions} revisions since the snapshot are lost by this`,
              ...loss.kinds.map((kind) => `!   ${kind}`),
            ];
      const warned = warnings.map((warning) => `! ${warning}`);
      io.stderr.write(`${[describeRunbook(titleOf(work), steps), ...warned, ...lost].join('\n')}\n\n`);
    },
    onProgress(host, done, total) {
      createProgress(`${name} to ${host}`, io).show(done, total);
    },
  };
}

function titleOf({ ready: { cluster }, place, name, snapshot }: Work): string {
  const { content, sha256 } = snapshot.snapshot;
  const when = snapshot.receipt ? `, of ${snapshot.receipt.time}` : ', without a receipt';
  return `Cluster ${cluster.name} (${cluster.members.join(' ')}) goes back to ${place.url}/${name}\n  revision ${content.revision}, ${content.keys} keys${when}, sha256 ${sha256.slice(0, 12)}…`;
}

async function dryRun(work: Work): Promise<number> {
  const { ready, options, io } = work;
  const { judgeOnly } = await import('../engine/restore/restore.ts');
  return dryRunProcedure(ready, options, io, async (looked) => {
    const { refusals, loss, warnings } = await judgeOnly(looked, await wishOf(work, undefined));
    const { steps } = ready.procedure;
    const lost = loss
      ? [`lost: ${loss.revisions} revisions since the snapshot`, ...loss.kinds.map((kind) => `  ${kind}`)]
      : [];
    const warned = warnings.map((warning) => `! ${warning}`);
    return {
      text: [describeRunbook(titleOf(work), steps), ...warned, ...lost].join('\n'),
      document: { steps, loss: loss ?? null, warnings },
      failures: refusals,
    };
  });
}
