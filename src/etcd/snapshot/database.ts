// A bolt database, read page by page; no page twice, so that no damage can make the reading endless.
import { Damage, demand, exactly } from './damage.ts';
import { META_BYTES, type Meta, readMeta } from './meta-page.ts';
import { type Item, PAGE_HEADER_BYTES, type PageHeader, readBranches, readHeader, readItems } from './page.ts';

/** A file's bytes by their position. `read` gives exactly `length` bytes, and is asked only for what lies within `size`. */
export interface Bytes {
  size: number;
  read(position: number, length: number): Buffer;
}

export interface Database {
  bytes: Bytes;
  meta: Meta;
  /** One bit a page. */
  reached: Uint8Array;
}

/** Of an element and its page: far above what etcd takes as one request (--max-request-bytes, 1.5 MiB). */
const LARGEST_PAGE_BYTES = 256 * 1024 * 1024;
/** Every branch page has two children or more, and no file has 2^40 pages. */
const DEEPEST = 40;
const BUCKET_HEADER_BYTES = 16;

/**
 * A snapshot's database, `bytes` without the trailer.
 * @throws {Damage} where its two meta pages do not agree, or the file is not exactly as long as they say: a snapshot is
 * one transaction, written out whole (bbolt, Tx.WriteTo).
 */
export function openDatabase(bytes: Bytes): Database {
  demand(bytes.size >= 2 * META_BYTES, () => `it is ${bytes.size} bytes long, which no database is`);
  const meta = readMeta(bytes.read(0, META_BYTES), 0);
  demand(bytes.size >= meta.pageSize * 2, () => `it is ${bytes.size} bytes long, which no database is`);
  const second = readMeta(bytes.read(meta.pageSize, META_BYTES), 1);
  const agree = second.pageSize === meta.pageSize && second.root === meta.root && second.pages === meta.pages;
  demand(agree && second.transaction === meta.transaction - 1, () => 'its two meta pages contradict each other');
  const expected = meta.pages * meta.pageSize;
  demand(
    bytes.size === expected,
    () => `it holds ${bytes.size} bytes of database, and by its meta page must hold ${expected}`,
  );
  return { bytes, meta, reached: new Uint8Array(Math.ceil(meta.pages / 8)) };
}

/** How many pages have been reached. */
export function countReached({ reached }: Database): number {
  let count = 0;
  for (let byte of reached) for (; byte !== 0; byte &= byte - 1) count++;
  return count;
}

/** The items of a bucket in the order of their keys, a leaf page at a time. @throws {Damage} */
export function* readBucket(database: Database, root: number): Generator<Item[]> {
  yield* readTree(database, BigInt(root), undefined, undefined, 0);
}

/** The same for a bucket that an item of another one holds: in pages of its own, or whole within the item. */
export function* readInnerBucket(database: Database, { value }: Item): Generator<Item[]> {
  demand(value.length >= BUCKET_HEADER_BYTES, () => 'a bucket has no header');
  const root = exactly(value.readBigUInt64LE(0), 'the number of a page');
  if (root !== 0) return yield* readBucket(database, root);
  const page = value.subarray(BUCKET_HEADER_BYTES);
  demand(page.length >= PAGE_HEADER_BYTES, () => 'a small bucket has no page');
  const { kind, count } = readHeader(page);
  demand(kind === 'leaf', () => 'a small bucket is no leaf page');
  yield readItems(page, count);
}

function* readTree(
  database: Database,
  id: bigint,
  least: Buffer | undefined,
  below: Buffer | undefined,
  depth: number,
): Generator<Item[]> {
  demand(depth <= DEEPEST, () => 'its pages lie deeper than any database has them');
  const { header, page } = readPage(database, id);
  if (header.kind === 'leaf') {
    demand(header.count > 0 || depth === 0, () => `page ${id} is empty`);
    const items = readItems(page, header.count);
    demandWithin(items, least, below, id);
    return yield items;
  }
  demand(header.kind === 'branch', () => `page ${id} is neither a branch nor a leaf, and is used as one`);
  const branches = readBranches(page, header.count);
  demandWithin(branches, least, below, id);
  for (const [index, { key, child }] of branches.entries()) {
    yield* readTree(database, child, key, branches[index + 1]?.key ?? below, depth + 1);
  }
}

function demandWithin(elements: { key: Buffer }[], least: Buffer | undefined, below: Buffer | undefined, id: bigint) {
  const first = elements[0]?.key;
  const last = elements.at(-1)?.key;
  if (first === undefined || last === undefined) return;
  const within = (!least || first.compare(least) >= 0) && (!below || last.compare(below) < 0);
  demand(within, () => `the keys of page ${id} are not those that the page above it says`);
}

function readPage({ bytes, meta, reached }: Database, id: bigint): { header: PageHeader; page: Buffer } {
  demand(id >= 2n && id < BigInt(meta.pages), () => `page ${id} is used, and there is none of that number`);
  const number = Number(id);
  const { pageSize } = meta;
  const first = bytes.read(number * pageSize, pageSize);
  const header = readHeader(first);
  demand(header.id === id, () => `page ${id} says that it is page ${header.id}`);
  demand(number + header.overflow < meta.pages, () => `page ${id} reaches beyond the end of the file`);
  const length = (1 + header.overflow) * pageSize;
  demand(length <= LARGEST_PAGE_BYTES, () => `page ${id} is ${length} bytes long, more than Quorate reads at once`);
  for (let each = number; each <= number + header.overflow; each++) {
    const bit = 1 << (each & 7);
    if ((reached[each >> 3]! & bit) !== 0) throw new Damage(`page ${each} is used twice`);
    reached[each >> 3]! |= bit;
  }
  return { header, page: header.overflow === 0 ? first : bytes.read(number * pageSize, length) };
}
