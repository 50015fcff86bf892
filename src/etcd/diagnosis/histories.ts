// Split-brain: members that do not tell one and the same history.
import type { ListedMember } from '../members.ts';
import { enumerate, type Finding } from './finding.ts';
import { findAhead, findHashes, findLacking, findRevisions } from './revisions.ts';
import type { Answered, SeenCluster } from './seen.ts';
import { ledgerOf, type Standings, statusOf } from './standing.ts';

export function findHistories({ cluster, clusterId }: Standings): Finding[] {
  const answered = cluster.hosts.flatMap((seen) => {
    const status = statusOf(seen);
    return status ? [{ host: seen.host, seen, status }] : [];
  });
  const own = answered.filter(({ status }) => status.clusterId === clusterId);
  return [
    ...findClusters(answered, clusterId),
    ...findLeaders(own),
    ...findRevisions(own),
    ...findAhead(own),
    ...findHashes(own),
    ...findLacking(own),
    ...findLists(own),
    ...findLedgers(answered),
    ...findDamagedLedgers(cluster),
  ];
}

function findClusters(answered: Answered[], clusterId: string | undefined): Finding[] {
  const groups = Map.groupBy(answered, ({ status }) => status.clusterId);
  if (groups.size < 2) return [];
  const told = [...groups].map(([id, members]) => {
    const revision = Math.max(...members.map(({ status }) => status.revision));
    const serves = members.some(({ status }) => status.healthy) ? 'takes writes' : 'has no leader';
    return `${enumerate(members.map(({ host }) => host))} in cluster ${id} (revision ${revision}, ${serves})`;
  });
  const strays = answered.filter(({ status }) => status.clusterId !== clusterId).map(({ host }) => host);
  return [
    {
      kind: 'different-clusters',
      severity: 'critical',
      message: `split-brain, ${groups.size} clusters where one is declared: ${told.join('; ')}`,
      next: `stop etcd on ${enumerate(strays)} now, so that nobody writes there, and keep the data directory; what is in cluster ${clusterId} goes on: replace the others as its members`,
      hosts: answered.map(({ host }) => host),
    },
  ];
}

function findLeaders(own: Answered[]): Finding[] {
  const leaders = new Map<string, Set<number>>();
  for (const { status } of own) {
    if (status.leaderId === undefined) continue;
    leaders.set(status.leaderId, (leaders.get(status.leaderId) ?? new Set()).add(status.raftTerm));
  }
  if (leaders.size < 2) return [];
  const [first, ...rest] = [...leaders.values()];
  const sameTerm = rest.some((terms) => [...terms].some((term) => first!.has(term)));
  const told = [...leaders].map(([id, terms]) => `${id} (term ${[...terms].join(', ')})`).join(' and ');
  return [
    {
      kind: 'two-leaders',
      severity: sameTerm ? 'critical' : 'warning',
      message: sameTerm ? `split-brain, two leaders of one term: ${told}` : `two leaders, of different terms: ${told}`,
      next: sameTerm
        ? 'this cannot happen within one cluster: these are two histories under one id; stop the members that were started empty or restored, and keep their data'
        : 'an election was just held, and one member had not heard of it: look again; if it stays so, the members cannot hear each other',
      hosts: own.map(({ host }) => host),
    },
  ];
}

function findLists(own: Answered[]): Finding[] {
  const lists = own.flatMap(({ host, seen: { list } }) => (list ? [{ host, list }] : []));
  const versions = Map.groupBy(lists, ({ list }) => fingerprint(list));
  if (versions.size < 2) return [];
  const told = [...versions.values()].map(
    (group) =>
      `${enumerate(group.map(({ host }) => host))} ${group.length === 1 ? 'lists' : 'list'} ${enumerate(group[0]!.list.map(({ name, id }) => name || id))}`,
  );
  return [
    {
      kind: 'lists-differ',
      severity: 'warning',
      message: `the members disagree on who belongs to the cluster: ${told.join('; ')}`,
      next: 'a membership change may just be under way: look again; if it stays so, a member follows another history',
      hosts: lists.map(({ host }) => host),
    },
  ];
}

function fingerprint(list: readonly ListedMember[]): string {
  return list
    .map(({ id, peerUrls, learner }) => `${id} ${peerUrls.toSorted().join(' ')} ${learner}`)
    .sort()
    .join('\n');
}

function findLedgers(answered: Answered[]): Finding[] {
  return answered.flatMap(({ host, seen, status }): Finding[] => {
    const ledger = ledgerOf(seen);
    if (!ledger || ledger.clusterId === status.clusterId) return [];
    return [
      {
        kind: 'ledger-differs',
        severity: 'critical',
        message: `${host} runs in cluster ${status.clusterId}, but its ledger says that it belongs to ${ledger.clusterId}`,
        next: 'it was started anew, or restored by hand: stop it before it takes writes, and find the data of the cluster in the ledger',
        hosts: [host],
      },
    ];
  });
}

function findDamagedLedgers({ hosts }: SeenCluster): Finding[] {
  const damaged = hosts.filter(({ ledger }) => ledger === 'damaged').map(({ host }) => host);
  if (damaged.length === 0) return [];
  return [
    {
      kind: 'ledger-damaged',
      severity: 'warning',
      message: `the ledger of ${enumerate(damaged)} (/var/lib/quorate) cannot be read`,
      next: 'move it aside while the cluster serves: the next apply writes it again from what the members say',
      hosts: damaged,
    },
  ];
}
