// Which member gives a snapshot, from what each says of itself; or why none may.
import type { MemberStatus } from '../status.ts';

export interface AskedMember {
  host: string;
  /** Absent where it did not answer. */
  status?: MemberStatus;
}

export type Choice =
  | { ok: true; host: string; status: MemberStatus }
  | { ok: false; reason: 'quorum' | 'guard'; message: string; next: string };

/** Raft entries that a follower may be behind and is still as good as the leader: the canary is waited for anyway. */
const AS_GOOD = 1000;

/** A healthy voter; a follower rather than the leader, which has more to do. Learners never: they may be far behind. */
export function chooseMember(asked: readonly AskedMember[]): Choice {
  const answered = asked.filter((member): member is Required<AskedMember> => member.status !== undefined);
  const clusters = new Set(answered.map(({ status }) => status.clusterId));
  if (clusters.size > 1) {
    const said = answered.map(({ host, status }) => `${host} ${status.clusterId}`).join(', ');
    return {
      ok: false,
      reason: 'guard',
      message: `the members are not of one cluster, by their ids: ${said}`,
      next: 'find out which one Kubernetes uses, and take the other out of the inventory before anything else',
    };
  }
  const corrupt = answered.filter(({ status }) => status.errors.some((error) => error.includes('CORRUPT')));
  if (corrupt.length > 0) {
    return {
      ok: false,
      reason: 'guard',
      message: `etcd itself has raised the alarm CORRUPT (${corrupt.map(({ host }) => host).join(' ')})`,
      next: 'find the member whose data differs and replace it; a snapshot of it would carry the damage on',
    };
  }
  const healthy = answered.filter(({ status }) => status.healthy && !status.learner);
  if (healthy.length === 0) {
    return {
      ok: false,
      reason: 'quorum',
      message: `no quorum: of ${asked.length} members ${answered.length} answer, and none of them knows a leader`,
      next: 'bring back a member that still has its data; where that cannot be, `quorate restore --from survivor` brings back what a survivor has',
    };
  }
  const newest = Math.max(...healthy.map(({ status }) => status.raftAppliedIndex));
  const rank = ({ status }: Required<AskedMember>) =>
    (status.leader ? 1 : 0) + (newest - status.raftAppliedIndex > AS_GOOD ? 2 : 0);
  const [best] = [...healthy].sort((a, b) => rank(a) - rank(b));
  return { ok: true, host: best!.host, status: best!.status };
}
