// What a session needs of the way to a host: three streams, and to know how it ended.
import type { Readable, Writable } from 'node:stream';
import type { HostReason } from '../failure.ts';

export interface Channel {
  stdin: Writable;
  stdout: Readable;
  stderr: Readable;
  /** Resolves once nothing more will arrive: after all output, or when the connection is gone. */
  ended: Promise<Ending>;
  /** Ends at once what runs on the host, as far as the host lets us, and then the connection. */
  terminate(): void;
  /** Ends the connection. What runs on the host ends by itself after its current part. */
  destroy(): void;
}

/** How a channel ended. */
export interface Ending {
  /** Of the shell, where it ended by itself. */
  status?: number | undefined;
  /** What killed the shell on the host, such as `KILL`. */
  signal?: string | undefined;
  /** What broke the connection. */
  broken?: { reason: HostReason; message: string } | undefined;
}
