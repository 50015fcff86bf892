// Members that do not tell one history, and alarms that say so.
import { answered, type Case, LEDGER, leaderless, listed } from '../scene.ts';

export const HISTORIES: Case[] = [
  {
    what: 'a member is in a cluster of its own',
    spoiled: {
      3: {
        ...answered(3, { clusterId: 'beef', memberId: 'f00', leader: true, leaderId: 'f00', revision: 1, raftTerm: 2 }),
        list: [listed(3, { id: 'f00' })],
      },
    },
    found: ['critical different-clusters'],
    says: /^split-brain, 2 clusters where one is declared: m1, m2 in cluster cdf818194e3a8c32 \(revision 4711, takes writes\); m3 in cluster beef \(revision 1, takes writes\)$/,
    sums: 'main serves: 3 voters, m3 in another cluster: quorum 2, tolerance 0',
  },
  {
    what: 'two leaders of one term',
    spoiled: { 3: answered(3, { leader: true, leaderId: 'fd422379fda50e48' }) },
    found: ['critical two-leaders'],
  },
  {
    what: 'two leaders of different terms, for a moment',
    spoiled: { 3: answered(3, { leader: true, leaderId: 'fd422379fda50e48', raftTerm: 6 }) },
    found: ['warning two-leaders'],
  },
  {
    what: 'a revision that no log of that length leads to',
    spoiled: { 3: answered(3, { revision: 900_000_000 }) },
    found: ['critical histories-differ'],
    says: /^split-brain under one cluster id: m1 has revision 4711 at index 5000, m3 has revision 900000000 at index 5000/,
  },
  {
    what: 'a longer log with a lower revision',
    spoiled: { 3: answered(3, { revision: 12, raftIndex: 5600, raftAppliedIndex: 5600 }) },
    found: ['critical histories-differ'],
  },
  {
    what: 'a small difference can be the moment of asking',
    spoiled: { 3: answered(3, { revision: 4700 }) },
    found: ['warning histories-differ'],
  },
  {
    what: 'revisions that fit: a follower a little behind',
    spoiled: { 3: answered(3, { revision: 4702, raftIndex: 4991, raftAppliedIndex: 4990 }) },
    found: [],
  },
  {
    what: 'two that were started empty under the old id, and the one that remembers',
    spoiled: {
      1: answered(1, { revision: 2, raftIndex: 9, raftAppliedIndex: 9, raftTerm: 2 }),
      2: answered(2, { revision: 2, raftIndex: 9, raftAppliedIndex: 9, raftTerm: 2 }),
      3: leaderless(3),
    },
    found: ['critical histories-differ'],
    says: /^split-brain under one cluster id: m3 has applied 5000 entries \(revision 4711\), more than the 9 that the leader m1 has/,
  },
  {
    what: 'one without a leader that is a little ahead: an election may be under way',
    spoiled: { 3: leaderless(3, { raftIndex: 5002, raftAppliedIndex: 5002 }) },
    found: ['warning histories-differ'],
  },
  {
    what: 'data that differs',
    spoiled: {
      1: { hash: { revision: 4711, compactRevision: 1, hash: 1 } },
      2: { hash: { revision: 4711, compactRevision: 1, hash: 1 } },
      3: { hash: { revision: 4711, compactRevision: 1, hash: 2 } },
    },
    found: ['critical hashes-differ'],
    says: /m1, m2 1; m3 2$/,
  },
  {
    what: 'members that have everything and never reached a revision that another has (incident 1)',
    spoiled: {
      1: { lacks: 4711 },
      2: { lacks: 4711 },
      3: { hash: { revision: 4711, compactRevision: 1, hash: 2 } },
    },
    found: ['critical histories-differ'],
    says: /^split-brain under one cluster id: m1, m2 have applied everything that is agreed on, and never reached the revision 4711 that m3 has$/,
  },
  {
    what: 'hashes after different compactions say nothing',
    spoiled: {
      1: { hash: { revision: 4711, compactRevision: 1, hash: 1 } },
      3: { hash: { revision: 4711, compactRevision: 9, hash: 2 } },
    },
    found: [],
  },
  {
    what: 'members that disagree on who belongs to them',
    spoiled: { 3: { list: [listed(1), listed(3)] } },
    found: ['warning lists-differ'],
  },
  {
    what: 'a host whose ledger names another cluster',
    spoiled: { 3: { ledger: LEDGER } },
    found: ['critical ledger-differs'],
  },
  { what: 'a ledger that cannot be read', spoiled: { 3: { ledger: 'damaged' } }, found: ['warning ledger-damaged'] },

  {
    what: 'NOSPACE',
    spoiled: { 1: answered(1, { errors: ['memberID:10501334649042878790 alarm:NOSPACE '] }) },
    found: ['critical alarm-nospace'],
    says: /^alarm NOSPACE of m2:/,
  },
  {
    what: 'CORRUPT',
    spoiled: { 1: answered(1, { errors: ['memberID:10501334649042878790 alarm:CORRUPT '] }) },
    found: ['critical alarm-corrupt'],
  },
  {
    what: 'an alarm that nobody knows yet',
    spoiled: { 1: answered(1, { errors: ['memberID:10501334649042878790 alarm:MELTING '] }) },
    found: ['critical alarm'],
  },
];
