// Who may be taken away: with a quorum left, or all; never so many that the rest has none.
import { expect, test } from 'vitest';
import { etcdMayStop } from '../../../../src/modules/etcd/may_stop.ts';
import type { ClusterView } from '../../../../src/modules/module.ts';

/** `+` serves, `-` does not; a capital T: in the target. */
function view(...members: string[]): ClusterView {
  return {
    name: 'main',
    members: members.map((text, n) => ({
      host: `m${n + 1}`,
      reachable: true,
      healthy: text.includes('+'),
      leader: n === 0,
      ...(text.includes('T') ? { target: true as const } : {}),
      ...(text.includes('L') ? { learner: true } : {}),
    })),
  };
}
const STOPS = 'nobody: cluster main stops, and keeps its data';

test.each([
  ['one of three', ['+T', '+', '+'], 'm2, m3, a quorum of 3'],
  ['two of three', ['+T', '+T', '+'], 'of 3 voters m3 would be left, and 2 have to be'],
  ['all of three', ['+T', '+T', '+T'], STOPS],
  ['all of one', ['+T'], STOPS],
  ['one of two', ['+T', '+'], 'of 2 voters m2 would be left, and 2 have to be'],
  ['one of three, another one down', ['+T', '-', '+'], 'of 3 voters m3 would be left, and 2 have to be'],
  ['the one that is down', ['+', '-T', '+'], 'nothing'],
  ['all, one of them down', ['+T', '-T', '+T'], STOPS],
  ['what is left of a lost quorum', ['+T', '-', '-'], 'nothing'],
  ['a learner', ['+', '+', '+', '+TL'], 'nothing'],
  ['two of five', ['+T', '+T', '+', '+', '+'], 'm3, m4, m5, a quorum of 5'],
] as const)('%s', (_case, members, expected) => {
  const said = etcdMayStop.diff({}, 'asked', view(...members));
  const told = !Array.isArray(said) ? said.refused : said.length === 0 ? 'nothing' : String(said[0]!.after);
  expect(told).toContain(expected);
});

test('a host in no cluster has no member to end', () => {
  expect(etcdMayStop.diff({}, 'asked', undefined)).toEqual([]);
});
