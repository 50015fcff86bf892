// A snapshot on this machine, read whole: its trailer, every page in use, every key.
import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setImmediate as breathe } from 'node:timers/promises';
import { readContent, type SnapshotContent } from '../../etcd/snapshot/content.ts';
import { Damage } from '../../etcd/snapshot/damage.ts';
import { CANARY_KEY } from '../../etcd/snapshot/receipt.ts';
import { createTrailerCheck, TRAILER_BYTES } from '../../etcd/snapshot/trailer.ts';
import { type Attempt, type Failure, fail, succeed } from '../../failure.ts';

export interface VerifiedSnapshot {
  size: number;
  sha256: string;
  content: SnapshotContent;
}

export interface VerifyOptions {
  signal?: AbortSignal | undefined;
  /** Bytes read of those to be read; it goes through the file twice. */
  onProgress?: ((done: number, total: number) => void) | undefined;
}

const CHUNK_BYTES = 1024 * 1024;
/** Reading pages blocks this process; it lets others run after so long. Milliseconds. */
const BREATH_MS = 20;

/** Memory stays flat whatever the size: 1 MiB of the file, one page, and some 20 bytes a key. */
export async function verifySnapshot(file: string, options: VerifyOptions = {}): Promise<Attempt<VerifiedSnapshot>> {
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    return fail({ reason: 'unreadable', message: `${file}: ${(error as Error).message}`, next: 'check the path' });
  }
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) {
      const next = `name a file in it (\`quorate snapshot list --from ${file}\` shows the snapshots there)`;
      return fail({ reason: 'unreadable', message: `${file}: it is a directory`, next });
    }
    const { size } = stat;
    const progress = (done: number) => options.onProgress?.(Math.min(done, size * 2), size * 2);
    const trailer = createTrailerCheck();
    const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    for (let position = 0; position < size; ) {
      if (options.signal?.aborted) return fail(INTERRUPTED);
      const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) break;
      trailer.take(buffer.subarray(0, bytesRead));
      position += bytesRead;
      progress(position);
    }
    const end = trailer.finish();
    if (!end.ok) return fail(damaged(file, end.why));

    const reading = readContent(bytesOf(handle, size - TRAILER_BYTES), [CANARY_KEY]);
    let step = reading.next();
    for (let last = performance.now(); !step.done; step = reading.next()) {
      if (performance.now() - last < BREATH_MS) continue;
      progress(size + step.value);
      await breathe();
      if (options.signal?.aborted) return fail(INTERRUPTED);
      last = performance.now();
    }
    if (!step.value.ok) return fail(damaged(file, step.value.why));
    progress(size * 2);
    return succeed({ size: end.size, sha256: end.sha256, content: step.value.content });
  } finally {
    await handle.close();
  }
}

const INTERRUPTED: Failure = { reason: 'interrupted', message: 'the reading was interrupted' };

function damaged(file: string, why: string): Failure {
  return {
    reason: 'snapshot',
    message: `${file} is no whole snapshot: ${why}`,
    next: 'take another one (`quorate snapshot list` shows what there is); nothing may be restored from this file',
  };
}

function bytesOf({ fd }: FileHandle, size: number) {
  return {
    size,
    read(position: number, length: number): Buffer {
      const buffer = Buffer.allocUnsafeSlow(length);
      let read = 0;
      while (read < length) {
        const more = readSync(fd, buffer, read, length - read, position + read);
        if (more === 0) throw new Damage('it was shortened while it was read');
        read += more;
      }
      return buffer;
    },
  };
}
