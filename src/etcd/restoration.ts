// Restoring a whole cluster from one snapshot: its new identity, and every reason not to.
import { createHash } from 'node:crypto';
import type { ClusterView, Refusal } from '../modules/module.ts';
import { clusterIdOf, memberIdOf } from './identity.ts';
import { type Found, type Ledger, parseLedger } from './ledger.ts';
import type { Program } from './programs.sh.ts';
import { compareVersions, minorOf } from './versions.ts';

/** What the host of one member has. */
export interface RestoreSighting {
  /** `empty`: a directory with nothing in it. `other`: files, but no member. */
  data: 'none' | 'empty' | 'other' | 'member';
  /** Of the cluster that the data is of, as etcd's own files name them. */
  memberIds: string[];
  /** Of a separate directory of the log. */
  wal: 'none' | 'empty' | 'files';
  /** Names of processes that have to be down: etcd on this data, kube-apiserver. */
  running: string[];
  /** `unread`: the data is of the cluster in the ledger, so nothing is to be restored. */
  snapshot: 'unread' | 'absent' | { size: number; sha256: string; whole: boolean };
  /** As one line of text; empty: there is none. */
  ledger: string;
  programs: ReadonlyMap<string, Program>;
  freeBytes?: number;
  /** What stands beside the snapshot; undefined: nothing, `damaged`: no receipt. */
  receipt?: Found<SnapshotOrigin>;
}

/** Of the receipt, what says whose the snapshot is. */
export interface SnapshotOrigin {
  cluster: { name: string; id: string };
  sha256: string;
  etcdVersion: string;
  revision: number;
}

/** What is to be restored on one host. */
export interface RestoreWish {
  cluster: string;
  /** Of the member. */
  name: string;
  snapshot: string;
  dataDir: string;
  walDir: string | null;
  generation: number;
  /** Only this snapshot is meant. null: whichever lies there. */
  sha256: string | null;
  version: string | null;
  /** Hosts that were members and are left out. */
  without: readonly string[];
}

/** What is known beside the host itself. */
export interface RestoreKnowledge {
  /** The controller's own. */
  ledger?: Found<Ledger>;
  /** Of all members, the host's own included; without `seen`: it could not be asked. */
  members: { host: string; seen?: RestoreSighting }[];
}

/** The same however often it is asked, and another for every other snapshot or intention. */
export function restoreToken(cluster: string, sha256: string, generation: number): string {
  return createHash('sha256').update(`${cluster}\n${sha256}\n${generation}\n`).digest('hex');
}

/** What every host writes down; `at` is the host's to fill in. */
export function restoredLedger(
  { cluster, generation, without }: RestoreWish,
  sha256: string,
  view: ClusterView,
  { ledger, members }: RestoreKnowledge,
): Ledger {
  const token = restoreToken(cluster, sha256, generation);
  const restored = view.members
    .map(({ name, peerUrl }) => ({ name: name!, id: memberIdOf(peerUrl!, token), peerUrl: peerUrl! }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  const clusterId = clusterIdOf(restored.map(({ id }) => id));
  const sightings = members.flatMap(({ seen }) => (seen ? [seen] : []));
  const ledgers = [ledger, ...sightings.map((seen) => ledgerOn(seen))].filter(
    (one) => one !== undefined && one !== 'damaged',
  );
  const origins = sightings.flatMap(({ receipt }) =>
    receipt && receipt !== 'damaged' && receipt.sha256 === sha256 ? [receipt.cluster.id] : [],
  );
  const former = new Set([...ledgers.flatMap((one) => [one.clusterId, ...(one.restored?.former ?? [])]), ...origins]);
  former.delete(clusterId);
  return {
    cluster,
    clusterId,
    token,
    members: restored,
    at: '',
    restored: {
      sha256,
      generation,
      former: [...former].sort(),
      ...(without.length > 0 ? { without: [...without].sort() } : {}),
    },
  };
}

export function ledgerOn({ ledger }: Pick<RestoreSighting, 'ledger'>): Found<Ledger> | undefined {
  return ledger === '' ? undefined : parseLedger(ledger);
}

/** The host's data is what was restored there, and its ledger says so. */
export function isRestored(seen: RestoreSighting, name: string): boolean {
  const ledger = ledgerOn(seen);
  if (seen.data !== 'member' || ledger === undefined || ledger === 'damaged' || !ledger.restored) return false;
  return seen.memberIds.includes(ledger.members.find((member) => member.name === name)?.id ?? '');
}

/** The rename was the last thing that an interrupted restore did: only its ledger is missing. */
export function isRenamed(seen: RestoreSighting, wish: RestoreWish, wanted: Ledger): boolean {
  const own = wanted.members.find(({ name }) => name === wish.name);
  return seen.data === 'member' && own !== undefined && seen.memberIds.includes(own.id);
}

/** Below that, etcd's tools cannot raise revisions. Sources: etcd's CHANGELOG-3.4.md and CHANGELOG-3.5.md. */
export function canBump(version: string): boolean {
  return compareVersions(version, minorOf(version) === '3.4' ? '3.4.27' : '3.5.10') >= 0;
}

/** By how much the revision of what is restored is raised, where that can be done. Source: Kubernetes, "Operating etcd clusters". */
export const REVISION_BUMP = 1_000_000_000;

/** With which a snapshot of that version is restored. */
export function restoreTool(version: string): 'etcdctl' | 'etcdutl' {
  return compareVersions(version, '3.5.0') < 0 ? 'etcdctl' : 'etcdutl';
}

/** Of the tool that restores: by the pillar, else by the receipt, else whatever the host has. */
export function toolFor(seen: RestoreSighting, { version }: RestoreWish): Program | Refusal {
  const { receipt, programs } = seen;
  const of = receipt && receipt !== 'damaged' ? receipt.etcdVersion : undefined;
  const wanted = version ?? of ?? programs.get('etcdutl')?.version ?? programs.get('etcdctl')?.version;
  const next =
    "put etcd's programs of that version into etcd_bin_dir there; where etcd_install is set, this run does that: run it again";
  if (wanted === undefined) return { refused: 'there is neither etcdutl nor etcdctl to restore with', next };
  if (version && of && minorOf(version) !== minorOf(of)) {
    return {
      refused: `the snapshot is of etcd ${of}, and etcd_version is ${version}`,
      next: `restore it with etcd ${minorOf(of)} (etcd_version), then upgrade`,
    };
  }
  const name = restoreTool(wanted);
  const tool = programs.get(name);
  if (!tool) return { refused: `there is no ${name}, which etcd ${minorOf(wanted)} is restored with`, next };
  if (minorOf(tool.version) !== minorOf(wanted))
    return { refused: `etcd ${minorOf(wanted)} is to be restored, and ${name} is ${tool.version}`, next };
  return tool;
}
