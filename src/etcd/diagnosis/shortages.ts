// What runs out: the quota, the disk, the agreement of clocks.
import { enumerate, type Finding } from './finding.ts';
import type { SeenHost } from './seen.ts';
import { type Standings, statusOf } from './standing.ts';

/** etcd's own quota where none is given. Source: DefaultQuotaBytes in etcd's server/storage/quota.go. */
const DEFAULT_QUOTA = 2 * 1024 ** 3;
/** From these shares of its quota on a database is worth a warning, and is urgent. */
const QUOTA_WARNING = 0.8;
const QUOTA_CRITICAL = 0.95;

export function findShortages({ cluster: { hosts } }: Standings): Finding[] {
  return [...hosts.flatMap(findQuota), ...hosts.flatMap(findDisk), ...findClocks(hosts)];
}

/** What the member runs with where it says so, else what the pillar declares. Bytes. */
export function quotaOf(seen: SeenHost): number {
  return statusOf(seen)?.dbSizeQuota || seen.declared.quota || DEFAULT_QUOTA;
}

function findQuota(seen: SeenHost): Finding[] {
  const status = statusOf(seen);
  if (!status) return [];
  const share = status.dbSize / quotaOf(seen);
  if (share < QUOTA_WARNING) return [];
  const unused = status.dbSize - status.dbSizeInUse;
  const gain = unused > status.dbSize / 5 ? `, of which a defragmentation would give back ${formatBytes(unused)}` : '';
  return [
    {
      kind: 'database-full',
      severity: share >= QUOTA_CRITICAL ? 'critical' : 'warning',
      message: `the database of ${seen.host} fills ${Math.floor(share * 100)}% of its quota: ${formatBytes(status.dbSize)} of ${formatBytes(quotaOf(seen))}${gain}`,
      next: 'compact and defragment, or raise etcd_quota_backend_bytes, before the cluster stops taking writes',
      hosts: [seen.host],
    },
  ];
}

function findDisk(seen: SeenHost): Finding[] {
  const free = seen.data?.free;
  if (free === undefined || free >= seen.declared.minFree) return [];
  return [
    {
      kind: 'disk-full',
      severity: 'warning',
      message: `${seen.host} has ${formatBytes(free)} free beside ${seen.declared.dataDir}, fewer than ${formatBytes(seen.declared.minFree)}`,
      next: 'make room: with a full disk etcd ends',
      hosts: [seen.host],
    },
  ];
}

/** Only what the uncertainty of asking cannot explain. */
function findClocks(hosts: readonly SeenHost[]): Finding[] {
  const told = hosts.flatMap(({ host, clock, declared }) => (clock ? [{ host, ...clock, ...declared }] : []));
  if (told.length < 2) return [];
  const sorted = told.toSorted((a, b) => a.offset - b.offset);
  const first = sorted[0]!;
  const last = sorted.at(-1)!;
  const apart = last.offset - first.offset;
  if (apart - first.uncertainty - last.uncertainty <= Math.min(...told.map(({ maxSkew }) => maxSkew)) * 1000) return [];
  return [
    {
      kind: 'clock-skew',
      severity: 'warning',
      message: `the clocks are ${(apart / 1000).toFixed(1)} s apart: ${enumerate(sorted.map(({ host, offset }) => `${host} ${formatOffset(offset)}`))} against this machine`,
      next: 'mend time synchronisation: leases and certificates depend on it',
      hosts: sorted.map(({ host }) => host),
    },
  ];
}

function formatOffset(ms: number): string {
  return `${ms < 0 ? '−' : '+'}${(Math.abs(ms) / 1000).toFixed(1)} s`;
}

/** `20 KiB`, `1.2 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const unit = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** unit;
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
