// preflight: what is looked at in every plan before anybody relies on it: clocks, disks, ports, versions, and arithmetic.
import type { Refusal } from '../modules/module.ts';
import { compareVersions, faultsOf, minorOf, skipsMinor } from './versions.ts';

export interface HostPreflight {
  host: string;
  /** It has member data, so that what listens on its ports may be its own etcd. */
  hasData: boolean;
  /** Of the file system that holds the data directory, or will. */
  freeBytes?: number;
  leastFreeBytes: number;
  /** etcd's ports on which something listens. */
  busyPorts: BusyPort[];
  /** Between these two the host's clock is ahead of the controller's. Milliseconds, negative where it is behind. */
  clock?: { atLeast: number; atMost: number };
  /** Seconds. */
  mostClockSkew: number;
  /** How far its clock may be behind the controller's; absent where the controller makes no certificates for it. Seconds. */
  mostBehind?: number;
  /** Of the running member. */
  running?: string;
  /** As the pillar declares it, else what the binary on the host says. */
  wanted?: string;
}

export interface BusyPort {
  port: number;
  /** `nginx (pid 812)`; absent where that cannot be seen. */
  holder?: string;
}

export interface Preflight {
  /** In the way of a new cluster; a cluster that is there already goes on in spite of them, and they are warnings. */
  obstacles: Refusal[];
  /** In the way of anything. */
  refusals: Refusal[];
  warnings: string[];
}

/** `hosts`: those that answered. */
export function preflight(hosts: readonly HostPreflight[]): Preflight {
  const versions = checkVersions(hosts);
  return {
    obstacles: [
      ...hosts.flatMap(checkPorts),
      ...hosts.flatMap(checkSpace),
      ...hosts.flatMap(checkClock),
      ...checkClocks(hosts),
    ],
    refusals: versions.refusals,
    warnings: versions.warnings,
  };
}

function checkPorts({ host, hasData, busyPorts }: HostPreflight): Refusal[] {
  if (hasData) return [];
  return busyPorts.map(({ port, holder }) => ({
    refused: `port ${port} of ${host} is taken${holder === undefined ? '' : ` by ${holder}`}, and etcd needs it`,
    next: `stop what listens there, or give etcd another port (etcd_client_port, etcd_peer_port, etcd_metrics_port)`,
  }));
}

function checkSpace({ host, freeBytes, leastFreeBytes }: HostPreflight): Refusal[] {
  if (freeBytes === undefined || freeBytes >= leastFreeBytes) return [];
  return [
    {
      refused: `${host} has ${inGibibytes(freeBytes)} free for etcd's data, and at least ${inGibibytes(leastFreeBytes)} are wanted`,
      next: 'make room, or lower etcd_min_free_bytes if you know that it is enough',
    },
  ];
}

/** A certificate begins when it is made, by the controller's clock; etcd would not start with one of tomorrow. */
function checkClock({ host, clock, mostBehind }: HostPreflight): Refusal[] {
  if (!clock || mostBehind === undefined || -clock.atMost / 1000 <= mostBehind) return [];
  return [
    {
      refused: `the clock of ${host} is at least ${Math.floor(-clock.atMost / 1000)} s behind this controller's, so certificates made here now would not be valid there yet`,
      next: "set the clock right that is wrong, the host's or the one here (chrony, systemd-timesyncd)",
    },
  ];
}

/** Only what is certain: two hosts differ by at least as much as lies between their two ranges. */
function checkClocks(hosts: readonly HostPreflight[]): Refusal[] {
  const clocks = hosts.flatMap(({ host, clock }) => (clock ? [{ host, ...clock }] : []));
  const [first, ...rest] = clocks;
  if (first === undefined) return [];
  const behind = rest.reduce((one, other) => (other.atMost < one.atMost ? other : one), first);
  const ahead = rest.reduce((one, other) => (other.atLeast > one.atLeast ? other : one), first);
  const skew = (ahead.atLeast - behind.atMost) / 1000;
  const most = Math.min(...hosts.map(({ mostClockSkew }) => mostClockSkew));
  if (skew <= most) return [];
  return [
    {
      refused: `the clock of ${ahead.host} is at least ${skew.toFixed(1)} s ahead of that of ${behind.host}, and ${most} s are allowed`,
      next: 'let both follow the same time servers (chrony, systemd-timesyncd): leases and certificates depend on it',
    },
  ];
}

function checkVersions(hosts: readonly HostPreflight[]): Pick<Preflight, 'refusals' | 'warnings'> {
  const refusals: Refusal[] = [];
  const warnings: string[] = [];
  for (const version of distinct(hosts.map(({ wanted, running }) => wanted ?? running))) {
    // What runs already is not made worse by a changed flag, and must stay manageable until it is upgraded.
    const isNew = hosts.some(({ wanted, running }) => wanted === version && running !== version);
    for (const { verdict, why, use } of faultsOf(version)) {
      const message = `etcd ${version} is deny-listed for ${why}`;
      if (verdict === 'refused' && isNew) refusals.push({ refused: message, next: `use ${use} (etcd_version)` });
      else warnings.push(`${message}; use ${use}`);
    }
  }
  for (const { host, running, wanted } of hosts) {
    if (running === undefined || wanted === undefined) continue;
    if (skipsMinor(running, wanted)) {
      refusals.push({
        refused: `${host} runs etcd ${running}, and ${wanted} is declared: a member goes up one minor version at a time`,
        next: 'declare the newest patch of the next minor version (etcd_version), apply, then go on from there',
      });
    }
    if (compareVersions(wanted, running) >= 0) continue;
    if (minorOf(wanted) === minorOf(running)) warnings.push(`${host} would go back from etcd ${running} to ${wanted}`);
    else
      refusals.push({
        refused: `${host} runs etcd ${running}, and ${wanted} is declared: a member cannot go back to an older minor version`,
        next: `declare ${running} (etcd_version), or restore a snapshot into a cluster of the older version`,
      });
  }
  const minors = distinct(hosts.map(({ running }) => running && minorOf(running))).toSorted(compareVersions);
  if (minors.length > 1) warnings.push(`the members run etcd ${minors.join(' and ')}: finish the upgrade soon`);
  return { refusals, warnings };
}

function distinct(values: (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined && value !== ''))] as string[];
}

function inGibibytes(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.floor(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
