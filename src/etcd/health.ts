// Is the cluster well? From what its members say of themselves alone.
import type { ClusterView, MemberView, Refusal } from '../modules/module.ts';
import { hasBeen, quorumOf } from './quorum.ts';

/** An alarm in etcd's own words, such as `memberID:1234 alarm:NOSPACE`, as it is told in every status. */
export function alarmsIn(errors: readonly string[]): string[] {
  return errors.filter((error) => error.includes('alarm:'));
}

/** What an operator does about an alarm. Source: etcd's maintenance guide (https://etcd.io/docs/v3.5/op-guide/maintenance/). */
export function nextForAlarm(alarm: string): string {
  if (alarm.includes('NOSPACE'))
    return 'compact, defragment every member, then `etcdctl alarm disarm`; it takes no writes until then (etcd_quota_backend_bytes is its limit)';
  if (alarm.includes('CORRUPT'))
    return 'find the member whose `etcdctl endpoint hashkv` differs and replace it; do not disarm before';
  return 'see `etcdctl alarm list`';
}

/** What must stop a roll, whatever the arithmetic says: an alarm, or members that are not of one cluster. */
export function findTrouble({ name, members }: ClusterView): Refusal | undefined {
  const alarmed = members.find((member) => member.alarms?.length);
  if (alarmed) {
    const [alarm] = alarmed.alarms!;
    return { refused: `cluster ${name} has an alarm: ${alarm}`, next: nextForAlarm(alarm!) };
  }
  const [first, ...rest] = members.filter((member) => member.clusterId !== undefined);
  const other = rest.find((member) => member.clusterId !== first!.clusterId);
  if (!other) return undefined;
  return {
    refused: `split brain: ${first!.host} is of cluster ${first!.clusterId} and ${other.host} of ${other.clusterId}, and both are declared as ${name}`,
    next: 'find out which of them has the data that counts, and take the other out of the group',
  };
}

/** How many members have to serve; `reachable`: all of a cluster that is being founded, later all that can be asked. */
export type WantedMembers = 'all' | 'reachable' | 'quorum';

/** The members that are asked, and how many of them have to serve. */
export function expectMembers(view: ClusterView, wanted: WantedMembers): { asked: MemberView[]; needed: number } {
  const { members } = view;
  const quorum = quorumOf(members.length);
  if (wanted === 'quorum') return { asked: members, needed: quorum };
  const asked = wanted === 'reachable' && hasBeen(view) ? members.filter(({ reachable }) => reachable) : members;
  return { asked, needed: Math.max(asked.length, quorum) };
}

/** What `view` lacks to be healthy, as one sentence; undefined: nothing. */
export function whyUnhealthy(view: ClusterView, wanted: WantedMembers): string | undefined {
  const { asked, needed } = expectMembers(view, wanted);
  const away = view.members.filter(({ healthy }) => !healthy).map(({ host }) => host);
  if (asked.filter(({ healthy }) => healthy).length < needed) {
    return `${view.members.length - away.length} of ${view.members.length} members serve (not: ${away.join(', ')})`;
  }
  return findTrouble(view)?.refused;
}
