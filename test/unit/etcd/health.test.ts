import { expect, test } from 'vitest';
import { findTrouble, whyUnhealthy } from '../../../src/etcd/health.ts';
import type { ClusterView, MemberView } from '../../../src/modules/module.ts';

function view(...members: Partial<MemberView>[]): ClusterView {
  return {
    name: 'main',
    members: members.map((member, n) => ({
      host: `m${n + 1}`,
      reachable: true,
      healthy: true,
      leader: n === 0,
      clusterId: 'c1',
      ...member,
    })),
  };
}

test('three that serve as one are well', () => {
  expect(whyUnhealthy(view({}, {}, {}), 'all')).toBeUndefined();
});

test('one away is too many for all, and not for a quorum', () => {
  const one = view({}, { healthy: false }, {});
  expect(whyUnhealthy(one, 'all')).toBe('2 of 3 members serve (not: m2)');
  expect(whyUnhealthy(one, 'quorum')).toBeUndefined();
  expect(whyUnhealthy(view({}, { healthy: false }, { healthy: false }), 'quorum')).toContain('(not: m2, m3)');
});

test('an alarm is told in words, with what to do', () => {
  const trouble = findTrouble(view({ alarms: ['memberID:1 alarm:NOSPACE '] }, {}, {}));
  expect(trouble?.refused).toContain('alarm:NOSPACE');
  expect(trouble?.next).toContain('defragment');
  expect(findTrouble(view({}, {}, { alarms: ['memberID:1 alarm:CORRUPT '] }))?.next).toContain('hashkv');
});

test('two cluster ids are a split brain, however well each serves', () => {
  expect(whyUnhealthy(view({}, {}, { clusterId: 'c2' }), 'quorum')).toMatch(/^split brain: m1 .* m3 of c2/);
});
