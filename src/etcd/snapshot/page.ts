// One page of a bolt database. Source of the layout: go.etcd.io/bbolt, internal/common/page.go; little-endian.
import { demand } from './damage.ts';

export const PAGE_HEADER_BYTES = 16;
const ELEMENT_BYTES = 16;
/** bolt takes no longer key (MaxKeySize). */
const LONGEST_KEY = 32768;

const KINDS: { readonly [flags: number]: PageKind } = { 1: 'branch', 2: 'leaf', 4: 'meta', 16: 'freelist' };
export type PageKind = 'branch' | 'leaf' | 'meta' | 'freelist';

export interface PageHeader {
  id: bigint;
  kind: PageKind | undefined;
  /** Of its elements. */
  count: number;
  /** How many pages after it belong to it. */
  overflow: number;
}

export interface Branch {
  /** Not above any key below it. */
  key: Buffer;
  child: bigint;
}

export interface Item {
  key: Buffer;
  value: Buffer;
  /** The value is a bucket's. */
  bucket: boolean;
}

export function readHeader(page: Buffer): PageHeader {
  return {
    id: page.readBigUInt64LE(0),
    kind: KINDS[page.readUInt16LE(8)],
    count: page.readUInt16LE(10),
    overflow: page.readUInt32LE(12),
  };
}

/** @throws {Damage} where an element points out of the page, or the keys do not ascend. */
export function readBranches(page: Buffer, count: number): Branch[] {
  demand(count > 0, () => 'a branch page is empty');
  return readElements(page, count, (at) => {
    const key = cut(page, at, count, page.readUInt32LE(at), page.readUInt32LE(at + 4), 0).key;
    return { key, child: page.readBigUInt64LE(at + 8) };
  });
}

/** @throws {Damage} as {@link readBranches}. */
export function readItems(page: Buffer, count: number): Item[] {
  return readElements(page, count, (at) => {
    const [flags, offset, keySize, valueSize] = [0, 4, 8, 12].map((field) => page.readUInt32LE(at + field));
    demand(flags === 0 || flags === 1, () => `an element has the flags ${flags}, which nobody knows`);
    return { ...cut(page, at, count, offset!, keySize!, valueSize!), bucket: flags === 1 };
  });
}

function readElements<T extends { key: Buffer }>(page: Buffer, count: number, read: (at: number) => T): T[] {
  demand(
    PAGE_HEADER_BYTES + count * ELEMENT_BYTES <= page.length,
    () => `${count} elements do not fit into their page`,
  );
  const elements: T[] = [];
  for (let index = 0; index < count; index++) {
    const element = read(PAGE_HEADER_BYTES + index * ELEMENT_BYTES);
    const before = elements.at(-1);
    demand(before === undefined || before.key.compare(element.key) < 0, () => 'the keys of a page do not ascend');
    elements.push(element);
  }
  return elements;
}

/** The key and the value that the element at `at` points to; views of the page, not copies. */
function cut(page: Buffer, at: number, count: number, offset: number, keySize: number, valueSize: number) {
  const from = at + offset;
  const valueFrom = from + keySize;
  const within = from >= PAGE_HEADER_BYTES + count * ELEMENT_BYTES && valueFrom + valueSize <= page.length;
  demand(within, () => 'an element points out of its page');
  demand(keySize > 0 && keySize <= LONGEST_KEY, () => `a key is ${keySize} bytes long, which cannot be`);
  return { key: page.subarray(from, valueFrom), value: page.subarray(valueFrom, valueFrom + valueSize) };
}
