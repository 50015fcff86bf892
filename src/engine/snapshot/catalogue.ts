// Which snapshots a place holds, and what their receipts say of them.
import { existsSync } from 'node:fs';
import { parseSnapshotName, receiptName } from '../../etcd/snapshot/name.ts';
import type { Receipt } from '../../etcd/snapshot/receipt.ts';
import { type Attempt, fail, succeed } from '../../failure.ts';
import { type Place, readSmall } from '../../storage/place.ts';
import { inParallel } from '../connections.ts';
import { LARGEST_RECEIPT_BYTES, parseReceipt } from './receipt-file.ts';

export interface CatalogueEntry {
  url: string;
  name: string;
  /** Bytes. */
  size: number;
  time: Date;
  revision: number;
  clusterId: string;
  /** `verified`: it was read whole when it was made, and its name and size are still those of its receipt. */
  state: 'verified' | 'no receipt' | 'differs';
  receipt?: Receipt;
}

const AT_ONCE = 8;

/** Newest first. Files that are not called as a snapshot are none. A directory that is not there is a path that was mistyped. */
export async function readCatalogue(place: Place): Promise<Attempt<CatalogueEntry[]>> {
  if (place.directory !== undefined && !existsSync(place.directory)) {
    const next = 'check the path; `quorate snapshot save` makes the directory that it is told';
    return fail({ reason: 'unreadable', message: `there is no directory ${place.directory}`, next });
  }
  const listed = await place.list();
  if (!listed.ok) return listed;
  const there = new Set(listed.value.map(({ name }) => name));
  const entries: CatalogueEntry[] = [];
  // A host's connection runs one program at a time.
  const lanes = place.url.startsWith('host:') ? 1 : AT_ONCE;
  await inParallel(listed.value, lanes, async ({ name, size }) => {
    const parsed = parseSnapshotName(name);
    if (!parsed) return;
    const read = there.has(receiptName(name)) ? await readReceipt(place, name) : succeed(undefined);
    const receipt = read.ok ? read.value : undefined;
    const agrees =
      receipt?.size === size && receipt.revision === parsed.revision && receipt.cluster.id === parsed.clusterId;
    const state = agrees ? 'verified' : there.has(receiptName(name)) ? 'differs' : 'no receipt';
    entries.push({ url: place.url, name, size, ...parsed, state, ...(receipt ? { receipt } : {}) });
  });
  return succeed(entries.sort((a, b) => b.time.getTime() - a.time.getTime() || b.revision - a.revision));
}

/** Undefined: the snapshot `name` has none. A failure: something stands there, and cannot be read as one. */
export async function readReceipt(place: Place, name: string): Promise<Attempt<Receipt | undefined>> {
  const text = await readSmall(place, receiptName(name), LARGEST_RECEIPT_BYTES);
  if (!text.ok) return text;
  return text.value === undefined ? succeed(undefined) : parseReceipt(text.value, `${place.url}/${receiptName(name)}`);
}

export interface PruneRule {
  /** Of each cluster, this many of the newest stay; at least 1. */
  keep: number;
  /** Those that are younger stay too. */
  keepDays: number;
  now: Date;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * The snapshots that go. Only verified ones are counted and only verified ones go: one that nothing is known of must not
 * push out one that is proved, and is not ours to remove.
 */
export function choosePrunable(
  entries: readonly CatalogueEntry[],
  { keep, keepDays, now }: PruneRule,
): CatalogueEntry[] {
  const verified = entries.filter(({ state }) => state === 'verified');
  return [...Map.groupBy(verified, ({ url, clusterId }) => `${url} ${clusterId}`).values()].flatMap((ofOne) =>
    [...ofOne]
      .sort((a, b) => b.time.getTime() - a.time.getTime() || b.revision - a.revision)
      .slice(Math.max(1, keep))
      .filter(({ time }) => now.getTime() - time.getTime() > keepDays * DAY_MS),
  );
}
