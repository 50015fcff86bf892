// Puts inventory, member list and what the hosts say together: each member as it stands, and whether a quorum serves.
import type { Ledger } from '../ledger.ts';
import type { ListedMember } from '../members.ts';
import { quorumOf } from '../quorum.ts';
import type { SeenCluster, SeenHost } from './seen.ts';
import { ledgerOf, type Standing, type StandingState, type Standings, statusOf } from './standing.ts';

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
