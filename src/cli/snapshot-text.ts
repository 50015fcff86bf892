// Snapshots in words, for whoever must decide whether to trust one.
import type { CatalogueEntry } from '../engine/snapshot/catalogue.ts';
import type { SavedSnapshot } from '../engine/snapshot/save.ts';
import type { VerifiedSnapshot } from '../engine/snapshot/verify.ts';
import { CANARY_KEY, type Receipt } from '../etcd/snapshot/receipt.ts';
import type { Rehearsal } from '../etcd/snapshot/rehearsal.ts';
import { escapeForTerminal } from '../report/escape.ts';
import { count } from '../report/layout.ts';
import { createPaint, type Style } from '../report/paint.ts';
import { formatBytes } from '../report/progress.ts';
import { type Cell, type Column, renderTable } from '../report/table.ts';

/** Prefixes that are shown unless all are asked for: those with the most keys. */
const SHOWN_PREFIXES = 12;

export function describeVerified(
  file: string,
  { size, sha256, content }: VerifiedSnapshot,
  { receipt, rehearsal }: { receipt?: Receipt | undefined; rehearsal?: Rehearsal | undefined },
  verbose: boolean,
): string {
  const prefixes = Object.entries(content.prefixes).sort(([, a], [, b]) => b - a);
  const shown = verbose ? prefixes : prefixes.slice(0, SHOWN_PREFIXES);
  const hidden = prefixes.length - shown.length;
  const width = Math.max(0, ...shown.map(([, keys]) => String(keys).length));
  const rows: [string, string][] = [
    ['size', `${formatBytes(size)}, sha256 ${sha256}`],
    ['revision', `${content.revision}${content.compacted > 0 ? `, changes up to ${content.compacted} forgotten` : ''}`],
    ['members', content.members.map(({ id, name }) => `${name || 'unstarted'} ${id}`).join(', ') || 'none'],
    ['canary', describeCanary(content.values.get(CANARY_KEY)?.value.toString())],
    ['receipt', receipt ? describeReceipt(receipt) : 'none beside it'],
    ...(rehearsal ? [['rehearsed', describeRehearsed(rehearsal)] satisfies [string, string]] : []),
    ['keys', String(content.keys)],
  ];
  return [
    `${file}: whole`,
    ...rows.map(([name, value]) => `  ${name.padEnd(9)} ${value}`),
    ...shown.map(([prefix, keys]) => `            ${String(keys).padStart(width)} ${prefix}`),
    ...(hidden > 0
      ? [`            and ${count(hidden, 'prefix').replace(/prefixs$/, 'prefixes')} more (-v shows all)`]
      : []),
    '  proved    every byte is as the member sent it (sha256 at its end), all pages in use hang together, every key',
    `            was read${receipt ? ', and all of it is what the receipt says' : ''}`,
    `  not       that the member had the same data as the others${
      receipt?.compared ? ` (it had when it was asked: ${receipt.compared.hosts.join(' ')})` : ''
    }${rehearsal ? '' : '; that an etcd starts from it (quorate snapshot rehearse)'}`,
  ].join('\n');
}

function describeCanary(value: string | undefined): string {
  return value === undefined ? 'none: not made by quorate snapshot save, or with --no-canary' : `there, ${value}`;
}

function describeReceipt({ cluster, member, time, etcdVersion }: Receipt): string {
  return `agrees: cluster ${cluster.name} (${cluster.id}), from ${member.host} with etcd ${etcdVersion}, ${time}`;
}

function describeRehearsed({ time, host, etcdVersion, seconds }: Rehearsal): string {
  return `${time} on ${host}: etcd ${etcdVersion} served all of it after ${seconds.total} s`;
}

export function describeSaved({ url, name, receipt }: SavedSnapshot): string {
  const { cluster, size, revision, keys, member, sha256, compared } = receipt;
  const same = compared ? `; ${compared.hosts.join(' ')} had the same data` : '; members not compared';
  return [
    `${url}/${name}`,
    `  cluster ${cluster.name}, revision ${revision}, ${count(keys, 'key')}, ${formatBytes(size)}, from ${member.host}${same}`,
    `  sha256 ${sha256}`,
  ].join('\n');
}

export interface EntryLook {
  color: boolean;
  width: number;
  now: Date;
}

/** A table, newest first. */
export function describeEntries(entries: readonly CatalogueEntry[], { color, width, now }: EntryLook): string {
  if (entries.length === 0) return 'no snapshots';
  const rows = entries.map(({ name, url, size, time, revision, state, receipt }): Cell[] => [
    { text: time.toISOString().replace('.000Z', 'Z') },
    { text: formatAge(now.getTime() - time.getTime()) },
    { text: escapeForTerminal(receipt?.cluster.name ?? '?') },
    { text: String(revision) },
    { text: formatBytes(size) },
    { text: state, style: STYLES[state] },
    { text: escapeForTerminal(`${url}/${name}`) },
  ]);
  const columns: Column[] = [
    { title: 'time' },
    { title: 'age', right: true, keep: 4 },
    { title: 'cluster', keep: 3 },
    { title: 'revision', right: true, keep: 2 },
    { title: 'size', right: true, keep: 1 },
    { title: 'proved' },
    { title: 'where' },
  ];
  return renderTable(columns, rows, width, createPaint(color)).join('\n');
}

const STYLES: { readonly [state in CatalogueEntry['state']]: Style } = {
  verified: 'green',
  'no receipt': 'yellow',
  differs: 'red',
};

/** `5 min`, `7 h`, `12 d`: how much would be lost. */
function formatAge(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.floor(hours / 24)} d`;
}
