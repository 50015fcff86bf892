// One authenticated ssh connection, through jumps where the way leads through them.
import { connect as connectSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import type { Failure } from '../failure.ts';
import type { Channel, Ending } from './channel.ts';
import { checkHostKey, readKnownKeys } from './host_key.ts';
import { explainDenied, planLogin } from './keys.ts';
import { type Asked, type ClientConfig, type Endpoint, settleEndpoint } from './openssh.ts';

export interface Connection {
  client: Client;
  /** The login user. */
  user: string;
  /** What broke the connection, once something has. */
  broken(): Ending['broken'];
  /** Ends this connection and those that it goes through. */
  end(): void;
}

export type Connecting = { ok: true; connection: Connection } | { ok: false; failure: Failure; retry: boolean };

export interface WayOptions {
  /** Aborted when the time for connecting is over, or the run. */
  signal: AbortSignal;
  /** Seconds between signs of life. */
  keepalive: number;
  /** What the ssh client's own configuration says of a machine. */
  readConfig(asked: Asked): Promise<ClientConfig>;
}

/** Unanswered signs of life after which a connection is given up. */
const KEEPALIVES = 3;
/** More jumps than this lead in a circle. */
const LONGEST_WAY = 8;

/** Connects to a machine, first to those that the way leads through. */
export async function openConnection(asked: Asked, options: WayOptions, depth = 0): Promise<Connecting> {
  const endpoint = settleEndpoint(asked, await options.readConfig(asked), process.env);
  const refused = checkSettings(asked, endpoint, depth);
  if (refused !== undefined) return { ok: false, failure: refused, retry: false };
  const last = endpoint.jumps.at(-1);
  if (last === undefined) return handshake(endpoint, openSocket(endpoint), () => {}, options);

  const before = endpoint.jumps.slice(0, -1).map(formatJump).join(',');
  const hop = await openConnection(before === '' ? last : { ...last, proxyJump: before }, options, depth + 1);
  if (!hop.ok) {
    const message = `on the way to ${endpoint.hostname}, at the jump host ${last.address}: ${hop.failure.message}`;
    return { ...hop, failure: { ...hop.failure, message } };
  }
  const { connection } = hop;
  const forwarded = await forward(connection.client, endpoint);
  if (forwarded instanceof Error) {
    connection.end();
    const message = `the jump host ${last.address} cannot reach ${endpoint.hostname}:${endpoint.port}: ${forwarded.message}`;
    return {
      ok: false,
      failure: { reason: 'unreachable', message, next: 'check the address, and that the jump host may forward' },
      retry: false,
    };
  }
  return handshake(endpoint, forwarded, connection.end, options);
}

function checkSettings(asked: Asked, endpoint: Endpoint, depth: number): Failure | undefined {
  if (depth > LONGEST_WAY) {
    return {
      reason: 'unreachable',
      message: `the jumps to ${asked.address} lead in a circle`,
      next: 'correct ProxyJump',
    };
  }
  if (endpoint.unsupported.length === 0) return undefined;
  return {
    reason: 'unreachable',
    message: `~/.ssh/config asks for what is not supported for ${asked.address}: ${endpoint.unsupported.join(', ')}`,
    next: 'use ProxyJump',
  };
}

function formatJump({ user, address, port }: Asked): string {
  return `${user === undefined ? '' : `${user}@`}[${address}]${port === undefined ? '' : `:${port}`}`;
}

/** `noDelay` before the handshake: with Nagle's algorithm each of its small packets waits for the host's slow ACK. */
function openSocket(endpoint: Endpoint): Duplex {
  return connectSocket({ host: endpoint.hostname, port: endpoint.port, noDelay: true });
}

function forward(client: Client, { hostname, port }: Endpoint): Promise<Duplex | Error> {
  return new Promise((resolve) => {
    try {
      client.forwardOut('127.0.0.1', 0, hostname, port, (error, stream) => resolve(error ?? stream));
    } catch (error) {
      resolve(error as Error);
    }
  });
}

async function handshake(
  endpoint: Endpoint,
  sock: Duplex,
  endWay: () => void,
  options: WayOptions,
): Promise<Connecting> {
  const early = new Promise<Error>((resolve) => sock.once('error', resolve));
  const [{ Client: SshClient }, login, keys] = await Promise.all([
    import('./ssh2.ts'),
    planLogin(endpoint),
    readKnownKeys(endpoint.knownHostsFiles),
  ]);
  const client = new SshClient();
  let broken: Ending['broken'];
  let judged: Failure | undefined;
  let greeted = false;
  const end = () => {
    client.end();
    sock.destroy();
    endWay();
  };
  const refuse = (failure: Failure, retry = false): Connecting => {
    end();
    return { ok: false, failure, retry };
  };
  if ('reason' in login) {
    sock.on('error', () => {});
    return refuse(login);
  }
  if (login.attempts.length === 0) {
    sock.on('error', () => {});
    return refuse(explainDenied(endpoint, login));
  }
  const check = checkHostKey(endpoint, keys);
  const attempts = [...login.attempts];

  const outcome = Promise.withResolvers<Connecting>();
  const fail = (error: NodeJS.ErrnoException & { level?: string }) => {
    broken ??= explainBreak(error, options.keepalive);
    if (error.level === 'agent') return;
    if (judged !== undefined) outcome.resolve(refuse(judged));
    else if (/no matching host key format/.test(error.message)) outcome.resolve(refuse(check.explainNoMatch()));
    else if (error.level === 'client-authentication') outcome.resolve(refuse(explainDenied(endpoint, login)));
    else outcome.resolve(refuse(explainUnreachable(endpoint, error), !greeted && isDropped(error)));
  };
  const abort = () => outcome.resolve(refuse(explainUnreachable(endpoint, new Error('no answer in time'))));
  options.signal.addEventListener('abort', abort, { once: true });
  if (options.signal.aborted) abort();
  client.on('error', fail);
  client.on('handshake', () => {
    greeted = true;
  });
  client.on('close', () => fail(new Error('the connection was closed')));
  client.on('ready', () =>
    outcome.resolve({ ok: true, connection: { client, user: endpoint.user, broken: () => broken, end } }),
  );
  early.then(fail);
  client.connect({
    sock: sock as never,
    username: endpoint.user,
    readyTimeout: 0,
    keepaliveInterval: options.keepalive * 1000,
    keepaliveCountMax: KEEPALIVES,
    algorithms: { serverHostKey: check.algorithms },
    authHandler: (_left, _partial, next) => next(attempts.shift() ?? (false as never)),
    hostVerifier: (key: Buffer) => {
      judged = check.judge(key);
      return judged === undefined;
    },
  });
  const result = await outcome.promise;
  options.signal.removeEventListener('abort', abort);
  return result;
}

/** sshd closes without a word when it has too many logins at once (MaxStartups): worth another try. */
function isDropped(error: NodeJS.ErrnoException): boolean {
  return (
    error.code === 'ECONNRESET' || error.code === 'EPIPE' || /lost before handshake|was closed/.test(error.message)
  );
}

function explainUnreachable(endpoint: Endpoint, error: NodeJS.ErrnoException): Failure {
  const at = `${endpoint.hostname}:${endpoint.port}`;
  const why: Record<string, [string, string]> = {
    ECONNREFUSED: [`${at} refuses connections`, 'check that sshd runs there and listens on this port'],
    ENOTFOUND: [`the name ${endpoint.hostname} cannot be resolved`, 'correct ansible_host or the name service'],
    EAI_AGAIN: [`the name ${endpoint.hostname} cannot be resolved now`, 'check the name service'],
    EHOSTUNREACH: [`there is no way to ${at}`, 'check that the host is up and the network between'],
    ENETUNREACH: [`there is no way to the network of ${at}`, 'check the network'],
  };
  const [message, next] = why[error.code ?? ''] ?? [
    `no ssh connection to ${at}: ${error.message}`,
    'check that the host is up, and try `ssh` there by hand',
  ];
  return { reason: 'unreachable', message, next };
}

function explainBreak(error: Error, keepalive: number): NonNullable<Ending['broken']> {
  if (/keepalive/i.test(error.message)) {
    return { reason: 'timeout', message: `the host has not answered for ${keepalive * KEEPALIVES} s` };
  }
  return { reason: 'lost', message: `the connection ended: ${error.message}` };
}

/** Runs a command and gives its streams; ending the channel ends the whole connection. */
export function openChannel(connection: Connection, command: string): Promise<Channel | Error> {
  return new Promise((resolve) => {
    try {
      connection.client.exec(command, (error, stream) => resolve(error ?? wrap(stream, connection)));
    } catch (error) {
      // The connection has gone meanwhile.
      resolve(error as Error);
    }
  });
}

function wrap(stream: ClientChannel, connection: Connection): Channel {
  const ended = new Promise<Ending>((resolve) => {
    let status: number | undefined;
    let signal: string | undefined;
    stream.on('exit', (code: number | null, name?: string) => {
      status = code ?? undefined;
      signal = name;
    });
    const finish = () => {
      const gone = status === undefined && signal === undefined;
      const broken = connection.broken() ?? { reason: 'lost' as const, message: 'the connection ended' };
      resolve(gone ? { broken } : { status, signal });
    };
    stream.on('close', finish);
    connection.client.on('close', finish);
  });
  return {
    stdin: stream,
    stdout: stream,
    stderr: stream.stderr as Channel['stderr'],
    ended,
    destroy: connection.end,
    terminate() {
      stream.signal('TERM');
      connection.end();
    },
  };
}
