// What the commands that run a procedure share: the one cluster that is meant, the runbook in words, and the run itself.
import { join } from 'node:path';
import type { Command } from 'commander';
import type { EtcdCluster } from '../engine/clusters.ts';
import type { Report } from '../engine/events.ts';
import type { Held } from '../engine/hold.ts';
import type { Loaded } from '../engine/load.ts';
import type { LoadedStep, ProcedureOptions, TakeSteps } from '../engine/procedure.ts';
import type { LoadState } from '../engine/restore/steps.ts';
import type { Looked } from '../engine/restore/verdict.ts';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Procedure, ProcedureStep } from '../procedures/read.ts';
import { exitCode } from './exit.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';
import { packageRoot } from './package.ts';
import { print, printInputFailures, printJson, printVisibly, useColor } from './print.ts';
import { loadRun, openSession, type Session } from './session.ts';
import { exitOf, printFailures } from './snapshot-place.ts';

export interface ProcedureCommandOptions extends CommonOptions {
  cluster?: string;
  confirm?: string;
}

/** What the hosts are asked first: how their members are. */
const FIRST_LOOK = 'kubernetes.etcd.expendable';

export interface Ready {
  loaded: Loaded;
  cluster: EtcdCluster;
  procedure: Procedure;
  load: LoadState;
}

export interface ReadyOptions extends CommonOptions {
  /** The cluster that is meant, where it is that of events. */
  cluster?: string;
  /** Hosts that a restore does without. */
  without?: readonly string[];
}

/** The procedure `name`, for the one cluster of the target. */
export async function makeReady(name: string, options: ReadyOptions, io: Io): Promise<Attempt<Ready>> {
  const [{ readProcedure }, { etcdClusters }] = await Promise.all([
    import('../procedures/read.ts'),
    import('../engine/clusters.ts'),
  ]);
  const [loaded, procedure] = await Promise.all([
    loadRun([FIRST_LOOK], options, io),
    readProcedure(join(packageRoot(), 'states'), name),
  ]);
  if (!loaded.ok) return loaded;
  if (!procedure.ok) return procedure;
  const { targets } = loaded.value;
  const ofTarget = [...etcdClusters(loaded.value).values()].filter(({ members }) =>
    members.some((host) => targets.includes(host)),
  );
  const { cluster: wanted } = options;
  const clusters = ofTarget.filter(({ name: each, eventsOf }) =>
    wanted === undefined ? eventsOf === undefined : each === wanted,
  );
  const [cluster, ...others] = clusters;
  if (!cluster && wanted !== undefined && ofTarget.length > 0) {
    const message = `the target has no members of a cluster ${wanted}`;
    return fail({ reason: 'unknown', message, next: `it has of ${ofTarget.map((each) => each.name).join(', ')}` });
  }
  if (!cluster || others.length > 0) {
    const message = cluster
      ? `the target has members of ${clusters.length} clusters (${clusters.map((each) => each.name).join(', ')}), and one at a time is restored`
      : 'no cluster: none of these hosts is in a group with etcd_cluster';
    return fail({ reason: 'usage', message, next: 'name the group of one cluster (`quorate inventory list`)' });
  }
  const load: LoadState = (state, given, { leftOut = [], spared = [], restored = false }) =>
    loadRun([state], options, io, {
      given,
      leftOut: { cluster: cluster.name, hosts: leftOut },
      spared,
      ...(restored && cluster.eventsOf !== undefined ? { about: cluster.name } : {}),
    });
  const { without = [] } = options;
  if (without.length === 0) return succeed({ loaded: loaded.value, cluster, procedure: procedure.value, load });
  const refusal = refuseWithout(cluster, targets, without);
  if (refusal) return fail(refusal);
  const left = await loadRun([FIRST_LOOK], options, io, { leftOut: { cluster: cluster.name, hosts: without } });
  if (!left.ok) return left;
  return succeed({
    loaded: left.value,
    cluster: etcdClusters(left.value).get(cluster.name)!,
    procedure: procedure.value,
    load,
  });
}

/** What is left out has to be a member that the target means, and somebody has to be left. */
function refuseWithout(
  { name, members }: EtcdCluster,
  targets: readonly string[],
  without: readonly string[],
): Failure | undefined {
  const stranger = without.find((host) => !members.includes(host) || !targets.includes(host));
  if (stranger !== undefined) {
    return {
      reason: 'guard',
      message: `--without ${stranger}: it is no member of cluster ${name} that the target has`,
      next: `name hosts of ${members.filter((host) => targets.includes(host)).join(', ')}, and let the target be the whole group`,
    };
  }
  if (members.some((host) => !without.includes(host))) return undefined;
  return {
    reason: 'guard',
    message: `without ${without.join(', ')} nothing is left of cluster ${name} to restore`,
    next: 'leave out only what will not come back; new hosts take its place in the inventory',
  };
}

/** Of `resume` and `undo`, before anybody is asked: what is no restore has a journal of its own, and keeps it. */
export async function refuseNoRestore(run: string, io: Io): Promise<Failure | undefined> {
  const [{ isRunId }, { beginningsOf }] = await Promise.all([
    import('../engine/places.ts'),
    import('../engine/journal.ts'),
  ]);
  const next = '`quorate runs list` shows which runs were a restore; a host has them in /var/lib/quorate/restores';
  if (!isRunId(run)) return { reason: 'usage', message: `no run is called ${run}`, next };
  const [first] = await beginningsOf(run, io.env);
  if (first === undefined || first.command !== 'apply') return undefined;
  return { reason: 'usage', message: `the run ${run} was an apply, not a restore`, next };
}

/** Every command that runs a procedure. */
export function addClusterOption(command: Command): Command {
  return command.option('--cluster <name>', 'the cluster that is meant, where it is that of events (main-events)');
}

/** A whole cluster stops: its name has to be typed. `before`: what to read first. */
export function refuseUnconfirmed(cluster: string, confirm: string | undefined, before: string): Failure | undefined {
  if (confirm === cluster) return undefined;
  return {
    reason: 'not-confirmed',
    message:
      confirm === undefined
        ? `the whole cluster ${cluster} would stop and be replaced, and nobody has confirmed that`
        : `--confirm says ${confirm}, and the cluster of the target is ${cluster}`,
    next: `read ${before}, then pass --confirm ${cluster}`,
  };
}

/** The list is the runbook. */
export function describeRunbook(title: string, steps: readonly ProcedureStep[]): string {
  const width = Math.max(...steps.map((step) => step.title.length));
  const lines = steps.flatMap(({ title: said, apply, unless, pointOfNoReturn }, at) => [
    ...(pointOfNoReturn ? ['  -- from here on there are writes that taking it back would lose --'] : []),
    `  ${String(at + 1).padStart(2)}. ${said.padEnd(width)}  ${apply}${unless === undefined ? '' : `, unless ${unless} is done`}`,
  ]);
  return [title, ...lines].join('\n');
}

/** What a dry run comes to: in words, and as a document. */
export interface DryRun {
  text: string;
  /** Beside what every dry run of a procedure says. */
  document: { steps: readonly ProcedureStep[]; loss: unknown; warnings: readonly string[]; [more: string]: unknown };
  failures: Failure[];
}

/** Looks, lets `judge` say what stands against it, and tells that; writes nothing anywhere, so it takes no lock. */
export async function dryRunProcedure(
  ready: Ready,
  options: CommonOptions,
  io: Io,
  judge: (looked: Looked) => Promise<DryRun>,
): Promise<number> {
  const [{ look }, { closeAll }, opened] = await Promise.all([
    import('../engine/look.ts'),
    import('../engine/connections.ts'),
    openSession(ready.loaded, options, io, { journalled: false }),
  ]);
  if (!opened.ok) return printInputFailures(opened.failures, options, io);
  const { context, settle, release } = opened.value;
  const seen = await look(context);
  try {
    const { text, document, failures } = await judge({ live: { ...context, connections: seen.connections }, seen });
    await settle();
    if (options.json) printJson({ schema: 1, cluster: ready.cluster.name, ...document, failures }, io);
    else {
      printVisibly(text, io);
      await printFailures(failures, options, io);
    }
    return exitOf(failures);
  } finally {
    release();
    await closeAll(seen.connections);
  }
}

export interface RunWish {
  ready: Ready;
  options: CommonOptions;
  io: Io;
  command: Report['command'];
  /** The run that is gone on with. */
  run?: string;
  prepare(held: Held, session: Session, take: TakeSteps): Promise<Attempt<LoadedStep[]>>;
  beforeNoReturn?(held: Held): Promise<Failure[]>;
  finish(held: Held): Promise<Failure[]>;
  /** What to do after a step that could not be finished; the run's id is known by now. */
  next(run: string): string;
}

/** Runs it, tells how it went, and gives the exit code. */
export async function runToItsEnd(wish: RunWish): Promise<number> {
  const { ready, options, io, command } = wish;
  const opened = await openSession(ready.loaded, options, io, {
    journalled: true,
    ...(wish.run === undefined ? {} : { run: wish.run }),
  });
  if (!opened.ok) return printInputFailures(opened.failures, options, io);
  const session = opened.value;
  const [{ runProcedure }, { toJson }] = await Promise.all([
    import('../engine/procedure.ts'),
    import('../report/json.ts'),
  ]);
  const procedure: ProcedureOptions = {
    command,
    prepare: (held, take) => wish.prepare(held, session, take),
    beforeNoReturn: async (held) => (await wish.beforeNoReturn?.(held)) ?? [],
    finish: wish.finish,
    next: wish.next(session.context.run),
  };
  try {
    const end = await runProcedure(session.context, procedure);
    await session.settle();
    const report = { ...end.report, ...(session.journal ? { journal: session.journal.directory } : {}) };
    await session.journal?.finish(toJson(report, end.plan));
    if (options.json) printJson(toJson(report, end.plan), io);
    else {
      const { renderReport } = await import('../report/report.ts');
      print(renderReport(report, { color: useColor(options, io, io.stdout), verbose: options.verbose === true }), io);
    }
    return exitCode(report.outcome, false);
  } finally {
    session.release();
  }
}
