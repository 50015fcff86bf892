// How many keys there are of which kind, from the records in the order of their revisions.
import { demand } from './damage.ts';
import { KeySet } from './key-set.ts';
import type { KeyRecord } from './key-value.ts';
import { prefixOf } from './prefix.ts';

export interface KeyCount {
  readonly revision: number;
  readonly count: number;
  readonly values: Map<string, { value: Buffer; revision: number }>;
  take(record: KeyRecord): void;
  prefixes(): { [prefix: string]: number };
}

/** Kubernetes has some hundred; a store that uses names of its own may have as many as keys. */
const MOST_PREFIXES = 2000;
const OTHERS = '(others)';

/** @param wanted keys whose last values are kept */
export function createKeyCount(wanted: readonly string[]): KeyCount {
  const live = new KeySet();
  const prefixes = new Map<string, number>();
  const values: KeyCount['values'] = new Map();
  const kept = wanted.map((name) => ({ name, bytes: Buffer.from(name) }));
  let revision = 0;
  let count = 0;

  function change(key: Buffer, by: 1 | -1): void {
    const named = prefixOf(key.toString());
    const prefix = prefixes.has(named) || prefixes.size < MOST_PREFIXES ? named : OTHERS;
    prefixes.set(prefix, (prefixes.get(prefix) ?? 0) + by);
    count += by;
  }

  return {
    get revision() {
      return revision;
    },
    get count() {
      return count;
    },
    values,
    take(record) {
      demand(record.revision >= revision, () => `revision ${record.revision} comes after ${revision}`);
      revision = record.revision;
      if (record.key.length === 0) return;
      if (record.deleted) {
        if (live.delete(record.key)) change(record.key, -1);
      } else if (live.add(record.key)) change(record.key, 1);
      const wish = kept.find(({ bytes }) => bytes.equals(record.key));
      if (wish === undefined) return;
      if (record.deleted) values.delete(wish.name);
      else values.set(wish.name, { value: Buffer.from(record.value), revision: record.revision });
    },
    prefixes: () =>
      Object.fromEntries([...prefixes].filter(([, keys]) => keys > 0).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
