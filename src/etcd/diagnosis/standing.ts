// Each member as it stands: inventory, member list and what the hosts say, matched into one row each.
import type { Ledger } from '../ledger.ts';
import type { ListedMember } from '../members.ts';
import { quorumOf } from '../quorum.ts';
import type { MemberStatus } from '../status.ts';
import type { SeenCluster, SeenHost } from './seen.ts';

/** How a member stands, from the best to what is not known at all. */
export type StandingState =
  /** It answers and knows a leader. */
  | 'serving'
  /** It answers, but knows no leader. */
  | 'leaderless'
  /** It answers as a member of another cluster than the others. */
  | 'foreign'
  /** Its host answers, and no etcd serves there. */
  | 'down'
  /** Its etcd listens and does not answer. */
  | 'silent'
  /** Nobody could ask it: the host is out of reach, or has nothing to ask with. */
  | 'unknown';

export interface Standing {
  /** Absent: the member list has it, the inventory does not. */
  host?: string;
  seen?: SeenHost;
  status?: MemberStatus;
  listed?: ListedMember;
  state: StandingState;
  /** It says so itself, or, where it could not be asked, another member does. */
  leader: boolean;
  voter: boolean;
}

/** A cluster with its members matched, and the arithmetic that follows. */
export interface Standings {
  cluster: SeenCluster;
  /** Of the cluster that the most stands behind; absent: no member has answered. */
  clusterId?: string;
  /** Where the voters are known from: a list of the members' own, or the inventory alone. */
  votersFrom: 'list' | 'inventory';
  /** The declared hosts in inventory order, then members that only the list has. */
  members: Standing[];
  voters: number;
  /** Voters that were seen to serve. */
  healthy: number;
  quorum: number;
  /**
   * Whether a quorum serves: `yes` as soon as one member knows a leader (a leader without a quorum steps down within an
   * election timeout), `unknown` while those that could not be asked could be a quorum by themselves, else `no`.
   */
  serves: 'yes' | 'no' | 'unknown';
}

export function matchMembers(cluster: SeenCluster): Standings {
  const clusterId = chooseCluster(cluster);
  const list = chooseList(cluster, clusterId);
  const ledger = cluster.hosts.map(ledgerOf).find((known) => clusterId === undefined || known?.clusterId === clusterId);
  const taken = new Set<ListedMember>();
  const declared = cluster.hosts.map((seen): Standing => {
    const listed = list && findListed(list, seen, ledger, clusterId);
    if (listed) taken.add(listed);
    const standing = standingOf(seen, listed, clusterId, list !== undefined);
    return standing.state === 'unknown' && listed
      ? { ...standing, leader: isLeader(cluster, listed.id, clusterId) }
      : standing;
  });
  const others = (list ?? [])
    .filter((listed) => !taken.has(listed))
    .map(
      (listed): Standing => ({
        listed,
        state: 'unknown',
        leader: isLeader(cluster, listed.id, clusterId),
        voter: !listed.learner,
      }),
    );
  const members = [...declared, ...others];
  const voters = members.filter(({ voter }) => voter).length;
  const healthy = members.filter(({ voter, state }) => voter && state === 'serving').length;
  const quorum = quorumOf(voters);
  return {
    cluster,
    ...(clusterId === undefined ? {} : { clusterId }),
    votersFrom: list ? 'list' : 'inventory',
    members,
    voters,
    healthy,
    quorum,
    serves: judgeService(members, quorum),
  };
}

/** Absent where there is none, or none that can be read. */
export function ledgerOf({ ledger }: SeenHost): Ledger | undefined {
  return ledger === 'damaged' ? undefined : ledger;
}

export function statusOf(seen: SeenHost): MemberStatus | undefined {
  return seen.member?.state === 'answered' ? seen.member.status : undefined;
}

/** Most members with a leader, then the one that the ledgers name, then the longest history. */
function chooseCluster(cluster: SeenCluster): string | undefined {
  const ids = new Set(cluster.hosts.flatMap((seen) => statusOf(seen)?.clusterId ?? []));
  const weigh = (id: string) => {
    const statuses = cluster.hosts.map(statusOf).filter((status) => status?.clusterId === id);
    return [
      statuses.filter((status) => status!.healthy).length,
      cluster.hosts.filter((seen) => ledgerOf(seen)?.clusterId === id).length,
      Math.max(...statuses.map((status) => status!.revision)),
    ];
  };
  return [...ids].toSorted((a, b) => compare(weigh(b), weigh(a)))[0];
}

function compare(a: number[], b: number[]): number {
  const differs = a.findIndex((value, index) => value !== b[index]);
  return differs < 0 ? 0 : a[differs]! - b[differs]!;
}

/** Of the cluster that counts, as the member with the newest term tells it. */
function chooseList(cluster: SeenCluster, clusterId: string | undefined): ListedMember[] | undefined {
  return cluster.hosts
    .filter((seen) => seen.list !== undefined && statusOf(seen)?.clusterId === clusterId)
    .toSorted((a, b) => statusOf(b)!.raftTerm - statusOf(a)!.raftTerm)[0]?.list;
}

/** By id where the member said its own, then by the ledger's, then by peer URL, then by name: a name alone can be anybody's. */
function findListed(
  list: readonly ListedMember[],
  seen: SeenHost,
  ledger: Ledger | undefined,
  clusterId: string | undefined,
): ListedMember | undefined {
  const status = statusOf(seen);
  const { name, peerUrl } = seen.declared;
  if (status?.clusterId === clusterId) return list.find(({ id }) => id === status?.memberId);
  const known = ledger?.members.find((entry) => entry.name === name)?.id;
  return (
    list.find(({ id }) => id === known) ??
    list.find(({ peerUrls }) => peerUrls.includes(peerUrl)) ??
    list.find((listed) => listed.name === name)
  );
}

function standingOf(
  seen: SeenHost,
  listed: ListedMember | undefined,
  clusterId: string | undefined,
  hasList: boolean,
): Standing {
  const status = statusOf(seen);
  const state = stateOf(seen, clusterId);
  const learner = listed?.learner ?? status?.learner ?? false;
  return {
    host: seen.host,
    seen,
    ...(status ? { status } : {}),
    ...(listed ? { listed } : {}),
    state,
    leader: state === 'serving' && status?.leader === true,
    voter: !learner && (listed !== undefined || !hasList),
  };
}

function stateOf(seen: SeenHost, clusterId: string | undefined): StandingState {
  switch (seen.member?.state) {
    case 'answered':
      if (seen.member.status.clusterId !== clusterId) return 'foreign';
      return seen.member.status.healthy ? 'serving' : 'leaderless';
    case 'closed':
      return 'down';
    case 'silent':
      return 'silent';
    default:
      return 'unknown';
  }
}

function isLeader(cluster: SeenCluster, id: string, clusterId: string | undefined): boolean {
  return cluster.hosts.some((seen) => statusOf(seen)?.clusterId === clusterId && statusOf(seen)?.leaderId === id);
}

function judgeService(members: Standing[], quorum: number): Standings['serves'] {
  if (members.some(({ state }) => state === 'serving')) return 'yes';
  return members.filter((member) => member.voter && maySecretlyServe(member)).length >= quorum ? 'unknown' : 'no';
}

/** A member that refuses etcdctl (an expired certificate) can still serve others; one whose process is stopped cannot. */
function maySecretlyServe({ state, seen }: Standing): boolean {
  return (
    state === 'unknown' || (state === 'silent' && seen?.processes?.every((process) => process.state === 'T') !== true)
  );
}
