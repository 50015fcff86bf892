// Which member gives a snapshot, and when none may.
import { describe, expect, it } from 'vitest';
import { type AskedMember, chooseMember } from '../../../../src/etcd/snapshot/choose.ts';
import type { MemberStatus } from '../../../../src/etcd/status.ts';

function member(host: string, status?: Partial<MemberStatus>): AskedMember {
  if (status === undefined) return { host };
  const whole: MemberStatus = {
    endpoint: 'https://127.0.0.1:2379',
    healthy: true,
    leader: false,
    memberId: host,
    clusterId: 'cdf8',
    version: '3.5.16',
    learner: false,
    dbSize: 1,
    dbSizeInUse: 1,
    revision: 10,
    raftTerm: 2,
    raftIndex: 100_000,
    raftAppliedIndex: 100_000,
    errors: [],
  };
  return { host, status: { ...whole, ...status } };
}

describe('the snapshot is given by', () => {
  it.each<[string, AskedMember[], string]>([
    ['a follower rather than the leader', [member('m1', { leader: true }), member('m2', {}), member('m3', {})], 'm2'],
    ['the leader where it is alone', [member('m1', { leader: true }), member('m2'), member('m3')], 'm1'],
    [
      'the leader rather than a follower far behind',
      [member('m1', { leader: true }), member('m2', { raftAppliedIndex: 90_000 })],
      'm1',
    ],
    [
      'a follower that is a little behind',
      [member('m1', { leader: true }), member('m2', { raftAppliedIndex: 99_990 })],
      'm2',
    ],
    ['never a learner', [member('m1', { leader: true }), member('m2', { learner: true })], 'm1'],
    ['never one that knows no leader', [member('m1', { healthy: false }), member('m2', { leader: true })], 'm2'],
    ['one of a full database too', [member('m1', { errors: ['memberID:1 alarm:NOSPACE '] })], 'm1'],
  ])('%s', (_, asked, host) => expect(chooseMember(asked)).toMatchObject({ ok: true, host }));
});

describe('it is refused', () => {
  it.each<[string, AskedMember[], 'quorum' | 'guard', RegExp]>([
    ['where nobody answers', [member('m1'), member('m2')], 'quorum', /^no quorum: of 2 members 0 answer/],
    [
      'where nobody knows a leader',
      [member('m1', { healthy: false }), member('m2')],
      'quorum',
      /of 2 members 1 answer/,
    ],
    ['where only a learner serves', [member('m1', { learner: true })], 'quorum', /no quorum/],
    [
      'where the members are of two clusters, healthy or not',
      [member('m1', { leader: true }), member('m2', { clusterId: 'beef', healthy: false })],
      'guard',
      /not of one cluster, by their ids: m1 cdf8, m2 beef/,
    ],
    [
      'where etcd has seen the data differ',
      [member('m1', { leader: true, errors: ['memberID:7 alarm:CORRUPT '] }), member('m2', {})],
      'guard',
      /alarm CORRUPT \(m1\)/,
    ],
  ])('%s', (_, asked, reason, message) =>
    expect(chooseMember(asked)).toEqual({
      ok: false,
      reason,
      message: expect.stringMatching(message),
      next: expect.stringMatching(/\S/),
    }),
  );
});
