// The last 32 bytes of a snapshot: the sha256 of all before them, which the member appends while it sends.
import { createHash } from 'node:crypto';

/** Bytes. */
export const TRAILER_BYTES = 32;
/** A database is whole pages, which are multiples of this; so the rest says whether a trailer follows (etcdutl/snapshot/v3_snapshot.go). */
const SECTOR_BYTES = 512;

export interface TrailerCheck {
  take(chunk: Uint8Array): void;
  finish(): Trailer;
}

export type Trailer =
  /** `sha256` is that of the whole file, trailer included: what `sha256sum` prints. */
  { ok: true; size: number; sha256: string } | { ok: false; size: number; why: string };

/** Takes the file's bytes in order, in chunks of any size, and keeps no more than the last 32 of them. */
export function createTrailerCheck(): TrailerCheck {
  const hash = createHash('sha256');
  let held: Uint8Array = new Uint8Array(0);
  let size = 0;
  return {
    take(chunk) {
      size += chunk.length;
      const all = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const whole = Math.max(0, all.length - TRAILER_BYTES);
      hash.update(all.subarray(0, whole));
      held = Uint8Array.from(all.subarray(whole));
    },
    finish() {
      const rest = size % SECTOR_BYTES;
      if (size <= TRAILER_BYTES) return { ok: false, size, why: `it is ${size} bytes long, which no snapshot is` };
      if (rest === 0) {
        return { ok: false, size, why: 'it has no sha256 at its end: it is a copy of a database, or was cut' };
      }
      if (rest !== TRAILER_BYTES) {
        return { ok: false, size, why: `it is ${size} bytes long, which is no whole pages and a sha256: it was cut` };
      }
      const said = Buffer.from(held);
      if (!hash.copy().digest().equals(said)) {
        return {
          ok: false,
          size,
          why: 'its sha256 is not the one at its end: it was damaged on the way or on the disk',
        };
      }
      return { ok: true, size, sha256: hash.update(said).digest('hex') };
    },
  };
}
