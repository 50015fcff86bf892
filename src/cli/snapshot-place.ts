// What the commands about snapshots share: the places that are meant, Ctrl-C, and how they end.
import type { Scope } from '../engine/load.ts';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Place } from '../storage/place.ts';
import type { ApplySession } from '../transport/session.ts';
import type { ValueMap } from '../value.ts';
import { EXIT } from './exit.ts';
import type { Io } from './io.ts';
import type { CommonOptions } from './options.ts';
import { printInputFailures, useColor } from './print.ts';
import { loadHosts } from './session.ts';

interface SnapshotPillar {
  url?: string;
  endpoint?: string;
  sse?: string;
  kms_key?: string;
}

export type ConnectHost = (host: string) => Promise<Attempt<ApplySession>>;

export async function createConnect(scope: Scope, options: CommonOptions, signal: AbortSignal): Promise<ConnectHost> {
  const { createConnector } = await import('../transport/connect.ts');
  const connector = createConnector({ maxHandshakes: Math.min(options.parallel, 10) });
  return async (name) => {
    const host = scope.inventory.hosts.get(name);
    if (!host) {
      const next = '`quorate inventory list` shows the hosts';
      return fail({ reason: 'unknown', message: `the inventory has no host ${name}`, next });
    }
    const connected = await connector.connect(host, { connectTimeoutMs: scope.limits.connect, signal });
    return connected.ok ? succeed(connected.session) : fail(connected.failure);
  };
}

/** `text` as it was typed, else what the pillar says. */
export async function placeFor(
  text: string | undefined,
  pillar: ValueMap | undefined,
  connect: ConnectHost | undefined,
  signal: AbortSignal,
): Promise<Attempt<{ place: Place; name?: string }>> {
  const [{ parsePlaceUrl }, { openPlace }] = await Promise.all([
    import('../storage/url.ts'),
    import('../storage/open.ts'),
  ]);
  const said = (pillar?.snapshot ?? {}) as SnapshotPillar;
  const wanted = text ?? said.url;
  if (wanted === undefined) {
    return fail({
      reason: 'usage',
      message: 'no place: where are the snapshots?',
      next: 'pass a directory, host://HOST/DIRECTORY or s3://BUCKET/PREFIX, or set the pillar key snapshot.url',
    });
  }
  const url = parsePlaceUrl(wanted);
  if (!url.ok) return url;
  const { endpoint, sse, kms_key: kmsKey } = said;
  const place = await openPlace(url.value, { signal, connect, endpoint, sse, kmsKey });
  if (!place.ok) return place;
  return succeed({ place: place.value, ...(url.value.name === undefined ? {} : { name: url.value.name }) });
}

/** The place that `from` names, else those of the clusters of the target. Hosts are only looked up where that needs them. */
export async function placesFor(
  from: string | undefined,
  options: CommonOptions,
  io: Io,
  signal: AbortSignal,
): Promise<Attempt<{ place: Place; name?: string }[]>> {
  const scoped = from === undefined || from.startsWith('host://') || options.target !== undefined;
  const scope = scoped ? await loadHosts({ ...options, target: options.target ?? 'all' }, io) : undefined;
  if (scope?.ok === false) return scope;
  const connect = scope && (await createConnect(scope.value, options, signal));
  const pillars = scope ? pillarsOf(scope.value) : [];
  if (from !== undefined) {
    const place = await placeFor(from, pillars[0], connect, signal);
    return place.ok ? succeed([place.value]) : place;
  }
  const urls = new Map(pillars.map((pillar) => [(pillar.snapshot as SnapshotPillar | undefined)?.url, pillar]));
  const places: { place: Place; name?: string }[] = [];
  for (const [, pillar] of urls) {
    const place = await placeFor(undefined, pillar, connect, signal);
    if (!place.ok) return place;
    places.push(place.value);
  }
  return succeed(places);
}

/** Of each cluster of the target that of its first member, else of the first host. */
function pillarsOf({ inventory, pillars, targets }: Scope): ValueMap[] {
  const clusters = [...inventory.clusters.values()].filter(({ members }) =>
    members.some((name) => targets.includes(name)),
  );
  const hosts = clusters.length > 0 ? clusters.map(({ members }) => members[0]!) : targets.slice(0, 1);
  return hosts.map((host) => pillars.of(host).data);
}

/** Runs `work` with a signal that Ctrl-C sets off. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    return await work(interrupt.signal);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

const REFUSED: ReadonlySet<Failure['reason']> = new Set(['snapshot', 'guard', 'quorum', 'not-confirmed', 'locked']);
const UNREACHABLE: ReadonlySet<Failure['reason']> = new Set(['unreachable', 'host-key', 'become', 'timeout', 'lost']);
const FAILED: ReadonlySet<Failure['reason']> = new Set(['script', 'storage', 'protocol', 'unproven', 'moved']);

/** The worst of them, in the order of the exit codes. */
export function exitOf(failures: readonly Failure[]): number {
  const some = (reasons: { has(reason: Failure['reason']): boolean }) =>
    failures.some(({ reason }) => reasons.has(reason));
  if (failures.length === 0) return EXIT.done;
  if (some(new Set(['interrupted']))) return EXIT.interrupted;
  const known = failures.every(({ reason }) => REFUSED.has(reason) || UNREACHABLE.has(reason) || FAILED.has(reason));
  if (!known) return EXIT.usage;
  if (some(REFUSED)) return EXIT.refused;
  return some(FAILED) ? EXIT.failed : EXIT.unreachable;
}

/** On stderr, as every failure. */
export async function printFailures(failures: Failure[], options: CommonOptions, io: Io): Promise<void> {
  if (failures.length > 0)
    await printInputFailures(failures, { ...options, color: useColor(options, io, io.stderr) }, io);
}
