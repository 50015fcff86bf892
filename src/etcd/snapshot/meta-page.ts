// The first two pages of a bolt database: where everything else begins. Source: go.etcd.io/bbolt, internal/common/meta.go.
import { demand, exactly } from './damage.ts';
import { PAGE_HEADER_BYTES, readHeader } from './page.ts';

const MAGIC = 0xed0cdaed;
const VERSION = 2;
/** Of the fields that the checksum covers. */
const FIELDS_BYTES = 56;
export const META_BYTES = PAGE_HEADER_BYTES + FIELDS_BYTES + 8;

export interface Meta {
  pageSize: number;
  /** The page of the bucket that holds all buckets. */
  root: number;
  /** How many pages there are: none that is in use has this number or a higher one. */
  pages: number;
  transaction: number;
}

/** @throws {Damage} where the page is none, or its checksum is wrong. */
export function readMeta(page: Buffer, number: 0 | 1): Meta {
  const { id, kind } = readHeader(page);
  const meta = page.subarray(PAGE_HEADER_BYTES);
  demand(meta.readUInt32LE(0) === MAGIC, () => 'it is no bolt database: it does not begin as one does');
  demand(meta.readUInt32LE(4) === VERSION, () => `its bolt version is ${meta.readUInt32LE(4)}, and only 2 is known`);
  demand(
    meta.readBigUInt64LE(FIELDS_BYTES) === fnv1a(meta.subarray(0, FIELDS_BYTES)),
    () => `the checksum of page ${number} is wrong`,
  );
  demand(id === BigInt(number) && kind === 'meta', () => `page ${number} is not the meta page it should be`);
  const pageSize = meta.readUInt32LE(8);
  demand(
    pageSize >= 512 && pageSize <= 65536 && Number.isInteger(Math.log2(pageSize)),
    () => `its pages are ${pageSize} bytes long, which cannot be`,
  );
  return {
    pageSize,
    root: exactly(meta.readBigUInt64LE(16), 'the number of the first page'),
    pages: exactly(meta.readBigUInt64LE(40), 'the number of pages'),
    transaction: exactly(meta.readBigUInt64LE(48), 'the number of the transaction'),
  };
}

/** 64 bits, as Go's hash/fnv. */
function fnv1a(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}
