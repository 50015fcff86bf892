// Snapshots in words, for whoever must decide whether to trust one.
import type { VerifiedSnapshot } from '../engine/snapshot/verify.ts';
import { CANARY_KEY, type Receipt } from '../etcd/snapshot/receipt.ts';
import { count } from '../report/layout.ts';
import { formatBytes } from '../report/progress.ts';

/** Prefixes that are shown unless all are asked for: those with the most keys. */
const SHOWN_PREFIXES = 12;

export function describeVerified(
  file: string,
  { size, sha256, content }: VerifiedSnapshot,
  receipt: Receipt | undefined,
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
    ['keys', String(content.keys)],
  ];
  return [
    `${file}: whole`,
    ...rows.map(([name, value]) => `  ${name.padEnd(8)}  ${value}`),
    ...shown.map(([prefix, keys]) => `            ${String(keys).padStart(width)} ${prefix}`),
    ...(hidden > 0
      ? [`            and ${count(hidden, 'prefix').replace(/prefixs$/, 'prefixes')} more (-v shows all)`]
      : []),
    '  proved    every byte is as the member sent it (sha256 at its end), all pages in use hang together, every key',
    `            was read${receipt ? ', and all of it is what the receipt says' : ''}`,
    `  not       that the member had the same data as the others${
      receipt?.compared ? ` (it had when it was asked: ${receipt.compared.hosts.join(' ')})` : ''
    }; that an etcd starts from it`,
  ].join('\n');
}

function describeCanary(value: string | undefined): string {
  return value === undefined ? 'none: not made by quorate snapshot save, or with --no-canary' : `there, ${value}`;
}

function describeReceipt({ cluster, member, time, etcdVersion }: Receipt): string {
  return `agrees: cluster ${cluster.name} (${cluster.id}), from ${member.host} with etcd ${etcdVersion}, ${time}`;
}
