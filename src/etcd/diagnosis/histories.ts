// Split-brain: members that do not tell one and the same history.
import type { ListedMember } from '../members.ts';
import type { MemberStatus } from '../status.ts';
import { enumerate, type Finding } from './finding.ts';
import type { SeenCluster, SeenHost } from './seen.ts';
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
    ...findLists(own),
    ...findLedgers(answered),
    ...findDamagedLedgers(cluster),
  ];
}

interface Answered {
  host: string;
  seen: SeenHost;
  status: MemberStatus;
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

/** A status is not read in one instant: under load its revision may be older than its index by this many entries. */
const SKEW_ENTRIES = 1000;

/**
 * An entry of the log adds at most one revision, and every member applies the same entries: whoever has applied no more
 * has no higher revision, and whoever has applied n more has at most n revisions more.
 */
function findRevisions(own: Answered[]): Finding[] {
  const sorted = own.toSorted((a, b) => a.status.raftAppliedIndex - b.status.raftAppliedIndex);
  let worst: { by: number; behind: Answered; ahead: Answered } | undefined;
  for (const [index, behind] of sorted.entries()) {
    for (const ahead of sorted.slice(index + 1)) {
      const revisions = ahead.status.revision - behind.status.revision;
      const entries = ahead.status.raftAppliedIndex - behind.status.raftAppliedIndex;
      const by = Math.max(-revisions, revisions - entries);
      if (by > (worst?.by ?? 0)) worst = { by, behind, ahead };
    }
  }
  if (!worst) return [];
  const tell = ({ host, status }: Answered) =>
    `${host} has revision ${status.revision} at index ${status.raftAppliedIndex}`;
  const certain = worst.by > SKEW_ENTRIES;
  return [
    {
      kind: 'histories-differ',
      severity: certain ? 'critical' : 'warning',
      message: `${certain ? 'split-brain under one cluster id' : 'revisions do not fit'}: ${tell(worst.behind)}, ${tell(worst.ahead)}; one log cannot lead to both`,
      next: certain
        ? 'members were restored from different snapshots, or one alone: compare with `quorate status --hashkv`, decide which history is right, stop the other and replace its members'
        : 'under a heavy load of writes this can be the moment of asking: look again, and compare with `quorate status --hashkv`',
      hosts: [worst.behind.host, worst.ahead.host],
    },
  ];
}

/**
 * A leader has every entry that its cluster has agreed on, so nobody can have applied more. A member that has can only be
 * one of another history: the one that was there before the others were started empty.
 */
function findAhead(own: Answered[]): Finding[] {
  const leader = own.find(({ status }) => status.leader);
  if (!leader) return [];
  return own.flatMap(({ host, status }): Finding[] => {
    const by = status.raftAppliedIndex - leader.status.raftIndex;
    // Who follows may simply have been asked a moment later.
    if (by <= 0 || (status.healthy && by <= SKEW_ENTRIES)) return [];
    const certain = by > SKEW_ENTRIES;
    return [
      {
        kind: 'histories-differ',
        severity: certain ? 'critical' : 'warning',
        message: `${certain ? 'split-brain under one cluster id' : 'histories do not fit'}: ${host} has applied ${status.raftAppliedIndex} entries (revision ${status.revision}), more than the ${leader.status.raftIndex} that the leader ${leader.host} has (revision ${leader.status.revision})`,
        next: certain
          ? `${leader.host}'s side was started empty, or from an older copy: stop it before it takes more writes, keep every data directory, and save a snapshot of ${host} first`
          : 'an election may just be under way: look again; if it stays so, the members do not share one history',
        hosts: [host, leader.host],
      },
    ];
  });
}

/** Only with --hashkv. Hashes of one revision can be compared where the members have compacted up to the same revision. */
function findHashes(own: Answered[]): Finding[] {
  const hashed = own.flatMap(({ host, seen: { hash } }) => (hash ? [{ host, ...hash }] : []));
  const comparable = Map.groupBy(hashed, ({ revision, compactRevision }) => `${revision} ${compactRevision}`);
  return [...comparable.values()].flatMap((group): Finding[] => {
    const hashes = Map.groupBy(group, ({ hash }) => hash);
    if (hashes.size < 2) return [];
    const told = [...hashes].map(([hash, hosts]) => `${enumerate(hosts.map(({ host }) => host))} ${hash}`);
    return [
      {
        kind: 'hashes-differ',
        severity: 'critical',
        message: `split-brain, the data differs: at revision ${group[0]!.revision} the hashes are ${told.join('; ')}`,
        next: "decide which data is right (most members, the apiservers' view), take a snapshot of each, stop the others and replace them",
        hosts: group.map(({ host }) => host),
      },
    ];
  });
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
