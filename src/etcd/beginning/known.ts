// A cluster that serves, or that somebody remembers: nothing of it is ever made anew.
import { type Ledger, sameLedger } from '../ledger.ts';
import type { DeclaredMember, ListedMember } from '../members.ts';
import { cannotTell } from './founding.ts';
import { compareMembers, ledgerOf, notAMember, wipedMembers } from './membership.ts';
import { isThere, type Judgement, listOf, refuse, type Situation } from './situation.ts';

/** It serves, and neither a host nor this controller has written it down. */
export function judgeServing(situation: Situation): Judgement {
  const listed = listOf(situation);
  if (!listed) {
    return refuse({
      refused: `a member of cluster ${situation.cluster} runs, but cannot say who the members are: the cluster has no quorum`,
      next: 'bring back its other members first: quorate status shows which',
    });
  }
  const refusal = compareMembers(situation, listed);
  if (refusal) return refuse(refusal);
  return {
    beginning: { kind: 'adopted', ledger: ledgerOf(situation, listed, undefined, situation.now) },
    refusals: wipedMembers(situation, (entry) => entry?.started === true),
  };
}

/** Somebody remembers it: nothing of it is ever made anew. */
export function judgeKnown(situation: Situation): Judgement {
  const { cluster, declared, seen, ledger: own, now } = situation;
  const ledgers = [own, ...[...seen.values()].map((one) => one.ledger)].filter(isThere);
  const newest = withUndone(
    ledgers.reduce((one, other) => (other.at > one.at ? other : one)),
    ledgers,
  );
  const nothing = [...seen.values()].every((one) => !one.hasData && !one.status && one.ledger === undefined);
  if (nothing && seen.size > 0 && declared.every(({ host }) => seen.has(host))) {
    return refuse(
      cannotTell(
        situation,
        `this controller knows it (${newest.clusterId}, since ${newest.at}), but no member has data or a ledger`,
      ),
    );
  }
  const listed = listOf(situation);
  const isNamed = (member: DeclaredMember) =>
    newest.members.some(({ name, peerUrl }) => name === member.name && peerUrl === member.peerUrl);
  if (!listed) {
    const stranger = declared.find((member) => !isNamed(member));
    if (stranger) return refuse(notAMember(stranger, cluster, newest.members));
    const everyOne = (entry: ListedMember | undefined) => entry === undefined || entry.started;
    return { beginning: { kind: 'known', ledger: newest }, refusals: wipedMembers(situation, everyOne) };
  }
  const refusal = compareMembers(situation, listed);
  if (refusal) return refuse(refusal);
  const { restored, undone } = newest;
  const renewed = {
    ...ledgerOf(situation, listed, newest.token, now),
    ...(restored ? { restored } : {}),
    ...(undone ? { undone } : {}),
  };
  return {
    beginning: { kind: 'known', ledger: sameLedger(newest, renewed) ? newest : renewed },
    refusals: wipedMembers(situation, (entry) => entry?.started === true),
  };
}

/** What one of them remembers as given up, all of them have to: forgotten, it could be taken for the cluster again. */
function withUndone(ledger: Ledger, all: readonly Ledger[]): Ledger {
  const undone = [...new Set(all.flatMap((one) => one.undone ?? []))].sort();
  return undone.length === 0 ? ledger : { ...ledger, undone };
}
