// Who belongs to the cluster, and who does not.
import { answered, type Case, CLUSTER, DOWN, listed, lists, NO_LIST } from '../scene.ts';

const LESS = {
  cluster: 'main',
  clusterId: CLUSTER,
  at: 'then',
  members: [1, 2].map((at) => ({ name: `m${at}`, id: listed(at).id, peerUrl: `https://10.0.0.${at}:2380` })),
  restored: { sha256: 'a'.repeat(64), generation: 1, former: ['c1'], without: ['m3'] },
};

export const MEMBERSHIP: Case[] = [
  {
    what: 'a member that no host is',
    spoiled: lists([listed(1), listed(2), listed(3), listed(4), listed(5)]),
    found: ['warning undeclared-member', 'warning undeclared-member'],
    sums: 'main serves: 5 voters, m4, m5 not asked: quorum 3, tolerance 0',
  },
  {
    what: 'a declared host that is no member',
    spoiled: { 1: { list: [listed(1), listed(2)] }, 2: { list: [listed(1), listed(2)] }, 3: DOWN },
    found: ['critical member-down', 'warning not-a-member', 'warning even-members'],
  },
  {
    what: 'a host that the restore of the cluster has left out: nobody waits for its member, or has it started',
    spoiled: {
      1: { list: [listed(1), listed(2)], ledger: LESS },
      2: { list: [listed(1), listed(2)], ledger: LESS },
      3: { member: { state: 'silent', said: 'deadline exceeded' }, list: undefined as never },
    },
    found: ['warning not-a-member', 'warning even-members'],
    says: /^m3 was left out when the cluster was restored, and is no member: etcd runs there all the same/,
  },
  {
    what: 'one that has come back as a new member',
    spoiled: { 1: { ledger: LESS }, 2: { ledger: LESS } },
    found: [],
  },
  {
    what: 'a voter that never started',
    spoiled: {
      1: { list: [listed(1), listed(2), listed(3, { name: '', started: false })] },
      2: { list: [listed(1), listed(2), listed(3, { name: '', started: false })] },
      3: { ...DOWN, data: { member: false } },
    },
    found: ['critical member-down', 'warning member-unstarted'],
    says: /yet it counts as a voter$/,
  },
  {
    what: 'a learner',
    spoiled: {
      1: { list: [listed(1), listed(2), listed(3), listed(4, { learner: true })] },
      2: { list: [listed(1), listed(2), listed(3), listed(4, { learner: true })] },
      3: { list: [listed(1), listed(2), listed(3), listed(4, { learner: true })] },
      4: { ...answered(4, { learner: true, raftAppliedIndex: 4000, revision: 4000 }), ...NO_LIST },
    },
    size: 4,
    found: ['note learner'],
    says: /^m4 is a learner: it copies, but has no vote \(1000 entries behind\)$/,
    sums: 'main serves: 3 voters, all healthy: quorum 2, tolerance 1',
  },
  {
    what: 'another peer URL than declared',
    spoiled: lists([listed(1), listed(2), listed(3, { peerUrls: ['https://10.9.9.9:2380'] })]),
    found: ['warning peer-url-differs'],
  },
  {
    what: 'an even number of voters',
    spoiled: {},
    size: 4,
    found: ['warning even-members'],
    says: /^4 voters tolerate the loss of 1, no more than 3 do/,
  },
  {
    what: 'a member far behind',
    spoiled: {
      1: answered(1, { raftIndex: 90_000, raftAppliedIndex: 90_000, revision: 80_000 }),
      2: answered(2, { raftIndex: 90_000, raftAppliedIndex: 90_000, revision: 80_000 }),
      3: answered(3, { raftIndex: 90_000, raftAppliedIndex: 60_000, revision: 60_000 }),
    },
    found: ['warning lagging'],
  },
];
