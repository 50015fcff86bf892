// What a snapshot holds, read from its pages alone: no etcd is needed, and every page in use is looked at.
import { crc32c } from './crc32c.ts';
import { Damage, demand, exactly } from './damage.ts';
import { type Bytes, countReached, openDatabase, readBucket, readInnerBucket } from './database.ts';
import { createKeyCount, type KeyCount } from './key-count.ts';
import { type KeyRecord, readKeyRecord } from './key-value.ts';
import { createMemberList, type SnapshotMember } from './members.ts';
import type { Item } from './page.ts';

export interface SnapshotContent {
  /** Of the last change that is in it. */
  revision: number;
  /** Changes up to this one were forgotten, their last values kept. 0: none. */
  compacted: number;
  /** The last raft entry that is in it. */
  raftIndex: number;
  /** Keys that `get` would show. */
  keys: number;
  /** The same by the prefix that things of one kind share, in order of their names. */
  prefixes: { [prefix: string]: number };
  leases: number;
  members: SnapshotMember[];
  /** `MAJOR.MINOR.0`, the oldest minor among the members. */
  clusterVersion?: string;
  /** Everything that is stored, old values and etcd's own notes included; `TOTAL KEYS` of `etcdctl snapshot status`. */
  records: number;
  /** 8 hexadecimal digits; `HASH` of `etcdctl snapshot status`. */
  hash: string;
  /** Of the file. */
  pages: number;
  /** Of these, those that hold something. */
  pagesInUse: number;
  /** The last value of each key that was asked for and is there. */
  values: Map<string, { value: Buffer; revision: number }>;
}

export type ContentAttempt = { ok: true; content: SnapshotContent } | { ok: false; why: string };

/**
 * Reads a snapshot's database (`bytes` without the trailer). It gives back the bytes read so far after each few pages, so
 * that the caller may show them and do something else meanwhile, and ends with the content, or with what is wrong in one
 * sentence. Nothing in the file can make it throw, read outside of it, or go on without end.
 * @param wanted keys whose last values are kept
 */
export function* readContent(bytes: Bytes, wanted: readonly string[] = []): Generator<number, ContentAttempt> {
  let read = 0;
  const counted: Bytes = {
    size: bytes.size,
    read(position, length) {
      read += length;
      return bytes.read(position, length);
    },
  };
  try {
    const reading = readBuckets(counted, wanted);
    for (;;) {
      const step = reading.next();
      if (step.done) return { ok: true, content: step.value };
      yield read;
    }
  } catch (error) {
    if (error instanceof Damage) return { ok: false, why: error.message };
    throw error;
  }
}

interface Notes {
  compacted: number;
  raftIndex: number;
  leases: number;
  clusterVersion?: string;
}

function* readBuckets(bytes: Bytes, wanted: readonly string[]): Generator<void, SnapshotContent> {
  const database = openDatabase(bytes);
  const keys = createKeyCount(wanted);
  const members = createMemberList();
  const notes: Notes = { compacted: 0, raftIndex: 0, leases: 0 };
  const names = new Set<string>();
  let records = 0;
  let hash = 0;
  for (const buckets of readBucket(database, database.meta.root)) {
    for (const bucket of buckets) {
      demand(bucket.bucket, () => 'it holds something beside its buckets, which etcd never does');
      const name = bucket.key.toString();
      names.add(name);
      hash = crc32c(bucket.key, hash);
      for (const items of readInnerBucket(database, bucket)) {
        for (const item of items) {
          demand(!item.bucket, () => `a bucket lies within ${name}, which etcd never does`);
          hash = crc32c(item.value, crc32c(item.key, hash));
          records++;
          take(name, item, keys, members, notes);
        }
        yield;
      }
    }
  }
  demand(names.has('key') && names.has('meta'), () => 'it is a bolt database, but none of etcd');
  const { compacted, raftIndex, leases, clusterVersion } = notes;
  return {
    // A deletion is forgotten with its revision when it is compacted (etcd, mvcc store.restore).
    revision: Math.max(keys.revision, compacted, 1),
    compacted,
    raftIndex,
    keys: keys.count,
    prefixes: keys.prefixes(),
    leases,
    members: members.list(),
    ...(clusterVersion === undefined ? {} : { clusterVersion }),
    records,
    hash: hash.toString(16).padStart(8, '0'),
    pages: database.meta.pages,
    pagesInUse: countReached(database) + 2,
    values: keys.values,
  };
}

function take(bucket: string, item: Item, keys: KeyCount, members: ReturnType<typeof createMemberList>, notes: Notes) {
  const name = item.key.toString();
  if (bucket === 'key') keys.take(readKeyRecord(item) satisfies KeyRecord);
  else if (bucket === 'lease') notes.leases++;
  else if (bucket === 'members') members.take(item);
  else if (bucket === 'members_removed') members.remove(name);
  else if (bucket === 'cluster' && name === 'clusterVersion') notes.clusterVersion = item.value.toString().slice(0, 40);
  else if (bucket === 'meta' && name === 'consistent_index') notes.raftIndex = integer(item, 8);
  else if (bucket === 'meta' && name === 'finishedCompactRev')
    notes.compacted = Math.max(notes.compacted, integer(item, 17));
}

function integer({ key, value }: Item, length: number): number {
  demand(value.length === length, () => `${key.toString()} is ${value.length} bytes long, and should be ${length}`);
  return exactly(value.readBigUInt64BE(0), key.toString());
}
