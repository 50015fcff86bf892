// A directory of this machine.
import { createReadStream } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Attempt, fail, succeed } from '../failure.ts';
import { openPart } from './part.ts';
import { type Place, type StoredFile, storageFailure } from './place.ts';

const CHUNK_BYTES = 1024 * 1024;

export function openDirectory(directory: string): Place {
  const failed = (error: unknown) => fail(storageFailure(directory, (error as Error).message));

  async function head(name: string): Promise<Attempt<StoredFile | undefined>> {
    try {
      const found = await stat(join(directory, name));
      return succeed(found.isFile() ? { name, size: found.size, time: found.mtime } : undefined);
    } catch (error) {
      return isMissing(error) ? succeed(undefined) : failed(error);
    }
  }

  return {
    url: directory,
    directory,
    head,
    async list() {
      try {
        const names = (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
        const files: StoredFile[] = [];
        for (const name of names) {
          const found = await head(name);
          if (!found.ok) return found;
          if (found.value) files.push(found.value);
        }
        return succeed(files);
      } catch (error) {
        return isMissing(error) ? succeed([]) : failed(error);
      }
    },
    async put(name, file, options = {}) {
      const part = await openPart(directory);
      if (!part.ok) return part;
      try {
        const { size } = await stat(file);
        await readWhole(file, (chunk) => part.value.write(chunk), size, options);
        return await part.value.commit(name);
      } catch (error) {
        return failed(error);
      } finally {
        await part.value.discard();
      }
    },
    async get(name, take, options = {}) {
      const found = await head(name);
      if (!found.ok) return found;
      if (!found.value)
        return fail(storageFailure(directory, `there is no ${name}`, '`quorate snapshot list` shows what there is'));
      try {
        await readWhole(join(directory, name), take, found.value.size, options);
        return succeed(undefined);
      } catch (error) {
        return failed(error);
      }
    },
    async remove(name) {
      try {
        await rm(join(directory, name));
        return succeed(undefined);
      } catch (error) {
        return isMissing(error) ? succeed(undefined) : failed(error);
      }
    },
    close: async () => {},
  };
}

async function readWhole(
  path: string,
  take: (chunk: Uint8Array) => Promise<void>,
  total: number,
  {
    signal,
    onProgress,
  }: { signal?: AbortSignal | undefined; onProgress?: ((done: number, total: number) => void) | undefined },
): Promise<void> {
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, ...(signal ? { signal } : {}) })) {
    await take(chunk);
    done += chunk.length;
    onProgress?.(done, total);
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
