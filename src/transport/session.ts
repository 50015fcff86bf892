// One host, connected: what the engine may do with it.
import type { Failure } from '../failure.ts';
import type { Host } from '../inventory/inventory.ts';
import type { Answer, Program } from '../shell/program.ts';

export interface RunOptions {
  signal: AbortSignal;
  /** The program's limit; after it the session is ended and the host reported with `timeout`. */
  limitMs: number;
  /** Called as each part ends, in order, long before the program has ended. */
  onAnswer?: (answer: Answer) => void;
}

/** Parts answered so far, and the failure that ended the program early if one did. */
export interface ProgramResult {
  answers: Answer[];
  failure?: Failure;
}

/** One program runs at a time. After a failure the session has ended, and every later program fails the same way. */
export interface ReadSession {
  readonly host: string;
  /** How many programs were sent. */
  readonly programs: number;
  /** The host, the network or this side has ended it: nothing can be run there any more. */
  readonly ended: boolean;
  read(program: Program & { kind: 'read' }, options: RunOptions): Promise<ProgramResult>;
  /** Ends the channel and the connection; what the host still runs ends by itself after its current part. */
  close(): Promise<void>;
}

/** Only an apply holds one. */
export interface ApplySession extends ReadSession {
  write(program: Program & { kind: 'write' }, options: RunOptions): Promise<ProgramResult>;
  /**
   * Sets what the host runs when the session ends there: closed, lost, or its process group ended with TERM.
   * Sent before the next program, without waiting; while a program runs, after it.
   */
  atExit(script: string): void;
  /** Runs a short script on the host at once, also beside a running program. Its output and status are dropped. */
  heartbeat(script: string): void;
}

/** Bytes of each stream of each part that are kept, unless told otherwise. */
export const OUTPUT_LIMIT = 4 * 1024 * 1024;

export interface ConnectOptions {
  signal: AbortSignal;
  /** For name, connection, handshake and login together, retries included; waiting for a turn does not count. */
  connectTimeoutMs: number;
  /** Seconds between signs of life asked of the host; three unanswered end the session. Default 5. */
  keepalive?: number;
  /** Bytes of each stream of each part that are kept. Default {@link OUTPUT_LIMIT}. */
  outputLimit?: number;
}

export type Connected = { ok: true; session: ApplySession } | { ok: false; failure: Failure };

/** Opens sessions. A host that denies sudo may be known only from its first program's failure: `become`. */
export interface Connector {
  connect(host: Host, options: ConnectOptions): Promise<Connected>;
}
