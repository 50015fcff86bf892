// Is the cluster well? From what its members say of themselves alone.
import type { ClusterView, Refusal } from '../modules/module.ts';
import { quorumOf } from './quorum.ts';

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

/** What `view` lacks to be healthy, as one sentence; undefined: nothing. `wanted`: how many of the members have to serve. */
export function whyUnhealthy(view: ClusterView, wanted: 'all' | 'quorum'): string | undefined {
  const away = view.members.filter(({ healthy }) => !healthy).map(({ host }) => host);
  const serving = view.members.length - away.length;
  const needed = wanted === 'all' ? view.members.length : quorumOf(view.members.length);
  if (serving < needed) return `${serving} of ${view.members.length} members serve (not: ${away.join(', ')})`;
  return findTrouble(view)?.refused;
}
