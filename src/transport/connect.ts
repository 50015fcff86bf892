// Sessions with hosts: a few handshakes at a time, and another try where a host had too many.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../failure.ts';
import type { Host } from '../inventory/inventory.ts';
import { planBootstrap } from './become.ts';
import { openChannelSession } from './channel-session.ts';
import { type Asked, type ClientConfig, readClientConfig } from './openssh.ts';
import { type Connected, type ConnectOptions, type Connector, OUTPUT_LIMIT } from './session.ts';
import { type Connecting, type Connection, openChannel, openConnection, type WayOptions } from './ssh.ts';

export interface ConnectorOptions {
  /** Handshakes at the same time, default 10: they cost processor time here, and a shared jump host counts them. */
  maxHandshakes?: number;
  /** What the ssh client's own configuration says of a machine. Default: what `ssh -G` prints. */
  readConfig?: (asked: Asked) => Promise<ClientConfig>;
}

const INTERRUPTED: Failure = { reason: 'interrupted', message: 'the run was interrupted' };
const KEEPALIVE_SECONDS = 5;
/** Before the first retry, at least; each later one waits longer. */
const RETRY_MS = 100;

export function createConnector(settings: ConnectorOptions = {}): Connector {
  const { maxHandshakes = 10, readConfig = readClientConfig } = settings;
  const turns = createTurns(maxHandshakes);
  return {
    async connect(host, options) {
      const failure = (failed: Failure): Connected => ({ ok: false, failure: { ...failed, host: host.name } });
      const way = await turns.take(() => connectInTime(host, options, readConfig));
      if (!way.ok) return failure(way.failure);
      const opened = await openShell(host, way.connection, options);
      if ('reason' in opened) {
        way.connection.end();
        return failure(opened);
      }
      return opened;
    },
  };
}

/** One connection within the time, retried while the host drops us before it has said who it is. */
async function connectInTime(
  host: Host,
  options: ConnectOptions,
  readConfig: WayOptions['readConfig'],
): Promise<Connecting> {
  const inTime = AbortSignal.timeout(options.connectTimeoutMs);
  const signal = AbortSignal.any([options.signal, inTime]);
  for (let attempt = 1; ; attempt++) {
    if (options.signal.aborted) return { ok: false, failure: INTERRUPTED, retry: false };
    const way = await openConnection(host, { signal, keepalive: options.keepalive ?? KEEPALIVE_SECONDS, readConfig });
    if (way.ok) return way;
    if (options.signal.aborted)
      return { ...way, failure: { reason: 'interrupted', message: 'the run was interrupted' } };
    if (inTime.aborted) return { ...way, failure: explainLate(way.failure, options.connectTimeoutMs) };
    if (!way.retry) return way;
    // Jitter, so that those who were dropped together do not come back together.
    await sleep(RETRY_MS * Math.min(attempt, 8) * (0.5 + Math.random()), undefined, { signal }).catch(() => {});
  }
}

function explainLate(failure: Failure, limitMs: number): Failure {
  return { ...failure, message: `${failure.message} (after ${limitMs / 1000} s)` };
}

async function openShell(host: Host, connection: Connection, options: ConnectOptions): Promise<Connected | Failure> {
  const plan = planBootstrap(host, connection.user);
  if ('reason' in plan) return plan;
  const late = AbortSignal.timeout(options.connectTimeoutMs);
  const signal = AbortSignal.any([options.signal, late]);
  const abort = () => connection.end();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const channel = await openChannel(connection, plan.command);
    const denied = channel instanceof Error ? explainNoSession(channel) : await plan.conversation?.(channel);
    if (options.signal.aborted) return INTERRUPTED;
    if (late.aborted) return explainSlowShell(plan.become, options.connectTimeoutMs);
    if (denied !== undefined || channel instanceof Error) return denied as Failure;
    return { ok: true, session: openChannelSession(channel, describe(host, options, plan.become)) };
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function explainNoSession(error: Error): Failure {
  return {
    reason: 'unreachable',
    message: `the host opens no session: ${error.message}`,
    next: 'check MaxSessions and the shell of the login user there',
  };
}

function explainSlowShell(become: boolean, limitMs: number): Failure {
  return {
    reason: 'timeout',
    message: `${become ? 'sudo' : 'the login shell'} has not answered within ${limitMs / 1000} s`,
    next: 'check with `ssh HOST` by hand what it waits for',
  };
}

function describe(host: Host, options: ConnectOptions, become: boolean) {
  return { host: host.name, outputLimit: options.outputLimit ?? OUTPUT_LIMIT, become };
}

/** At most `count` at the same time, the others in the order in which they came. */
function createTurns(count: number): { take<T>(work: () => Promise<T>): Promise<T> } {
  let free = count;
  const waiting: (() => void)[] = [];
  return {
    async take(work) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}
