// Does it serve, and who is missing?
import { findAbsence } from './absence.ts';
import { enumerate, type Finding, plural } from './finding.ts';
import { isLeftOut, type Standing, type Standings } from './standing.ts';

export function findService(standings: Standings): Finding[] {
  // Of a host that a restore has left out nobody waits for its member.
  const awaited = standings.members.filter((member) => !isLeftOut(member, standings));
  return [...findQuorum(standings), ...awaited.flatMap((member) => findAbsence(member, standings))];
}

/** A host's own name, or what the member list calls a member that no declared host has. */
export function nameOf({ host, listed }: Standing): string {
  return host ?? (listed?.name || 'unnamed');
}

/** Every host answered, and none has ever had a member. */
export function isBare({ members }: Standings): boolean {
  return members.every(({ seen, state }) => {
    if (!seen || seen.failure || seen.ledger !== undefined || seen.processes?.length) return false;
    return state === 'down' && seen.data?.member === false;
  });
}

export function describeBare({ members }: Standings): Finding {
  return {
    kind: 'not-founded',
    severity: 'warning',
    message: 'no etcd was ever founded on these hosts: there is no data, no process and no ledger',
    next: 'if that is what you expect: quorate apply kubernetes.running; else check that the inventory and etcd_data_dir name the right place',
    hosts: members.flatMap(({ host }) => host ?? []),
  };
}

function findQuorum(standings: Standings): Finding[] {
  const { members, voters, quorum, serves } = standings;
  if (serves === 'yes') return [];
  const named = (...states: Standing['state'][]) =>
    members.filter(({ voter, state }) => voter && states.includes(state)).map(nameOf);
  const hosts = members.flatMap(({ host }) => host ?? []);
  const leaderless = named('leaderless');
  const unasked = named('unknown', 'silent');
  if (leaderless.length >= quorum) {
    return [
      {
        kind: 'no-leader',
        severity: 'critical',
        message: `no leader: ${enumerate(leaderless)} answer, enough for a quorum of ${quorum}, but know of no leader, so nothing is written or read`,
        next: 'an election takes seconds: look again; if it stays so, the members cannot hear each other: check the peer ports, the peer certificates and the clocks',
        hosts,
      },
    ];
  }
  if (serves === 'no') {
    const gone = members
      .filter(({ voter, state }) => voter && state !== 'serving' && state !== 'leaderless')
      .map(nameOf);
    return [
      {
        kind: 'no-quorum',
        severity: 'critical',
        message: `no quorum: ${leaderless.length} of ${plural(voters, 'voter')} ${leaderless.length === 1 ? 'answers' : 'answer'}, ${quorum} are needed (missing: ${enumerate(gone)})`,
        next: `bring ${quorum - leaderless.length} of ${enumerate(gone)} back with the data they have; never start one of them empty, and restore from a snapshot only when that cannot be done`,
        hosts,
      },
    ];
  }
  if (leaderless.length > 0) {
    return [
      {
        kind: 'no-quorum',
        severity: 'critical',
        message: `no quorum in sight: ${enumerate(leaderless)} ${leaderless.length === 1 ? 'knows' : 'know'} of no leader, and only ${enumerate(unasked)}, which could not be asked, could still make a quorum of ${quorum}`,
        next: `reach ${enumerate(unasked)} first (console, power, network): whether a quorum is there decides everything else`,
        hosts,
      },
    ];
  }
  return [
    {
      kind: 'nothing-known',
      severity: 'critical',
      message: `whether the cluster serves is not known: no member could be asked`,
      next: 'check the network between here and the hosts, then the hosts themselves; what is said below of each is why',
      hosts,
    },
  ];
}
