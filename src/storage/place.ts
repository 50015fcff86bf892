// Where snapshots and their receipts are kept: one small interface, whatever stands behind it.
import { type Attempt, fail, succeed } from '../failure.ts';

export interface StoredFile {
  name: string;
  /** Bytes. */
  size: number;
  /** When it was written, by the place's own clock. */
  time: Date;
}

export interface TransferOptions {
  signal?: AbortSignal | undefined;
  /** Bytes. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A place holds files side by side, without folders. Memory stays flat however large they are. */
export interface Place {
  /** As an operator would type it. */
  readonly url: string;
  /** Where it is a directory of this machine: a file may be made beside its final place. */
  readonly directory?: string;
  /** In order of their names; nothing where the place is not there yet. */
  list(): Promise<Attempt<StoredFile[]>>;
  head(name: string): Promise<Attempt<StoredFile | undefined>>;
  /** Copies a file of this machine to it. It is there whole or not at all; one that is there already is never overwritten. */
  put(name: string, file: string, options?: TransferOptions): Promise<Attempt<undefined>>;
  /** Gives the file's bytes in order. */
  get(name: string, take: (chunk: Uint8Array) => Promise<void>, options?: TransferOptions): Promise<Attempt<undefined>>;
  /** Takes a file away for good. */
  remove(name: string): Promise<Attempt<undefined>>;
  close(): Promise<void>;
}

/** A small file as text; undefined where there is none. */
export async function readSmall(place: Place, name: string, limit: number): Promise<Attempt<string | undefined>> {
  const found = await place.head(name);
  if (!found.ok) return found;
  if (found.value === undefined) return succeed(undefined);
  if (found.value.size > limit) return fail(storageFailure(place.url, `${name} is longer than ${limit} bytes`));
  const chunks: Uint8Array[] = [];
  const got = await place.get(name, async (chunk) => void chunks.push(chunk));
  return got.ok ? succeed(Buffer.concat(chunks).toString()) : got;
}

export function storageFailure(
  url: string,
  why: string,
  next = 'check the place and the rights there, then run again',
) {
  return { reason: 'storage', message: `${url}: ${why}`, next } as const;
}

export function alreadyThere(url: string, name: string) {
  return {
    reason: 'snapshot',
    message: `${url} has a file ${name} already, and nothing is ever overwritten`,
    next: 'give another place, or move that file aside',
  } as const;
}
