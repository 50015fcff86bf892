// Members of one cluster id whose revisions, entries or hashes cannot come of one log.
import { enumerate, type Finding } from './finding.ts';
import type { Answered } from './seen.ts';

/** A status is not read in one instant: under load its revision may be older than its index by this many entries. */
const SKEW_ENTRIES = 1000;

/**
 * An entry of the log adds at most one revision, and every member applies the same entries: whoever has applied no more
 * has no higher revision, and whoever has applied n more has at most n revisions more.
 */
export function findRevisions(own: Answered[]): Finding[] {
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
export function findAhead(own: Answered[]): Finding[] {
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

/** Only with --hashkv: members restored from different snapshots agree up to the older of them (incident 1). */
export function findLacking(own: Answered[]): Finding[] {
  const lacking = own.flatMap(({ host, seen: { lacks } }) => (lacks === undefined ? [] : [{ host, lacks }]));
  return [...Map.groupBy(lacking, ({ lacks }) => lacks)].map(([revision, group]): Finding => {
    const hosts = group.map(({ host }) => host);
    const others = own.filter(({ seen }) => seen.hash?.revision === revision).map(({ host }) => host);
    const by = others.length === 0 ? '' : ` that ${enumerate(others)} ${others.length === 1 ? 'has' : 'have'}`;
    return {
      kind: 'histories-differ',
      severity: 'critical',
      message: `split-brain under one cluster id: ${enumerate(hosts)} ${hosts.length === 1 ? 'has' : 'have'} applied everything that is agreed on, and never reached the revision ${revision}${by}`,
      next: 'members were restored from different snapshots, or one alone: take a snapshot of each, decide which history is right, stop the others and replace them',
      hosts: own.map(({ host }) => host),
    };
  });
}

/** Only with --hashkv. Hashes of one revision can be compared where the members have compacted up to the same revision. */
export function findHashes(own: Answered[]): Finding[] {
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
