import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { Beginning } from '../../../src/etcd/beginning/situation.ts';
import {
  checkDisruption,
  quorumOf,
  rollOrder,
  serves,
  tellLost,
  tellVoters,
  toleranceOf,
} from '../../../src/etcd/quorum.ts';
import type { ClusterView, MemberView } from '../../../src/modules/module.ts';

/** `L` the leader, `u` healthy, `d` down, `n` a healthy learner. */
function viewOf(members: string): ClusterView {
  return {
    name: 'main',
    members: [...members].map(
      (letter, n): MemberView => ({
        host: `m${n + 1}`,
        reachable: letter !== 'd',
        healthy: letter !== 'd',
        leader: letter === 'L',
        ...(letter === 'n' ? { learner: true } : {}),
      }),
    ),
  };
}

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [7, 4],
])('%i voters need %i', (voters, quorum) => {
  expect(quorumOf(voters)).toBe(quorum);
});

test('two majorities of the same voters always share one, and no smaller number would do', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), (voters) => {
      expect(2 * quorumOf(voters)).toBeGreaterThan(voters);
      expect(2 * (quorumOf(voters) - 1)).toBeLessThanOrEqual(voters);
    }),
  );
});

test.each([
  ['', false],
  ['L', true],
  ['Luu', true],
  ['Lud', true],
  ['Ldd', false],
  ['ddd', false],
  ['Ludd', false],
  ['Ludn', true],
  ['Ldn', false],
])('%s serves: %s', (members, expected) => {
  expect(serves(viewOf(members))).toBe(expected);
});

test('the roll takes unhealthy members, then followers, then the leader, each as they come', () => {
  expect(rollOrder(viewOf('uLdud').members).map((member) => member.host)).toEqual(['m3', 'm5', 'm1', 'm4', 'm2']);
});

test.each([
  ['Luu', 'm1', undefined],
  ['Luu', 'm3', undefined],
  ['Lud', 'm3', undefined],
  ['ddd', 'm1', undefined],
  ['Luun', 'm4', undefined],
  ['Lun', 'm3', undefined],
  ['Luu', 'elsewhere', undefined],
  ['Lud', 'm1', '3 voters, m3 down: tolerance 0 before, −1 after'],
  ['Ldu', 'm3', '3 voters, m2 down: tolerance 0 before, −1 after'],
  ['Ldd', 'm1', '3 voters, m2, m3 down: tolerance −1 before, −2 after'],
  ['Lu', 'm2', '2 voters, all healthy: tolerance 0 before, −1 after'],
  ['L', 'm1', '1 voter, all healthy: tolerance 0 before, −1 after'],
  ['Luuud', 'm2', undefined],
  ['Luudd', 'm2', '5 voters, m4, m5 down: tolerance 0 before, −1 after'],
  ['Luud', 'm1', '4 voters, m4 down: tolerance 0 before, −1 after'],
])('%s, interrupting %s: %s', (members, host, arithmetic) => {
  const refusal = checkDisruption(viewOf(members), host);
  if (arithmetic === undefined) expect(refusal).toBeUndefined();
  else expect(refusal!.refused).toBe(`interrupting ${host} would break the quorum of cluster main: ${arithmetic}`);
});

describe('what is left of a lost quorum', () => {
  const known: Beginning = { kind: 'known', ledger: { cluster: 'main', clusterId: 'c', members: [], at: '' } };
  const AWAY = { reachable: false, healthy: false, leader: false };
  const survivor = { host: 'm1', reachable: true, healthy: false, leader: false, memberId: '1' };
  const left = {
    name: 'main',
    members: [survivor, { host: 'm2', ...AWAY }, { host: 'm3', ...AWAY }],
    beginning: known,
  };

  it('is not interrupted, with the arithmetic', () => {
    expect(checkDisruption(left, 'm1')!.refused).toBe(
      'interrupting m1 cannot help: cluster main has no quorum: 3 voters, without m2, m3: tolerance −1; its data may be the newest that is left',
    );
  });

  it('may be started where it does not run, and interrupted where the others can still be started', () => {
    const { memberId: _, ...stopped } = survivor;
    expect(checkDisruption({ ...left, members: [stopped, ...left.members.slice(1)] }, 'm1')).toBeUndefined();
    const within = left.members.map((member) => ({ ...member, reachable: true }));
    expect(checkDisruption({ ...left, members: within }, 'm1')).toBeUndefined();
  });

  it('counts members that may not be started as lost', () => {
    const wiped = { ...AWAY, reachable: true, refusal: { refused: 'no data', next: 'x' } };
    const members = [survivor, { host: 'm2', ...wiped }, { host: 'm3', ...wiped }];
    expect(tellLost({ ...left, members })).toBe('cluster main has no quorum: 3 voters, without m2, m3: tolerance −1');
  });

  it('is certain only where a member says so: hosts out of reach may serve all the same', () => {
    const unseen = 'cluster main cannot be seen to have a quorum: 3 voters, without m2, m3: tolerance −1';
    const following = { ...survivor, healthy: true };
    expect(tellLost({ ...left, members: [following, ...left.members.slice(1)] })).toBe(unseen);
    const away = left.members.map(({ host }) => ({ host, ...AWAY }));
    expect(tellLost({ ...left, members: away })).toMatch(
      /^cluster main cannot be seen to have a quorum: 3 voters, without/,
    );
  });

  it('is told, as is a member that is missing from one that has a quorum; of one that is being founded nothing is', () => {
    expect(tellVoters(left)).toBe('cluster main has no quorum: 3 voters, without m2, m3: tolerance −1');
    expect(tellVoters({ ...viewOf('Lud'), beginning: known })).toBe(
      'cluster main: 2 of 3 voters serve, m3 cannot be reached: tolerance 0',
    );
    const stopped = viewOf('Lud').members.map((member) => ({ ...member, reachable: true }));
    expect(tellVoters({ name: 'main', members: stopped, beginning: known })).toBe(
      'cluster main: 2 of 3 voters serve, m3 does not: tolerance 0',
    );
    expect(tellVoters({ ...viewOf('Luu'), beginning: known })).toBeUndefined();
    expect(tellVoters({ ...viewOf('Lud'), beginning: { kind: 'resume', token: 't' } })).toBeUndefined();
  });
});

test('a refusal says what to do next', () => {
  expect(checkDisruption(viewOf('Lud'), 'm1')!.next).toBe('bring back or replace m3 first, then run again');
  expect(checkDisruption(viewOf('Lu'), 'm1')!.next).toBe(
    'a cluster of 2 cannot spare one: add members first, or agree that it stops for the moment of a restart (etcd_allow_outage: true in its pillar)',
  );
});

test.each([
  ['L', true],
  ['Lu', true],
  ['Ld', false],
  ['Lud', false],
])('where that is agreed to, %s may stop for a restart: %s', (members, may) => {
  expect(checkDisruption({ ...viewOf(members), mayStop: true }, 'm1') === undefined).toBe(may);
});

test('an interruption is refused exactly when it takes a healthy voter and leaves fewer than n/2+1', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('u', 'd', 'n', 'L'), minLength: 1, maxLength: 9 }),
      fc.nat(8),
      (members, at) => {
        const given = viewOf(members);
        const host = given.members[at % given.members.length]!;
        const voters = given.members.filter((member) => !member.learner);
        const healthy = voters.filter((member) => member.healthy).length;
        const takes = host.healthy && !host.learner;
        const refused = takes && healthy - 1 < Math.floor(voters.length / 2) + 1;
        expect(checkDisruption(given, host.host) !== undefined).toBe(refused);
        expect(toleranceOf(voters.length, healthy) >= 0 && voters.length > 0).toBe(serves(given));
      },
    ),
  );
});
