// Real snapshots of every etcd there is in the lab: 400 keys, deletions, a lease, a compaction, a canary.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type ContentAttempt, readContent } from '../../../../src/etcd/snapshot/content.ts';

/** What `etcdctl snapshot status` of the same version printed. */
export const STATUS: { readonly [version: string]: { hash: number; totalKey: number } } = {
  '3.4.23': { hash: 2792143489, totalKey: 412 },
  '3.5.16': { hash: 3794053130, totalKey: 414 },
  '3.5.30': { hash: 34924520, totalKey: 414 },
};
export const VERSIONS = Object.keys(STATUS);

/** With its trailer; a copy of its own. */
export function snapshotOf(version: string): Buffer {
  return gunzipSync(readFileSync(join(import.meta.dirname, 'fixtures', `${version}.db.gz`)));
}

/** The database with a trailer that fits: what somebody makes who wants damage to pass. */
export function sign(database: Buffer): Buffer {
  return Buffer.concat([database, createHash('sha256').update(database).digest()]);
}

export function contentOf(database: Buffer, wanted: string[] = []): ContentAttempt {
  const bytes = {
    size: database.length,
    read(position: number, length: number) {
      if (position < 0 || position + length > database.length) throw new Error('read outside of the file');
      return database.subarray(position, position + length);
    },
  };
  const reading = readContent(bytes, wanted);
  for (;;) {
    const step = reading.next();
    if (step.done) return step.value;
  }
}
