// What every place of snapshots must do, whatever stands behind it.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Place, readSmall } from '../../../src/storage/place.ts';

const NAME = 'cdf818194e3a8c32-r7-20300101T020304Z.db';
const MIB = 1024 * 1024;

/** Bytes that are not all the same, of any length. */
export function noise(length: number): Buffer {
  return Buffer.alloc(length, createHash('sha512').update(String(length)).digest());
}

export async function contentOf(place: Place, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const got = await place.get(name, async (chunk) => void chunks.push(Uint8Array.from(chunk)));
  if (!got.ok) throw new Error(got.failures[0]!.message);
  return Buffer.concat(chunks);
}

/** Declares the tests. `open` gives a place of its own each time, which nobody has written to. */
export function keepsItsPromises(open: () => Promise<Place>): void {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'quorate-place-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function file(bytes: Uint8Array): string {
    const path = join(folder, 'source');
    writeFileSync(path, bytes);
    return path;
  }

  it('is empty where nothing was ever put', async () => {
    const place = await open();
    expect(await place.list()).toEqual({ ok: true, value: [] });
    expect(await place.head(NAME)).toEqual({ ok: true, value: undefined });
    expect(await readSmall(place, NAME, 10)).toEqual({ ok: true, value: undefined });
    expect(await place.get(NAME, async () => {})).toMatchObject({
      ok: false,
      failures: [
        { reason: 'storage', message: expect.stringContaining(`there is no ${NAME}`), next: expect.any(String) },
      ],
    });
    await place.close();
  });

  // Around the sizes of pieces and blocks.
  it.each([0, 1, 65_536, 2 * MIB, 2 * MIB + 1, 17 * MIB + 7])('gives back %i bytes as they were put', async (size) => {
    const place = await open();
    const bytes = noise(size);
    const seen: number[] = [];
    const onProgress = (done: number) => void seen.push(done);
    expect(await place.put(NAME, file(bytes), { onProgress })).toEqual({ ok: true, value: undefined });
    expect((await contentOf(place, NAME)).equals(bytes)).toBe(true);
    expect(await place.list()).toMatchObject({ value: [{ name: NAME, size, time: expect.any(Date) }] });
    const head = await place.head(NAME);
    expect(head.ok && Math.abs(head.value!.time.getTime() - Date.now())).toBeLessThan(60_000);
    if (size > 0) expect(seen.at(-1)).toBe(size);
    await place.close();
  });

  it('never overwrites, and lets what is there stand', async () => {
    const place = await open();
    await place.put(NAME, file(Buffer.from('first')));
    expect(await place.put(NAME, file(Buffer.from('second')))).toMatchObject({
      ok: false,
      failures: [{ reason: 'snapshot', message: expect.stringContaining('already'), next: expect.any(String) }],
    });
    expect(await readSmall(place, NAME, 10)).toEqual({ ok: true, value: 'first' });
    await place.close();
  });

  it('reads small files only up to a limit', async () => {
    const place = await open();
    await place.put(NAME, file(noise(11)));
    expect(await readSmall(place, NAME, 10)).toMatchObject({ ok: false, failures: [{ reason: 'storage' }] });
    await place.close();
  });

  it('takes away what it is told to, and nothing else', async () => {
    const place = await open();
    await place.put(NAME, file(Buffer.from('one')));
    await place.put('other.db', file(Buffer.from('two')));
    expect(await place.remove(NAME)).toEqual({ ok: true, value: undefined });
    expect(await place.list()).toMatchObject({ value: [{ name: 'other.db' }] });
    await place.close();
  });
}
