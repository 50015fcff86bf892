// quorate snapshot save: a proved snapshot of each cluster of the target, with its receipt.
import type { Command } from 'commander';
import type { EtcdCluster } from '../engine/clusters.ts';
import type { Scope } from '../engine/load.ts';
import type { SavedSnapshot } from '../engine/snapshot/save.ts';
import { type Attempt, type Failure, fail } from '../failure.ts';
import type { ApplySession } from '../transport/session.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, type CommonOptions, positiveNumber } from './options.ts';
import { printInputFailures, printJson, printVisibly } from './print.ts';
import { loadHosts } from './session.ts';
import { type ConnectHost, createConnect, exitOf, interruptible, placeFor, printFailures } from './snapshot-place.ts';

interface SaveCommandOptions extends CommonOptions {
  to?: string;
  hashkv: boolean;
  canary: boolean;
  saveLimit: number;
  cluster?: string;
}

export function addSnapshotSaveCommand(program: Command, shell: Shell): void {
  const command = program
    .command('save')
    .description(
      'take a snapshot of each cluster of the target, prove it and keep it with a receipt; writes one key, the canary, and nothing else',
    );
  addHostOptions(command)
    .option(
      '--to <place>',
      'a directory, host://HOST/DIRECTORY or s3://BUCKET/PREFIX (default: pillar key snapshot.url)',
    )
    .option('--cluster <name>', 'of this cluster alone (default: of each that the target has members of)')
    .option('--no-hashkv', "do not compare the members' data first: it reads the whole keyspace of each")
    .option('--no-canary', 'write no canary key: for a database that is full')
    .option('--save-limit <seconds>', 'limit in seconds: for the member to give all of it', positiveNumber, 600);
  addOutputOptions(command).action(async (options: SaveCommandOptions) => {
    shell.finish(await save(options, shell.io));
  });
}

async function save(options: SaveCommandOptions, io: Io): Promise<number> {
  const scope = await loadHosts(options, io);
  if (!scope.ok) return printInputFailures(scope.failures, options, io);
  const { targets } = scope.value;
  const { etcdClusters } = await import('../engine/clusters.ts');
  const clusters = [...etcdClusters(scope.value).values()].filter(({ members }) =>
    members.some((name) => targets.includes(name)),
  );
  if (clusters.length === 0) {
    const next = 'name another target (`quorate inventory list`), or give the group `etcd_cluster: NAME`';
    const message = 'no cluster: none of these hosts is in a group with etcd_cluster';
    return printInputFailures([{ reason: 'usage', message, next }], options, io);
  }
  const chosen = clusters.filter(({ name }) => options.cluster === undefined || name === options.cluster);
  if (chosen.length === 0) {
    const message = `the target has no members of a cluster ${options.cluster}`;
    const next = `it has of ${clusters.map(({ name }) => name).join(', ')}`;
    return printInputFailures([{ reason: 'unknown', message, next }], options, io);
  }
  return interruptible(async (signal) => {
    const connect = await createConnect(scope.value, options, signal);
    const saved: SavedSnapshot[] = [];
    const failures: Failure[] = [];
    for (const cluster of chosen) {
      const attempt = await saveCluster(cluster, { scope: scope.value, connect, options, io, signal });
      if (attempt.ok) saved.push(attempt.value);
      else failures.push(...attempt.failures);
    }
    if (options.json) printJson({ schema: 1, snapshots: saved.map(toEntry), failures }, io);
    else {
      const { describeSaved } = await import('./snapshot-text.ts');
      if (saved.length > 0) printVisibly(saved.map(describeSaved).join('\n'), io);
      await printFailures(failures, options, io);
    }
    return exitOf(failures);
  });
}

function toEntry({ url, name, receipt }: SavedSnapshot): unknown {
  const { size, time, revision, cluster } = receipt;
  return { url, name, size, time, revision, clusterId: cluster.id, state: 'verified', receipt };
}

interface Work {
  scope: Scope;
  connect: ConnectHost;
  options: SaveCommandOptions;
  io: Io;
  signal: AbortSignal;
}

async function saveCluster(etcdCluster: EtcdCluster, work: Work): Promise<Attempt<SavedSnapshot>> {
  const { name: cluster, members } = etcdCluster;
  const { scope, connect, options, io, signal } = work;
  const [
    { memberPillar },
    { saveSnapshot },
    { inParallel },
    { controllerHome, newRunId },
    { createProgress },
    { escapeForTerminal },
  ] = await Promise.all([
    import('../engine/clusters.ts'),
    import('../engine/snapshot/save.ts'),
    import('../engine/connections.ts'),
    import('../engine/places.ts'),
    import('../report/progress.ts'),
    import('../report/escape.ts'),
  ]);
  const say = (sentence: string) => void io.stderr.write(`${escapeForTerminal(`${cluster}: ${sentence}`)}\n`);
  const pillar = (host: string) => memberPillar(scope, host, etcdCluster);
  const opened = await placeFor(options.to, pillar(members[0]!), connect, signal);
  if (!opened.ok) return opened;
  const { place, name } = opened.value;
  const sessions = new Map<string, ApplySession>();
  const missing: Failure[] = [];
  try {
    if (name !== undefined) {
      const next = 'give the place alone: a snapshot is called after its cluster, revision and time';
      return fail({ reason: 'usage', message: `${options.to} names a file`, next });
    }
    await inParallel(members, options.parallel, async (host) => {
      const connected = await connect(host);
      if (connected.ok) sessions.set(host, connected.value);
      else missing.push(...connected.failures);
    });
    if (sessions.size === 0) return fail(...missing);
    for (const { host, message } of missing) say(`goes on without ${host}: ${message}`);
    const shown = new Map<string, ReturnType<typeof createProgress>>();
    const end = () => {
      for (const progress of shown.values()) progress.end();
    };
    const attempt = await saveSnapshot({
      cluster,
      members,
      sessions,
      pillar,
      place,
      run: newRunId(new Date()),
      home: controllerHome(io.env),
      signal,
      limitMs: scope.limits.program,
      saveSeconds: options.saveLimit,
      hashkv: options.hashkv,
      canary: options.canary,
      say,
      onProgress(what, done, total) {
        if (!shown.has(what)) {
          end();
          shown.set(what, createProgress(`${cluster} ${what}`, io));
        }
        shown.get(what)!.show(done, total);
      },
    });
    end();
    return attempt;
  } finally {
    await Promise.all([place.close(), ...[...sessions.values()].map((session) => session.close())]);
  }
}
