// Who belongs to the cluster, against who is declared to.
import { toleranceOf } from '../quorum.ts';
import type { Finding } from './finding.ts';
import { isLeftOut, type Standing, type Standings } from './standing.ts';

/** Entries of the log behind the furthest member from which a member counts as lagging; far more than one round trip's. */
const LAG_ENTRIES = 5000;

export function findMembership(standings: Standings): Finding[] {
  return [...standings.members.flatMap((member) => findMember(member, standings)), ...findEvenness(standings)];
}

function findMember(member: Standing, standings: Standings): Finding[] {
  const { host, seen, listed } = member;
  if (host === undefined || !seen) return listed ? [undeclared(listed)] : [];
  if (standings.votersFrom === 'list' && !listed && member.state !== 'foreign')
    return [isLeftOut(member, standings) ? leftOut(member) : notAMember(member)];
  return [
    ...findPeerUrl(member),
    ...findUnstarted(member),
    ...findLearner(member, standings),
    ...findLag(member, standings),
  ];
}

function undeclared({ id, name, peerUrls }: NonNullable<Standing['listed']>): Finding {
  return {
    kind: 'undeclared-member',
    severity: 'warning',
    message: `the cluster has a member ${name || 'without a name'} (${id}, ${peerUrls.join(' ')}) that no host of the inventory is`,
    next: `add its host to the inventory's group, or, once you know that nothing runs there, remove it: etcdctl member remove ${id}`,
    hosts: [],
  };
}

function notAMember({ host, seen, status }: Standing): Finding {
  return {
    kind: 'not-a-member',
    severity: 'warning',
    message: `${host} is declared, but the cluster has no member with peer URL ${seen!.declared.peerUrl}${status ? `, though etcd runs there as ${status.memberId}` : ''}`,
    next: 'if it was removed on purpose, take it out of the inventory; else add it as a learner: a voter that does not start would cost the quorum',
    hosts: [host!],
  };
}

function leftOut({ host, seen }: Standing): Finding {
  return {
    kind: 'not-a-member',
    severity: 'warning',
    message: `${host} was left out when the cluster was restored, and is no member${seen!.processes?.length ? ': etcd runs there all the same, with data of a cluster before, which can never join' : ''}`,
    next: `let neither etcd nor an API server run there, and take it out of the group until it is a new member: its data directory and ledger moved aside, then added as a learner`,
    hosts: [host!],
  };
}

function findPeerUrl({ host, seen, listed }: Standing): Finding[] {
  const { peerUrl } = seen!.declared;
  if (!listed || listed.peerUrls.includes(peerUrl)) return [];
  return [
    {
      kind: 'peer-url-differs',
      severity: 'warning',
      message: `${host} is declared with peer URL ${peerUrl}, the cluster knows it as ${listed.peerUrls.join(' ')}`,
      next: 'correct ansible_host or etcd_peer_port; or, if the host has moved: etcdctl member update, one member at a time',
      hosts: [host!],
    },
  ];
}

function findUnstarted({ host, listed }: Standing): Finding[] {
  if (!listed || listed.started) return [];
  return [
    {
      kind: 'member-unstarted',
      severity: 'warning',
      message: `${host} was added as member ${listed.id} and has never started${listed.learner ? '' : ', yet it counts as a voter'}`,
      next: `start its etcd with the full member list and initial-cluster-state existing, or take it back: etcdctl member remove ${listed.id}`,
      hosts: [host!],
    },
  ];
}

function findLearner(member: Standing, standings: Standings): Finding[] {
  const { host, listed, status } = member;
  if (!(listed?.learner || status?.learner) || listed?.started === false) return [];
  const lag = lagOf(member, standings);
  return [
    {
      kind: 'learner',
      severity: 'note',
      message: `${host} is a learner: it copies, but has no vote${lag === undefined ? '' : ` (${lag} entries behind)`}`,
      next: `promote it when it has caught up: etcdctl member promote ${listed?.id ?? status?.memberId}`,
      hosts: [host!],
    },
  ];
}

function findLag(member: Standing, standings: Standings): Finding[] {
  const lag = lagOf(member, standings);
  if (lag === undefined || lag < LAG_ENTRIES) return [];
  return [
    {
      kind: 'lagging',
      severity: 'warning',
      message: `${member.host} is ${lag} entries of the log behind`,
      next: 'see whether it catches up (look again); if not, its disk or its network is too slow',
      hosts: [member.host!],
    },
  ];
}

/** Entries that a member has not applied yet, of those that the furthest member of its cluster has. */
export function lagOf({ status }: Standing, { members, clusterId }: Standings): number | undefined {
  if (status?.clusterId !== clusterId || !status) return undefined;
  const own = members.filter((member) => member.status?.clusterId === clusterId);
  return Math.max(...own.map((member) => member.status!.raftIndex), status.raftAppliedIndex) - status.raftAppliedIndex;
}

/** Source: etcd's FAQ, "Why an odd number of cluster members?" (https://etcd.io/docs/v3.5/faq/). */
function findEvenness({ voters, members }: Standings): Finding[] {
  if (voters === 0 || voters % 2 === 1) return [];
  return [
    {
      kind: 'even-members',
      severity: 'warning',
      message: `${voters} voters tolerate the loss of ${toleranceOf(voters, voters)}, no more than ${voters - 1} do, and one more can fail`,
      next: 'have an odd number: add a member (as a learner first), or remove one',
      hosts: members.flatMap(({ host, voter }) => (voter && host !== undefined ? [host] : [])),
    },
  ];
}
