// Every finding from a table: what is different from a healthy cluster of three, and what is said about it.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judge } from '../../../../src/etcd/diagnosis/diagnose.ts';
import { FINDING_KINDS, type FindingKind } from '../../../../src/etcd/diagnosis/finding.ts';
import type { SeenHost } from '../../../../src/etcd/diagnosis/seen.ts';
import { summarize } from '../../../../src/report/status.ts';
import {
  CLUSTER,
  certificate,
  DOWN,
  kinds,
  leaderless,
  listed,
  look,
  type Spoiled,
  status,
  unreachable,
} from './scene.ts';

const answered = (at: number, more: Parameters<typeof status>[1]): Partial<SeenHost> => ({
  member: { state: 'answered', status: status(at, more) },
});
const lists = (list: SeenHost['list']): Spoiled => ({ 1: { list: list! }, 2: { list: list! }, 3: { list: list! } });
const SILENT: Partial<SeenHost> = { member: { state: 'silent', said: 'context deadline exceeded' } };
const NO_LIST = { list: undefined } as unknown as Partial<SeenHost>;
const LEDGER = { cluster: 'main', clusterId: 'beef', members: [], at: '' };

interface Case {
  what: string;
  spoiled: Spoiled;
  size?: number;
  found: string[];
  says?: RegExp;
  sums?: string;
}

const CASES: Case[] = [
  { what: 'all is well', spoiled: {}, found: [], sums: 'main serves: 3 voters, all healthy: quorum 2, tolerance 1' },

  // Service
  {
    what: 'one of three is down',
    spoiled: { 2: DOWN },
    found: ['critical member-down'],
    says: /m2's etcd does not run: etcd.service is failed \(failed, last result exit-code\), nothing listens on port 2379/,
    sums: 'main serves: 3 voters, m2 down: quorum 2, tolerance 0',
  },
  {
    what: 'one of five is down, and one more may go',
    spoiled: { 2: DOWN },
    size: 5,
    found: ['warning member-down'],
    sums: 'main serves: 5 voters, m2 down: quorum 3, tolerance 1',
  },
  {
    what: 'a host out of reach may serve all the same',
    spoiled: { 2: unreachable(2) },
    found: ['warning host-unreachable'],
    sums: 'main serves: 3 voters, m2 not asked: quorum 2, tolerance 0',
  },
  {
    what: 'one answers and knows a leader: then a quorum serves, whoever could not be asked',
    spoiled: { 1: unreachable(1), 2: unreachable(2) },
    found: ['warning host-unreachable', 'warning host-unreachable'],
    sums: 'main serves: 3 voters, m1, m2 not asked: quorum 2, tolerance not known',
  },
  {
    what: 'two of three are down',
    spoiled: { 1: DOWN, 2: DOWN, 3: leaderless(3) },
    found: ['critical no-quorum', 'critical member-down', 'critical member-down'],
    says: /^no quorum: 1 of 3 voters answers, 2 are needed \(missing: m1, m2\)$/,
    sums: 'main DOES NOT SERVE: 3 voters, m1, m2 down, m3 without a leader: quorum 2, 0 seen to serve',
  },
  {
    what: 'two of three are out of reach, and the third knows no leader',
    spoiled: { 1: unreachable(1), 2: unreachable(2), 3: leaderless(3) },
    found: ['critical no-quorum', 'warning host-unreachable', 'warning host-unreachable'],
    says: /^no quorum in sight: m3 knows of no leader, and only m1, m2, which could not be asked, could still make a quorum of 2$/,
    sums: 'main may not serve: 3 voters, m1, m2 not asked, m3 without a leader: quorum 2, 0 seen to serve',
  },
  {
    what: 'nobody can be asked',
    spoiled: { 1: unreachable(1), 2: unreachable(2), 3: unreachable(3) },
    found: ['critical nothing-known', ...Array(3).fill('warning host-unreachable')],
  },
  {
    what: 'all are down',
    spoiled: { 1: DOWN, 2: DOWN, 3: DOWN },
    found: ['critical no-quorum', ...Array(3).fill('critical member-down')],
    says: /^no quorum: 0 of 3 voters answer, 2 are needed \(missing: m1, m2, m3\)$/,
  },
  {
    what: 'all answer, and there is no leader',
    spoiled: { 1: leaderless(1), 2: leaderless(2), 3: leaderless(3) },
    found: ['critical no-leader'],
    says: /^no leader: m1, m2, m3 answer, enough for a quorum of 2/,
  },
  {
    what: 'nothing was ever founded there',
    spoiled: Object.fromEntries(
      [1, 2, 3].map((at) => [
        at,
        {
          ...DOWN,
          data: { member: false },
          certificates: [{ file: '/p/ca.crt', state: 'missing' }],
        } as Partial<SeenHost>,
      ]),
    ),
    found: ['warning not-founded'],
  },
  {
    what: 'a process is stopped',
    spoiled: { 2: { ...SILENT, ...NO_LIST, processes: [{ pid: 77, state: 'T' }] } },
    found: ['critical member-silent'],
    says: /^m2's etcd is stopped in the middle of its work/,
  },
  {
    what: 'etcd listens and does not answer, with what etcdctl said',
    spoiled: { 2: { ...SILENT, ...NO_LIST } },
    found: ['critical member-silent'],
    says: /listens but does not answer: context deadline exceeded/,
  },
  {
    what: 'the program on a host did not come to its end',
    spoiled: {
      2: {
        certificates: undefined,
        data: undefined,
        failure: { reason: 'timeout', host: 'm2', resource: 'data', message: 'the program has not ended within 15 s' },
      } as unknown as Partial<SeenHost>,
    },
    found: ['warning host-hangs'],
    says: /^m2 did not answer to the end: the program has not ended within 15 s \(at: data\)$/,
  },
  {
    what: 'there is no etcdctl',
    spoiled: { 2: { member: { state: 'unasked', missing: 'etcdctl', kind: 'etcdctl' }, ...NO_LIST } },
    found: ['warning not-askable'],
    says: /^m2's etcd could not be asked: there is no etcdctl, though etcd runs$/,
  },
  {
    what: 'a known member has no data',
    spoiled: { 2: { ...DOWN, data: { member: false } } },
    found: ['critical data-missing'],
    says: /^m2 is a known member, but \/var\/lib\/etcd has no data of it$/,
  },
  {
    what: 'a manifest was moved aside',
    spoiled: {
      2: { ...DOWN, runtime: { kind: 'static_pod', manifest: '/m/etcd.yaml', present: false, kubelet: 'active' } },
    },
    found: ['critical member-down'],
    says: /its manifest \/m\/etcd.yaml is not there \(moved aside\?\)/,
  },

  // Histories
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

  // Alarms
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

  // Membership
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

  // Endings
  {
    what: 'a certificate that has ended',
    spoiled: { 1: { certificates: [certificate('server', -3.5)] } },
    found: ['critical certificate-expired'],
    says: /^certificates have expired, and connections that need them are refused: m1 server.crt \(3 d ago\)$/,
  },
  {
    what: 'a certificate that ends soon',
    spoiled: { 1: { certificates: [certificate('server', 9.5)] } },
    found: ['warning certificate-expiring'],
    says: /^certificates expire soon: m1 server.crt \(in 9 d\)$/,
  },
  {
    what: 'certificates that end together are told together',
    spoiled: Object.fromEntries(
      [1, 2].map((at) => [at, { certificates: [certificate('server', 9.5), certificate('peer', 9.5)] }]),
    ),
    found: ['warning certificate-expiring'],
    says: /: m1 server.crt \(in 9 d\), peer.crt \(in 9 d\); m2 server.crt \(in 9 d\), peer.crt \(in 9 d\)$/,
  },
  {
    what: 'a certificate of the future',
    spoiled: { 1: { certificates: [certificate('server', 500, 100)] } },
    found: ['critical certificate-not-yet-valid'],
  },
  {
    what: 'a certificate that is not there, and one that is none',
    spoiled: {
      1: {
        certificates: [
          { file: '/p/peer.crt', state: 'missing' },
          { file: '/p/ca.crt', state: 'unreadable' },
        ],
      },
    },
    found: ['warning certificate-missing'],
    says: /: m1 peer.crt missing, ca.crt unreadable$/,
  },
  {
    what: 'a database near its quota',
    spoiled: { 1: answered(1, { dbSize: 1.8 * 1024 ** 3, dbSizeInUse: 1024 ** 3 }) },
    found: ['warning database-full'],
    says: /fills 90% of its quota: 1.8 GiB of 2.0 GiB, of which a defragmentation would give back 819 MiB/,
  },
  {
    what: 'a database at its quota',
    spoiled: { 1: answered(1, { dbSize: 1.95 * 1024 ** 3, dbSizeInUse: 1.9 * 1024 ** 3 }) },
    found: ['critical database-full'],
  },
  {
    what: 'a disk with little room',
    spoiled: { 1: { data: { member: true, free: 1024 ** 3 } } },
    found: ['warning disk-full'],
  },
  {
    what: 'clocks that run apart',
    spoiled: { 1: { clock: { offset: -1500, uncertainty: 20 } } },
    found: ['warning clock-skew'],
    says: /^the clocks are 1.5 s apart: m1 −1.5 s, m2 \+0.0 s, m3 \+0.0 s/,
  },
  {
    what: 'clocks whose difference may be that of asking',
    spoiled: { 1: { clock: { offset: -1500, uncertainty: 700 } } },
    found: [],
  },
  {
    what: 'a version that loses data',
    spoiled: { 1: answered(1, { version: '3.5.1' }) },
    found: ['critical version-deny-listed', 'warning versions-mixed'],
    says: /^etcd 3.5.1 \(m1\) is deny-listed for /,
  },
  {
    what: 'a version with a known fault',
    spoiled: Object.fromEntries([1, 2, 3].map((at) => [at, answered(at, { version: '3.5.16' })])),
    found: ['warning version-deny-listed'],
  },
  {
    what: 'an upgrade half done',
    spoiled: { 1: answered(1, { version: '3.4.34' }) },
    found: ['warning versions-mixed'],
    says: /^the members run different versions: m1 3.4.34; m2, m3 3.5.30$/,
  },
];

describe('what is found', () => {
  test.each(CASES)('$what', ({ spoiled, size, found, says, sums }) => {
    const diagnosis = look(spoiled, size);
    expect(kinds(diagnosis)).toEqual(found);
    if (says) expect(diagnosis.findings.map(({ message }) => message)).toContainEqual(expect.stringMatching(says));
    if (sums) expect(summarize(diagnosis.standings)).toBe(sums);
    for (const { message, next } of diagnosis.findings) expect([message, next].join()).not.toMatch(/undefined|\.$|NaN/);
  });

  test('every kind of finding is in the table', () => {
    const told = new Set(CASES.flatMap(({ found }) => found.map((text) => text.split(' ')[1] as FindingKind)));
    expect(FINDING_KINDS.filter((kind) => !told.has(kind))).toEqual([]);
  });

  test('docs/status.md says for each kind how to read it, in the same order', () => {
    const page = readFileSync(new URL('../../../../docs/status.md', import.meta.url), 'utf8');
    expect([...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, kind]) => kind)).toEqual([...FINDING_KINDS]);
  });
});

test('the cluster that goes on is the one with most members that serve, not the one that was asked first', () => {
  const alone = {
    ...answered(1, { clusterId: 'beef', memberId: 'f00', leader: true, leaderId: 'f00', revision: 99_999 }),
    list: [listed(1, { id: 'f00' })],
  };
  const others = { leaderId: '91bc3c398fb3c146' };
  const { standings } = look({ 1: alone, 2: answered(2, { ...others, leader: true }), 3: answered(3, others) });
  expect(standings).toMatchObject({ clusterId: CLUSTER, voters: 3, healthy: 2 });
  expect(standings.members.map(({ state, leader }) => `${state} ${leader}`)).toEqual([
    'foreign false',
    'serving true',
    'serving false',
  ]);
});

test('the verdict is what scripts go by', () => {
  expect(judge(look().findings)).toBe('healthy');
  expect(judge(look({ 2: unreachable(2) }).findings)).toBe('unreachable');
  expect(judge(look({ 1: unreachable(1), 2: unreachable(2), 3: unreachable(3) }).findings)).toBe('unreachable');
  expect(judge(look({ 2: DOWN, 3: unreachable(3) }).findings)).toBe('critical');
  expect(judge(look({}, 4).findings)).toBe('warning');
});

test('whatever hosts say or do not say, the arithmetic holds and nothing throws', () => {
  const states = fc.constantFrom('well', 'down', 'unreachable', 'leaderless', 'silent');
  const spoil = (state: string, at: number): Partial<SeenHost> => {
    if (state === 'down') return DOWN;
    if (state === 'unreachable') return unreachable(at);
    if (state === 'leaderless') return leaderless(at);
    return state === 'silent' ? { ...SILENT, ...NO_LIST } : {};
  };
  fc.assert(
    fc.property(fc.array(states, { minLength: 1, maxLength: 5 }), (all) => {
      const spoiled = Object.fromEntries(all.map((state, index) => [index + 1, spoil(state, index + 1)]));
      const { standings, findings } = look(spoiled, all.length);
      const well = all.filter((state) => state === 'well').length;
      expect(standings).toMatchObject({ voters: all.length, healthy: well });
      expect(standings.serves === 'yes').toBe(well > 0);
      expect(findings.some(({ kind }) => ['no-quorum', 'no-leader', 'nothing-known'].includes(kind))).toBe(well === 0);
    }),
  );
});
