// Going on with a restore: never with one that is at its end, and never back over the point of no return.
import { expect, it, test } from 'vitest';
import { leftOf, refuseEnded } from '../../../../src/engine/restore/go-on.ts';
import { readProcedure } from '../../../../src/procedures/read.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const known = (...ends: ('done' | 'undone' | undefined)[]) =>
  new Map(ends.map((end, at) => [HOSTS[at]!, { released: true, ...(end ? { end } : {}) }]));

test.each([
  ['is done everywhere', known('done', 'done', 'done'), /^the restore r1 is at its end/],
  ['has been taken back on one host', known('undone', undefined, undefined), /^the restore r1 has been taken back/],
])('one that %s is refused: it would stop what serves now', (_what, hosts, message) => {
  const refusal = refuseEnded('r1', HOSTS, hosts);
  expect([refusal?.reason, refusal?.message, refusal?.next]).toEqual([
    'guard',
    expect.stringMatching(message),
    expect.any(String),
  ]);
});

it('goes on with one whose end only some hosts have written down', () => {
  expect(refuseEnded('r1', HOSTS, known('done', 'done', undefined))).toBeUndefined();
  expect(refuseEnded('r1', HOSTS, known('done', 'done'))).toBeUndefined();
});

it('does not count keys again once API servers may have written', async () => {
  const read = await readProcedure(`${import.meta.dirname}/../../../../states`, 'restore');
  if (!read.ok) throw new Error(read.failures[0]!.message);
  const states = (released: boolean) => leftOf(read.value, released).steps.map(({ apply }) => apply);
  expect(states(true)).toEqual(['kubernetes.restore.released', 'kubernetes.running']);
  expect(states(false)).toContain('kubernetes.restore.proved');
  expect(states(false)).toHaveLength(read.value.steps.length);
});
