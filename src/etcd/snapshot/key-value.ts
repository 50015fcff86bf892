// A record of etcd's `key` bucket: which revision, and what was put or deleted. Source: etcd api/mvccpb/kv.proto and
// server/storage/mvcc/revision.go.
import { demand, exactly } from './damage.ts';
import type { Item } from './page.ts';

export interface KeyRecord {
  /** Of the whole store; several records of one transaction share it. */
  revision: number;
  deleted: boolean;
  /** Empty: nothing was put. With such a record etcd's tools raise the revision of what they restore (--bump-revision). */
  key: Buffer;
  /** Empty where it was deleted. */
  value: Buffer;
}

const REVISION_BYTES = 17;
const TOMBSTONE = 0x74;
const WIRE = { varint: 0, bytes: 2 } as const;
const FIELD = { key: 1, created: 2, modified: 3, value: 5 } as const;

/** @throws {Damage} */
export function readKeyRecord({ key: name, value: message }: Item): KeyRecord {
  const deleted = name.length === REVISION_BYTES + 1 && name[REVISION_BYTES] === TOMBSTONE;
  demand((name.length === REVISION_BYTES || deleted) && name[8] === 0x5f, () => 'a record is not named by a revision');
  const revision = exactly(name.readBigUInt64BE(0), 'a revision');
  // Source: etcd, etcdutl/snapshot/v3_snapshot.go, unsafeBumpBucketsRevision.
  if (message.length === 0 && !deleted) return { revision, deleted, key: message, value: message };
  const fields = readMessage(message, revision);
  demand(fields.key !== undefined && fields.key.length > 0, () => `the record of revision ${revision} has no key`);
  const consistent = deleted || (fields.modified === revision && fields.created <= revision);
  demand(consistent, () => `the record of revision ${revision} is of another revision`);
  return { revision, deleted, key: fields.key, value: fields.value };
}

function readMessage(message: Buffer, revision: number) {
  const fields: { key?: Buffer; value: Buffer; created: number; modified: number } = {
    value: message.subarray(0, 0),
    created: 0,
    modified: 0,
  };
  let at = 0;
  const cut: () => never = () => demand(false, () => `the record of revision ${revision} cannot be decoded`) as never;
  const varint = () => {
    let number = 0;
    for (let scale = 1, bytes = 0; bytes < 10; scale *= 128, bytes++) {
      const byte = message[at++];
      if (byte === undefined) cut();
      number += (byte & 127) * scale;
      if (byte < 128) return number;
    }
    return cut();
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    if (tag % 8 === WIRE.varint) {
      const number = varint();
      if (field === FIELD.created) fields.created = number;
      else if (field === FIELD.modified) fields.modified = number;
    } else if (tag % 8 === WIRE.bytes) {
      const end = varint() + at;
      if (end > message.length) cut();
      if (field === FIELD.key) fields.key = message.subarray(at, end);
      else if (field === FIELD.value) fields.value = message.subarray(at, end);
      at = end;
    } else cut();
  }
  return fields;
}
