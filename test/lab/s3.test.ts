// S3 as moto speaks it: the promises of every place, and those that only a bucket can keep or break.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, HeadObjectCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Moto, startMoto } from '../../lab/moto.ts';
import { openPlace } from '../../src/storage/open.ts';
import type { Place } from '../../src/storage/place.ts';
import { parsePlaceUrl } from '../../src/storage/url.ts';
import { keepsItsPromises, noise } from '../unit/storage/contract.ts';

const SECRET = 'hunter2-hunter2';
let moto: Moto;
let folder: string;
let made = 0;

beforeAll(async () => {
  moto = await startMoto();
  // The SDK's usual chain, endpoint included.
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: SECRET,
    AWS_ENDPOINT_URL_S3: moto.endpoint,
  });
  folder = mkdtempSync(join(tmpdir(), 'quorate-s3-'));
  await client().send(new CreateBucketCommand({ Bucket: 'backups' }));
});
afterAll(async () => {
  await moto?.close();
  rmSync(folder, { recursive: true });
});

function client(): S3Client {
  return new S3Client({ endpoint: moto.endpoint, forcePathStyle: true, region: 'us-east-1' });
}

async function open(text: string, options: { sse?: string; endpoint?: string } = {}): Promise<Place> {
  const url = parsePlaceUrl(text);
  const place = url.ok ? await openPlace(url.value, { signal: new AbortController().signal, ...options }) : url;
  if (!place.ok) throw new Error(place.failures[0]!.message);
  return place.value;
}

describe('a bucket', () => {
  keepsItsPromises(async () => {
    made += 1;
    return open(`s3://backups/main/${made}`);
  });

  it('holds what other prefixes and tools have, and shows none of it', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'x');
    const place = await open('s3://backups/own');
    for (const [url, name] of [
      ['s3://backups/own/below', 'a.db'],
      ['s3://backups/owner', 'b.db'],
      ['s3://backups', 'c.db'],
    ]) {
      expect(await (await open(url!)).put(name!, file)).toMatchObject({ ok: true });
    }
    await place.put('d.db', file);
    expect(await place.list()).toMatchObject({ value: [{ name: 'd.db' }] });
  });

  it('lists more than one page', async () => {
    const place = await open('s3://backups/many');
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const names = Array.from({ length: 1005 }, (_, index) => `${1000 + index}.db`);
    for (let from = 0; from < names.length; from += 50) {
      await Promise.all(names.slice(from, from + 50).map((name) => place.put(name, file)));
    }
    const listed = await place.list();
    expect(listed.ok && listed.value.map(({ name }) => name)).toEqual(names);
  });

  it('encrypts as it is told to', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'x');
    await (await open('s3://backups/sse', { sse: 'AES256' })).put('a.db', file);
    const head = await client().send(new HeadObjectCommand({ Bucket: 'backups', Key: 'sse/a.db' }));
    expect(head.ServerSideEncryption).toBe('AES256');
  });

  it('keeps nothing of an upload that was interrupted', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, noise(40 * 1024 * 1024));
    const place = await open('s3://backups/stopped');
    const stop = new AbortController();
    const put = await place.put('a.db', file, { signal: stop.signal, onProgress: () => stop.abort() });
    expect(put.ok).toBe(false);
    expect(await place.list()).toEqual({ ok: true, value: [] });
    const left = await client().send(new ListMultipartUploadsCommand({ Bucket: 'backups' }));
    expect(left.Uploads ?? []).toEqual([]);
  });

  it('decides itself who was first, also of two that upload at the same time', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, noise(1024));
    const places = await Promise.all([1, 2, 3, 4].map(() => open('s3://backups/race')));
    const put = await Promise.all(places.map((place) => place.put('a.db', file)));
    expect(put.filter(({ ok }) => ok)).toHaveLength(1);
    for (const each of put) if (!each.ok) expect(each.failures[0]!.message).toContain('already');
  });

  it('that is not there, or not reached, is said so, without a secret', async () => {
    const missing = await (await open('s3://no-such-bucket/x')).list();
    expect(missing).toMatchObject({
      ok: false,
      failures: [{ reason: 'storage', message: expect.stringMatching(/NoSuchBucket/) }],
    });
    const closed = await (await open('s3://backups/x', { endpoint: 'http://127.0.0.1:9' })).list();
    expect(closed).toMatchObject({
      ok: false,
      failures: [{ reason: 'storage', message: expect.stringContaining('ECONNREFUSED') }],
    });
    expect(JSON.stringify([missing, closed])).not.toContain(SECRET);
  });
});
