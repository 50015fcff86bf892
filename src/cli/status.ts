// quorate status: how the clusters are, right now. The first command when something is wrong: it only reads, takes no lock,
// and needs nothing but one host that answers.
import { type Command, Option } from 'commander';
import type { Scope } from '../engine/load.ts';
import type { Sighting, StatusAsker } from '../engine/status/ask.ts';
import type { Diagnosis, Verdict } from '../etcd/diagnosis/diagnose.ts';
import { type Attempt, fail, succeed } from '../failure.ts';
import { listHosts } from '../report/layout.ts';
import { EXIT } from './exit.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, type CommonOptions, positiveNumber } from './options.ts';
import { print, printInputFailures, printJson, useColor } from './print.ts';
import { loadHosts } from './session.ts';

export interface StatusCommandOptions extends CommonOptions {
  /** Seconds between two looks; `true` for the default. */
  watch?: number | true;
  hashkv?: true;
}

const WATCH_SECONDS = 2;

export function declareStatus(command: Command, shell: Shell): void {
  addHostOptions(command);
  command
    .option(
      '--watch [seconds]',
      `look again and again (default: every ${WATCH_SECONDS} s), until Ctrl-C`,
      positiveNumber,
    )
    .addOption(
      new Option('--hashkv', 'compare the data of the members too: reads the whole keyspace of each').conflicts(
        'watch',
      ),
    );
  addOutputOptions(command)
    .addHelpText(
      'after',
      '\nWithout -t: every cluster of the inventory. A cluster is always asked whole.\n' +
        'Exit codes: 0 healthy, 2 something critical, 3 warnings only, 4 a host could not be asked.',
    )
    .action(async (options: StatusCommandOptions) => {
      shell.finish(await status(options, shell.io));
    });
}

async function status(options: StatusCommandOptions, io: Io): Promise<number> {
  const scope = await loadHosts({ ...options, target: options.target ?? 'all' }, io);
  if (!scope.ok) return printInputFailures(scope.failures, options, io);
  const clusters = await chooseClusters(scope.value);
  if (!clusters.ok) return printInputFailures(clusters.failures, options, io);

  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const asker = await openAsker(scope.value, options, interrupt.signal);
  try {
    const view = { scope: scope.value, clusters: clusters.value, asker, options, io, signal: interrupt.signal };
    if (options.watch !== undefined) {
      const { watch } = await import('./status-watch.ts');
      return await watch(view, options.watch === true ? WATCH_SECONDS : options.watch);
    }
    return await lookOnce(view);
  } finally {
    await asker.close();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** What one `status` looks at, and for whom. */
export interface StatusView {
  scope: Scope;
  /** By cluster: its members, in inventory order. */
  clusters: ReadonlyMap<string, readonly string[]>;
  asker: StatusAsker;
  options: StatusCommandOptions;
  io: Io;
  signal: AbortSignal;
}

/** Those of the target, whole. */
async function chooseClusters(scope: Scope): Promise<Attempt<Map<string, readonly string[]>>> {
  const { etcdClusters } = await import('../engine/clusters.ts');
  const chosen = [...etcdClusters(scope).values()].filter(({ members }) =>
    members.some((host) => scope.hosts.includes(host)),
  );
  if (chosen.length > 0) return succeed(new Map(chosen.map(({ name, members }) => [name, members])));
  return fail({
    reason: 'usage',
    message: 'no cluster: none of these hosts is in a group with etcd_cluster',
    next: 'name another target (`quorate inventory list`), or give the group `etcd_cluster: NAME`',
  });
}

async function openAsker(scope: Scope, options: StatusCommandOptions, signal: AbortSignal): Promise<StatusAsker> {
  const [{ createStatusAsker }, { createConnector }] = await Promise.all([
    import('../engine/status/ask.ts'),
    import('../transport/connect.ts'),
  ]);
  const connector = createConnector({ maxHandshakes: Math.min(options.parallel, 10) });
  return createStatusAsker(scope, {
    connect: (host, signal) => connector.connect(host, { connectTimeoutMs: scope.limits.connect, signal }),
    parallel: options.parallel,
    signal,
  });
}

async function lookOnce(view: StatusView): Promise<number> {
  const { clusters, asker, options, io, signal } = view;
  const hosts = hostsOf(clusters);
  const waiting = showWaiting(hosts, io);
  const asked = await asker.ask(hosts, (host) => waiting.answered(host));
  waiting.end();
  if (signal.aborted) return EXIT.interrupted;
  const sightings = options.hashkv ? await asker.addHashes(asked) : asked;
  if (signal.aborted) return EXIT.interrupted;
  const now = new Date();
  const diagnoses = await diagnoseAll(view, sightings, now);
  if (options.json) {
    const { toStatusJson } = await import('../report/status-json.ts');
    printJson(toStatusJson(diagnoses, figuresOf(sightings), now), io);
  } else {
    const { renderStatus } = await import('../report/status.ts');
    print(
      renderStatus(diagnoses, { color: useColor(options, io, io.stdout), width: io.stdout.columns || 100, now }),
      io,
    );
  }
  return exitOf(diagnoses);
}

/** Each once, though it may be a member of two. */
export function hostsOf(clusters: StatusView['clusters']): string[] {
  return [...new Set([...clusters.values()].flat())];
}

/** Before this nobody wonders what it waits for, in milliseconds. */
const PATIENCE_MS = 1000;

/** On a terminal: who has not answered yet. Gone when everybody has. */
function showWaiting(hosts: readonly string[], { stderr }: Io): { answered(host: string): void; end(): void } {
  const left = new Set(hosts);
  let shown = false;
  const draw = () => {
    shown = true;
    stderr.write(`\r\x1b[Kwaiting for ${listHosts([...left], 60)}`);
  };
  const timer = stderr.isTTY ? setTimeout(draw, PATIENCE_MS) : undefined;
  return {
    answered(host) {
      left.delete(host);
      if (shown && left.size > 0) draw();
    },
    end() {
      clearTimeout(timer);
      if (shown) stderr.write('\r\x1b[K');
    },
  };
}

export async function diagnoseAll(
  { clusters }: StatusView,
  sightings: readonly Sighting[],
  now: Date,
): Promise<Diagnosis[]> {
  const { diagnose } = await import('../etcd/diagnosis/diagnose.ts');
  return [...clusters].map(([name, members]) => {
    const by = new Map(sightings.flatMap(({ cluster, seen }) => (cluster === name ? [[seen.host, seen]] : [])));
    return diagnose({ name, hosts: members.flatMap((host) => by.get(host) ?? []) }, now);
  });
}

export function figuresOf(sightings: readonly Sighting[]): Map<string, { at: Date; programs: number }> {
  return new Map(sightings.map(({ seen, at, programs }) => [seen.host, { at, programs }]));
}

const EXITS: Record<Verdict, number> = {
  healthy: EXIT.done,
  critical: EXIT.failed,
  unreachable: EXIT.unreachable,
  warning: EXIT.pending,
};

async function exitOf(diagnoses: readonly Diagnosis[]): Promise<number> {
  const { judge } = await import('../etcd/diagnosis/diagnose.ts');
  return EXITS[judge(diagnoses.flatMap(({ findings }) => findings))];
}
