// The hosts of a run, connected side by side, at most `parallel` at a time.
import type { Failure } from '../failure.ts';
import type { Host } from '../inventory/inventory.ts';
import type { ApplySession } from '../transport/session.ts';
import type { Listener } from './events.ts';

/** Opens one host. Injected, so that the engine knows nothing of ssh. */
export type Connect = (host: Host, signal: AbortSignal) => Promise<Connected>;
export type Connected = { ok: true; session: ApplySession } | { ok: false; failure: Failure };

export interface Connections {
  sessions: Map<string, ApplySession>;
  /** Hosts that could not be connected, with the reason: results, not crashes. */
  failures: Map<string, Failure>;
}

/** Calls `work` for every item, at most `limit` at once, and waits for all. */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const lanes = Array.from({ length: Math.min(Math.max(1, limit), queue.length) }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  });
  await Promise.all(lanes);
}

/** Connects every host, then `each` runs on it at once: a slow host does not hold up a fast one. */
export async function connectAll(
  hosts: Host[],
  options: { connect: Connect; parallel: number; signal: AbortSignal; emit: Listener },
  each: (session: ApplySession) => Promise<void>,
): Promise<Connections> {
  const connections: Connections = { sessions: new Map(), failures: new Map() };
  await inParallel(hosts, options.parallel, async (host) => {
    const began = performance.now();
    options.emit({ type: 'host-connecting', at: new Date(), host: host.name });
    const connected = await options.connect(host, options.signal);
    if (!connected.ok) {
      connections.failures.set(host.name, connected.failure);
      options.emit({ type: 'host-failed', at: new Date(), host: host.name, failure: connected.failure });
      return;
    }
    connections.sessions.set(host.name, connected.session);
    options.emit({ type: 'host-connected', at: new Date(), host: host.name, ms: performance.now() - began });
    await each(connected.session);
  });
  return connections;
}

export async function closeAll(connections: Connections): Promise<void> {
  await Promise.all([...connections.sessions.values()].map((session) => session.close()));
}
