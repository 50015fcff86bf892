// A restore that is not at its end: nothing but its own steps may start, or write, what it has stopped.
import { expect, test } from 'vitest';
import { judge } from '../../../src/engine/beginning.ts';
import { parseGuard } from '../../../src/engine/guard.ts';
import type { ValueMap } from '../../../src/value.ts';
import { find, load } from './scene.ts';

const HOSTS = ['m1', 'm2', 'm3'];

/** What comes of it when hosts say this of their restores, beside that their data is there. */
function judged(said: Record<string, string>, data: ValueMap = {}) {
  const scene = { resources: { a: {} }, hosts: HOSTS };
  const loaded = {
    ...load(scene),
    pillars: { of: () => ({ host: '', data, origins: () => [] }), sources: [], warnings: [] },
  };
  const found = find(scene, loaded);
  for (const [host, probe] of found.probes) {
    const guard = parseGuard(new TextEncoder().encode(`data yes\n${said[host] ?? ''}whole\n`))!;
    probe.members.set('main', { guard });
  }
  const { beginning } = judge(loaded, found, {
    ledgers: new Map(),
    newToken: () => 't',
    now: '2030-01-01T00:00:00Z',
  }).judgements!.get('main')!;
  return beginning.kind === 'refused' ? beginning.refusal : undefined;
}

test('is refused by the guard of the cluster, which says how it ends', () => {
  expect(judged({ m2: 'open r1\n' })).toEqual({
    refused: 'the restore r1 of cluster main was begun and is not at its end: what is down may be so on purpose',
    next: expect.stringMatching(/quorate resume r1 -t GROUP.*quorate undo r1 -t GROUP --confirm main/),
  });
});

test.each<[string, Record<string, string>, ValueMap]>([
  ['nobody knows one', {}, {}],
  ['one host says that it has ended, and another was away then', { m1: 'ended r1\n', m3: 'open r1\n' }, {}],
  ['its own steps go on', { m1: 'open r1\n', m2: 'open r1\n' }, { etcd_restore_run: 'r1' }],
])('is not in the way where %s', (_, said, data) => {
  expect(judged(said, data)?.refused ?? '').not.toContain('restore');
});
