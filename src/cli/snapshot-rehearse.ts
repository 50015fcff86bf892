// quorate snapshot rehearse: a snapshot restored for a try, on a host, into a member that nobody else can reach.
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Scope } from '../engine/load.ts';
import type { BroughtSnapshot } from '../engine/snapshot/bring.ts';
import type { Receipt } from '../etcd/snapshot/receipt.ts';
import type { Rehearsal } from '../etcd/snapshot/rehearsal.ts';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Place } from '../storage/place.ts';
import type { ApplySession } from '../transport/session.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, type CommonOptions, positiveNumber } from './options.ts';
import { printJson, printVisibly } from './print.ts';
import { loadHosts } from './session.ts';
import { openSnapshot } from './snapshot-open.ts';
import { type ConnectHost, createConnect, exitOf, interruptible, printFailures } from './snapshot-place.ts';

interface RehearseCommandOptions extends CommonOptions {
  on?: string;
  in?: string;
  rehearseLimit: number;
}

interface Rehearsed {
  url: string;
  /** What its receipt is called there. */
  name: string;
  rehearsal: Rehearsal;
}

export function addSnapshotRehearseCommand(program: Command, shell: Shell): void {
  const command = program
    .command('rehearse')
    .argument(
      '<snapshot>',
      'a file, host://HOST/FILE.db or s3://BUCKET/FILE.db; of a place without a file the newest proved one',
    )
    .description(
      'restore a snapshot on a host for a try: start an etcd from it that nobody else can reach, count what it serves, take it away again, and keep a receipt of it',
    );
  addHostOptions(command)
    .option('--on <host>', "the host (default: one of the target's, else one of the cluster of the snapshot's receipt)")
    .option(
      '--in <directory>',
      'where there, absolute; it needs about twice the size (default: /var/lib/quorate)',
      absolute,
    )
    .option('--rehearse-limit <seconds>', 'limit in seconds: for the host to restore and count', positiveNumber, 1800);
  addOutputOptions(command).action(async (text: string, options: RehearseCommandOptions) => {
    shell.finish(await run(text, options, shell.io));
  });
}

function absolute(text: string): string {
  if (/^\/[^\p{Cc}]*$/u.test(text)) return text;
  throw new InvalidArgumentError('an absolute path is expected');
}

async function run(text: string, options: RehearseCommandOptions, io: Io): Promise<number> {
  const attempt = await interruptible((signal) => rehearseOne(text, options, io, signal));
  const failures = attempt.ok ? [] : attempt.failures;
  if (options.json) {
    const rehearsals = attempt.ok ? [attempt.value] : [];
    printJson({ schema: 1, rehearsals, failures }, io);
  } else {
    if (attempt.ok) {
      const { describeRehearsal } = await import('./rehearsal-text.ts');
      const { url, name, rehearsal } = attempt.value;
      printVisibly(describeRehearsal(`${url}/${rehearsal.snapshot.name}`, `${url}/${name}`, rehearsal), io);
    }
    await printFailures(failures, options, io);
  }
  return exitOf(failures);
}

async function rehearseOne(
  text: string,
  options: RehearseCommandOptions,
  io: Io,
  signal: AbortSignal,
): Promise<Attempt<Rehearsed>> {
  const scope = await loadHosts({ ...options, target: options.target ?? 'all' }, io);
  if (!scope.ok) return scope;
  if (options.on !== undefined && !scope.value.inventory.hosts.has(options.on)) {
    const next = '`quorate inventory list` shows the hosts';
    return fail({ reason: 'unknown', message: `the inventory has no host ${options.on}`, next });
  }
  const connect = await createConnect(scope.value, options, signal);
  const pillar = scope.value.pillars.of(options.on ?? scope.value.targets[0]!).data;
  const opened = await openSnapshot(text, pillar, connect, signal);
  if (!opened.ok) return opened;
  const { place, name } = opened.value;
  const [{ withSnapshot }, { createProgress }, { controllerHome }] = await Promise.all([
    import('../engine/snapshot/bring.ts'),
    import('../report/progress.ts'),
    import('../engine/places.ts'),
  ]);
  const shown = new Map<string, ReturnType<typeof createProgress>>();
  const begun = new Map<string, number>();
  const onProgress = (what: string, done: number, total: number) => {
    if (!shown.has(what)) {
      for (const progress of shown.values()) progress.end();
      shown.set(what, createProgress(`${name} ${what}`, io));
      begun.set(what, performance.now());
    }
    shown.get(what)!.show(done, total);
  };
  try {
    return await withSnapshot({ place, name, home: controllerHome(io.env), signal, onProgress }, (snapshot) => {
      const seconds = secondsSince(begun);
      return onHost({ snapshot, place, name, seconds, scope: scope.value, connect, options, io, signal, onProgress });
    });
  } finally {
    for (const progress of shown.values()) progress.end();
    await place.close();
  }
}

/** Of the phases on this machine; each ended when the next began. */
function secondsSince(begun: ReadonlyMap<string, number>): { [phase: string]: number } {
  const times = [...begun.entries(), ['', performance.now()] as const];
  return Object.fromEntries(
    times.slice(0, -1).map(([what, at], index) => {
      const seconds = (times[index + 1]![1] - at) / 1000;
      return [what === 'verifying' ? 'verify' : 'fetch', Math.round(seconds * 100) / 100];
    }),
  );
}

interface Work {
  snapshot: BroughtSnapshot;
  place: Place;
  name: string;
  seconds: { [phase: string]: number };
  scope: Scope;
  connect: ConnectHost;
  options: RehearseCommandOptions;
  io: Io;
  signal: AbortSignal;
  onProgress(what: string, done: number, total: number): void;
}

async function onHost(work: Work): Promise<Attempt<Rehearsed>> {
  const { snapshot, place, name, scope, options, io, signal } = work;
  const session = await connectOne(work, snapshot.receipt);
  if (!session.ok) return session;
  const [{ rehearse }, { keepRehearsal }, { controllerHome, newRunId }, { escapeForTerminal }] = await Promise.all([
    import('../engine/snapshot/rehearse.ts'),
    import('../engine/snapshot/rehearsal-file.ts'),
    import('../engine/places.ts'),
    import('../report/escape.ts'),
  ]);
  try {
    const rehearsed = await rehearse({
      snapshot,
      path: snapshot.path,
      name,
      session: session.value,
      pillar: scope.pillars.of(session.value.host).data,
      run: newRunId(new Date()),
      directory: options.in,
      signal,
      limitSeconds: options.rehearseLimit,
      seconds: work.seconds,
      say: (sentence) => void io.stderr.write(`${escapeForTerminal(`${name}: ${sentence}`)}\n`),
      onProgress: work.onProgress,
    });
    if (!rehearsed.ok) return rehearsed;
    const kept = await keepRehearsal(place, `${controllerHome(io.env)}/snapshots`, rehearsed.value, signal);
    return kept.ok ? succeed({ url: place.url, name: kept.value, rehearsal: rehearsed.value }) : kept;
  } finally {
    await session.value.close();
  }
}

/** The first that can be reached. */
async function connectOne(
  { scope, connect, options }: Work,
  receipt: Receipt | undefined,
): Promise<Attempt<ApplySession>> {
  const { etcdClusters } = await import('../engine/clusters.ts');
  const members = etcdClusters(scope).get(receipt?.cluster.name ?? '')?.members ?? [];
  const hosts = options.on !== undefined ? [options.on] : options.target !== undefined ? scope.targets : members;
  if (hosts.length === 0) {
    const message = receipt
      ? `the inventory has no cluster ${receipt.cluster.name}, of which the snapshot is`
      : 'no receipt says which cluster the snapshot is of, and so no host is meant';
    return fail({ reason: 'usage', message, next: 'say where to rehearse it with --on HOST' });
  }
  const failures: Failure[] = [];
  for (const host of hosts) {
    const connected = await connect(host);
    if (connected.ok) return connected;
    failures.push(...connected.failures);
  }
  return fail(...failures);
}
