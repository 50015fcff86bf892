// A cluster that nobody remembers: founded, or an earlier run's founding of it continued, with all its members or not at all.
import type { Refusal } from '../../modules/module.ts';
import { initialCluster } from '../members.ts';
import { ledgerOf, listedAs, wipedMembers } from './membership.ts';
import { isQuorate, isThere, type Judgement, listOf, refuse, type Situation } from './situation.ts';

/** Nobody remembers it and nothing serves: founding it needs every member. */
export function found(situation: Situation, kind: 'bootstrap' | 'resume', token: string): Judgement {
  const { cluster, declared, seen, targets, obstacles } = situation;
  const deed = kind === 'bootstrap' ? `a new cluster ${cluster} is made` : `the bootstrap of ${cluster} goes on`;
  const away = declared.filter(({ host }) => !seen.has(host)).map(({ host }) => host);
  if (away.length > 0) {
    return refuse({
      refused: `${deed} only with all its members, and ${away.join(', ')} cannot be reached: data may be there`,
      next: `bring ${away.join(', ')} within reach, or take what will never come out of the group`,
    });
  }
  const outside = declared.filter(({ host }) => !targets.has(host)).map(({ host }) => host);
  if (outside.length > 0) {
    return refuse({
      refused: `${deed} only on all its members at once, and ${outside.join(', ')} ${outside.length === 1 ? 'is' : 'are'} outside the target`,
      next: `widen the target (-t) to include ${outside.join(', ')}`,
    });
  }
  const obstacle = obstacles[0];
  if (obstacle) return refuse({ refused: `no host is touched: ${allOf(obstacles)}`, next: obstacle.next });
  return { beginning: { kind, token }, refusals: new Map() };
}

function allOf(refusals: readonly Refusal[]): string {
  return refusals.map(({ refused }) => refused).join('; ');
}

/** A bootstrap that an earlier run began. */
export function goOnFounding(situation: Situation): Judgement {
  const { cluster, declared, seen, now } = situation;
  const markers = [...seen].flatMap(([host, one]) => (isThere(one.marker) ? [{ host, ...one.marker }] : []));
  const [first, ...others] = markers;
  const other = others.find(({ token }) => token !== first!.token);
  if (other) {
    return refuse({
      refused: `two bootstraps of cluster ${cluster} have begun: ${first!.host} has the token ${first!.token}, ${other.host} ${other.token}`,
      next: `if neither has data, move /var/lib/quorate/${cluster}.bootstrap aside on all members, then run again`,
    });
  }
  if (first!.initialCluster !== initialCluster(declared)) {
    return refuse({
      refused: `the bootstrap of cluster ${cluster} began with other members: ${first!.initialCluster}`,
      next: 'declare those members again and let it finish; members are added and removed afterwards',
    });
  }
  const refusals = wipedMembers(situation, (listed) => listed?.started === true);
  const listed = listOf(situation);
  if (listed && declared.every((member) => listedAs(member, listed)?.started) && isQuorate(situation)) {
    const { token } = first!;
    return { beginning: { kind: 'known', ledger: ledgerOf(situation, listed, token, now) }, refusals };
  }
  const wiped = refusals.values().next().value;
  if (wiped) return refuse(wiped);
  const stray = [...seen].find(([, one]) => one.hasData && one.marker === undefined)?.[0];
  if (stray !== undefined)
    return refuse(cannotTell(situation, `${stray} has member data from before the bootstrap ${first!.token}`));
  return found(situation, 'resume', first!.token);
}

/** Incident 10: a lost control file must not become a licence. */
export function cannotTell({ cluster }: Situation, evidence: string): Refusal {
  return {
    refused: `cannot tell whether cluster ${cluster} is new or lost: ${evidence}`,
    next: 'say which: start what was stopped, and it is adopted; restore a snapshot if its data is lost; or move the data and what is written down aside by hand if a new, empty cluster is meant',
  };
}
