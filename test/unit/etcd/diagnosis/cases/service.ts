// Who serves, and who is missing.
import type { SeenHost } from '../../../../../src/etcd/diagnosis/seen.ts';
import { type Case, DOWN, leaderless, NO_LIST, SILENT, unreachable } from '../scene.ts';

export const SERVICE: Case[] = [
  {
    what: 'a restore that was interrupted when all was stopped',
    spoiled: {
      1: { ...DOWN, restores: ['r1'] },
      2: { ...DOWN, restores: ['r1'] },
      3: { ...DOWN, restores: ['r1'] },
    },
    found: [
      'critical restore-unfinished',
      'critical no-quorum',
      'critical member-down',
      'critical member-down',
      'critical member-down',
    ],
    says: /^the restore r1 was begun on m1, m2, m3 and is not at its end: it runs, or was interrupted$/,
  },
  {
    what: 'a restore that nobody has gone on with, while the cluster serves',
    spoiled: { 2: { restores: ['r1'] } },
    found: ['warning restore-unfinished'],
    says: /^the restore r1 was begun on m2 and/,
  },
  { what: 'all is well', spoiled: {}, found: [], sums: 'main serves: 3 voters, all healthy: quorum 2, tolerance 1' },

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
];
