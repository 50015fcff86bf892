// Whether a cluster may go back to a snapshot: every reason why not, before anything is stopped. Pure.
import type { Found, Ledger } from '../../etcd/ledger.ts';
import { replacedBy } from '../../etcd/ledger.ts';
import { quorumOf } from '../../etcd/quorum.ts';
import { restoreTool } from '../../etcd/restoration.ts';
import type { Receipt } from '../../etcd/snapshot/receipt.ts';
import { minorOf } from '../../etcd/versions.ts';
import type { Failure } from '../../failure.ts';
import type { ValueMap } from '../../value.ts';
import type { EtcdCluster } from '../clusters.ts';
import type { Probe } from '../probe.ts';
import { type LeftOutSightings, refuseLivingWithout, refuseRunningThere, warnLeftOut } from './left-out.ts';
import type { HostSurvey } from './survey.ts';

export interface RestoreCase {
  cluster: EtcdCluster;
  /** Hosts that may be written to. */
  targets: ReadonlySet<string>;
  probes: ReadonlyMap<string, Probe>;
  /** Why the other hosts could not be asked. */
  failures: ReadonlyMap<string, Failure>;
  surveys: ReadonlyMap<string, HostSurvey>;
  pillar(host: string): ValueMap;
  /** The controller's own. */
  ledger: Found<Ledger> | undefined;
  snapshot: { sha256: string; size: number; clusterVersion?: string; prefixes?: { readonly [prefix: string]: number } };
  receipt: Receipt | undefined;
  /** A snapshot whose receipt is older is refused. Seconds. */
  maxAge: number | undefined;
  now: Date;
  /** Also while a quorum serves. */
  overHealthy: boolean;
  /** Hosts that are no members of the restored cluster; `cluster` does not have them. */
  without: readonly string[];
  leftOut: LeftOutSightings;
}

export interface RestoreVerdict {
  refusals: Failure[];
  warnings: string[];
  /** Of the token: higher than that of every earlier restore of the same snapshot. */
  generation: number;
  /** Hosts whose member serves with a quorum. */
  serving: string[];
}

/** The database, its copy, and the first segments of the log. */
const COPY = 1.1;
const LOG_BYTES = 160 * 1024 * 1024;

export function judgeRestore(restore: RestoreCase): RestoreVerdict {
  const { cluster, without } = restore;
  const healthy = healthyHosts(restore);
  // With fewer to ask, one that knows a leader says that there is a quorum somewhere.
  const serving = healthy.length >= (without.length > 0 ? 1 : quorumOf(cluster.members.length)) ? healthy : [];
  return {
    refusals: [
      ...refuseTarget(restore),
      ...refuseUnreachable(restore),
      ...refuseOrigin(restore),
      ...refuseKind(restore),
      ...refuseAge(restore),
      ...refuseOpen(restore),
      ...restore.cluster.members.flatMap((host) => refuseHost(restore, host)),
      ...(serving.length > 0 && !restore.overHealthy ? [refuseServing(restore, serving)] : []),
      ...refuseLivingWithout(cluster, without, healthy),
      ...refuseRunningThere(restore.leftOut, cluster),
    ],
    warnings: warnLeftOut(cluster, without),
    generation: generationOf(restore),
    serving,
  };
}

function guard(message: string, next: string, host?: string): Failure {
  return { reason: 'guard', message, next, ...(host === undefined ? {} : { host }) };
}

function refuseTarget({ cluster, targets }: RestoreCase): Failure[] {
  const outside = cluster.members.filter((host) => !targets.has(host));
  if (outside.length === 0) return [];
  return [
    guard(
      `cluster ${cluster.name} is restored only as a whole, and ${outside.join(', ')} ${outside.length === 1 ? 'is' : 'are'} outside the target`,
      'let the target be all of its members (the group); a single member that is lost is replaced, never restored',
    ),
  ];
}

function refuseUnreachable({ cluster, failures, probes }: RestoreCase): Failure[] {
  return cluster.members
    .filter((host) => !probes.has(host))
    .map((host) =>
      guard(
        `it cannot be asked, and its member could come back with the old data: ${failures.get(host)?.message ?? 'no answer'}`,
        `bring it within reach; or pass --without ${host}: the restored cluster then has no such member, and what comes back there with old data cannot join it`,
        host,
      ),
    );
}

function refuseOrigin({ cluster, receipt, ledger, probes }: RestoreCase): Failure[] {
  if (!receipt) return [];
  if (receipt.cluster.name !== cluster.name) {
    return [
      guard(
        `the snapshot is of the cluster ${receipt.cluster.name} by its receipt, and ${cluster.name} is to be restored`,
        `find a snapshot of ${cluster.name}: \`quorate snapshot list\` shows whose each is`,
      ),
    ];
  }
  const members = [...probes.values()].map((probe) => probe.members.get(cluster.name));
  const ledgers = [ledger, ...members.map((one) => one?.guard?.ledger)].filter(
    (one) => one !== undefined && one !== 'damaged',
  );
  const lineage = new Set([
    ...ledgers.flatMap((one) => [one.clusterId, ...replacedBy(one)]),
    ...members.flatMap((one) => one?.status?.clusterId ?? []),
  ]);
  if (lineage.size === 0 || lineage.has(receipt.cluster.id)) return [];
  return [
    guard(
      `the snapshot is of the cluster ${receipt.cluster.id} by its receipt, which ${cluster.name} has never been (${[...lineage].join(', ')})`,
      'find a snapshot of this cluster: `quorate snapshot list` shows whose each is',
    ),
  ];
}

/** Without a receipt the keys still say whether it is of events: in a cluster of their own there is nothing else. */
function refuseKind({ cluster, receipt, snapshot: { prefixes } }: RestoreCase): Failure[] {
  const kinds = Object.keys(prefixes ?? {}).filter((prefix) => prefix.startsWith('/registry/'));
  if (receipt || kinds.length === 0) return [];
  const others = kinds.filter((prefix) => prefix !== EVENTS && !prefix.startsWith(`${EVENTS}/`));
  if (cluster.eventsOf !== undefined && others.length > 0) {
    return [
      guard(
        `the snapshot has keys of ${others[0]}, so it is not of the events cluster ${cluster.name}`,
        `name a snapshot of events; or leave --cluster out, if ${cluster.eventsOf} is to go back`,
      ),
    ];
  }
  if (cluster.eventsOf !== undefined || others.length > 0) return [];
  return [
    guard(
      `the snapshot has nothing but events, so it is not of cluster ${cluster.name}`,
      `name a snapshot of ${cluster.name}; events that have a cluster of their own are restored with --cluster`,
    ),
  ];
}

const EVENTS = '/registry/events';

function refuseAge({ receipt, maxAge, now }: RestoreCase): Failure[] {
  if (maxAge === undefined) return [];
  const seconds = receipt ? (now.getTime() - Date.parse(receipt.time)) / 1000 : undefined;
  if (seconds !== undefined && seconds <= maxAge) return [];
  const message =
    seconds === undefined
      ? 'no receipt says how old the snapshot is, and --max-age asks for it'
      : `the snapshot is ${Math.ceil(seconds / 6) / 10} minutes old, and --max-age allows ${Math.round(maxAge / 0.6) / 100}`;
  return [guard(message, 'find a newer one with `quorate snapshot list`, or allow an older one')];
}

/** Two half restores beside each other could not be told apart. */
function refuseOpen({ surveys }: RestoreCase): Failure[] {
  const open = new Map(
    [...surveys.values()].flatMap(({ restores }) =>
      restores.filter(({ end }) => end === undefined).map(({ run, record }) => [run, record] as const),
    ),
  );
  return [...open].map(([run, record]) =>
    guard(
      `the restore ${run}${record ? `, of ${record.from},` : ''} was begun here and is not at its end`,
      `go on with it (\`quorate resume ${run}\`), or take it back (\`quorate undo ${run}\`)`,
    ),
  );
}

function refuseHost({ cluster, surveys, pillar, snapshot, receipt }: RestoreCase, host: string): Failure[] {
  const survey = surveys.get(host);
  if (!survey) return [];
  const { etcd_version: wanted, etcd_install: install, etcd_bin_dir: binDir, ...rest } = pillar(host);
  const failures: Failure[] = [];
  const { user } = survey;
  const isTheirs = rest.etcd_configuration === 'adopted' && rest.etcd_runtime === 'systemd';
  if (isTheirs && user !== undefined && !['etcd', 'root', '0'].includes(user)) {
    const message = `${cluster.service}.service runs etcd as ${user}, and restored data is the user etcd's, so it could not be read`;
    const next = `let the unit run it as etcd (User=etcd, and the data it has now given to it), or hand the unit over first (etcd_configuration: managed)`;
    failures.push(guard(message, next, host));
  }
  const mib = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  const room = snapshot.size * COPY + LOG_BYTES;
  if (survey.freeForData !== undefined && survey.freeForData < room) {
    const message = `its data directory is on a disk with ${mib(survey.freeForData)} free, and ${mib(room)} are needed beside what is kept`;
    failures.push(guard(message, 'make room there, or mount a larger disk', host));
  }
  if (survey.freeForSnapshot !== undefined && survey.freeForSnapshot < snapshot.size * COPY) {
    const message = `/var/lib/quorate is on a disk with ${mib(survey.freeForSnapshot)} free, and the snapshot is ${mib(snapshot.size)} large`;
    failures.push(guard(message, 'make room there', host));
  }
  const of = receipt?.etcdVersion ?? snapshot.clusterVersion;
  const version = typeof wanted === 'string' ? wanted : of;
  if (of !== undefined && version !== undefined && minorOf(of) !== minorOf(version)) {
    const message = `the snapshot is of etcd ${minorOf(of)}, and etcd_version is ${version}`;
    failures.push(guard(message, `restore it with etcd ${minorOf(of)} (etcd_version), then upgrade`, host));
  } else if (version !== undefined && (install === undefined || install === null)) {
    const name = restoreTool(version);
    // A container's program ends with its container.
    const tool = survey.programs.get(name);
    const next = `put it into etcd_bin_dir (${binDir}) there, or let Quorate install it (etcd_install)`;
    if (!tool || tool.path.startsWith('/proc/'))
      failures.push(guard(`it has no ${name} of its own, which etcd ${minorOf(version)} is restored with`, next, host));
    else if (minorOf(tool.version) !== minorOf(version))
      failures.push(
        guard(`etcd ${minorOf(version)} is to be restored, and its ${name} is ${tool.version}`, next, host),
      );
  }
  return failures;
}

function healthyHosts({ cluster, probes }: RestoreCase): string[] {
  return cluster.members.filter((host) => probes.get(host)?.members.get(cluster.name)?.status?.healthy);
}

/** Incident 3. */
function refuseServing({ cluster }: RestoreCase, serving: string[]): Failure {
  return guard(
    `${serving.join(', ')} still ${serving.length === 1 ? 'answers' : 'answer'}, and have a quorum: cluster ${cluster.name} lives, and would lose what was written since the snapshot`,
    'replace what is broken; or, if all of it is to go back, pass --over-healthy: it says first what would be lost',
  );
}

/** One that no earlier restore of the same snapshot had, as far as hosts and controller know. */
export function generationOf({
  cluster,
  probes,
  ledger,
  snapshot,
  pillar,
}: Pick<RestoreCase, 'cluster' | 'probes' | 'ledger' | 'pillar'> & { snapshot: { sha256: string } }): number {
  const ledgers = [ledger, ...[...probes.values()].map((probe) => probe.members.get(cluster.name)?.guard?.ledger)];
  const used = ledgers.flatMap((one) =>
    one !== undefined && one !== 'damaged' && one.restored?.sha256 === snapshot.sha256 ? [one.restored.generation] : [],
  );
  const declared = cluster.members.map((host) => Number(pillar(host).restore_generation ?? 1));
  return Math.max(...declared, ...used.map((generation) => generation + 1));
}
