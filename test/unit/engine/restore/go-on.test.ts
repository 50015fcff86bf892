// Going on with a restore: never with one that is at its end, and never back over the point of no return.
import { describe, expect, it, test } from 'vitest';
import { leftOf, refuseEnded, refuseHalf, refuseLiving } from '../../../../src/engine/restore/go-on.ts';
import { refuseChanged } from '../../../../src/engine/restore/survivor.ts';
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

describe('a cluster that serves again since its restore was interrupted', () => {
  const CLUSTER = { name: 'main', members: HOSTS };
  const RECORD = { run: 'r1', cluster: 'main', from: 'x.db', sha256: 'ab', generation: 2, without: [] };
  const OPEN = new Map(HOSTS.map((host) => [host, { released: false }]));
  const probes = (healthy: string[], ledger?: unknown) =>
    new Map(
      HOSTS.map((host) => [
        host,
        { members: new Map([['main', { status: { healthy: healthy.includes(host) }, guard: { ledger } }]]) },
      ]),
    ) as never;

  it('is not stopped by going on: nobody has agreed to what would be lost', () => {
    const former = { restored: { sha256: 'ab', generation: 1 } };
    for (const ledger of [undefined, {}, former]) {
      expect(refuseLiving(CLUSTER, RECORD, OPEN, probes(['m1', 'm3'], ledger))).toMatchObject({
        reason: 'guard',
        message: expect.stringMatching(
          /^cluster main had no quorum when the restore r1 was begun, and has one now \(m1, m3\)/,
        ),
        next: expect.stringMatching(/quorate undo r1.*--over-healthy/),
      });
    }
    const left = { ...RECORD, without: ['m3'] };
    expect(refuseLiving(CLUSTER, left, OPEN, probes(['m2']))?.message).toContain('has one now (m2)');
  });

  it('is told from one that was agreed to stop, from the restored one, and from one that has no quorum', () => {
    const restored = { restored: { sha256: 'ab', generation: 2 } };
    const released = new Map([['m1', { released: true }]]);
    expect(refuseLiving(CLUSTER, { ...RECORD, overHealthy: true }, OPEN, probes(HOSTS))).toBeUndefined();
    expect(refuseLiving(CLUSTER, RECORD, OPEN, probes(HOSTS, restored))).toBeUndefined();
    expect(refuseLiving(CLUSTER, RECORD, released, probes(HOSTS))).toBeUndefined();
    expect(refuseLiving(CLUSTER, RECORD, OPEN, probes(['m2']))).toBeUndefined();
  });
});

it('is not taken back where the cluster of before would have no quorum of its own', () => {
  const cluster = { name: 'main', members: HOSTS };
  const half = (without: string[], ...there: string[]) =>
    refuseHalf(cluster, { run: 'r1', without }, new Map(there.map((host) => [host, 1])))?.message;
  expect(half(['m2', 'm3'], 'm1')).toMatch(/^cluster main had 3 members before the restore r1, which left out m2, m3/);
  expect(half(['m2', 'm3'], 'm1', 'm2')).toBeUndefined();
  expect(half(['m3'], 'm1', 'm2')).toBeUndefined();
});

test.each([
  ['has ended', undefined, /^it does not answer any more/],
  ['knows a leader again', { healthy: true, raftAppliedIndex: 42 }, /^it knows a leader again/],
  ['has less than before', { healthy: false, raftAppliedIndex: 41 }, /^it has applied 41, and 42 before/],
])('a survivor that %s gives no snapshot', (_what, status, message) => {
  const survivor = { host: 'm3', index: 42, controller: 'desk' };
  expect(refuseChanged({ survivor }, status)).toMatchObject({ host: 'm3', message: expect.stringMatching(message) });
  expect(refuseChanged({ survivor }, { healthy: false, raftAppliedIndex: 42 })).toBeUndefined();
});
