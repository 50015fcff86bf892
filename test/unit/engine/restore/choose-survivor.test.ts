// Whose data a cluster without a quorum goes back to, and when nobody's.
import { expect, it, test } from 'vitest';
import type { Probe } from '../../../../src/engine/probe.ts';
import { chooseSurvivor } from '../../../../src/engine/restore/choose-survivor.ts';

const CLUSTER = { name: 'main', members: ['m1', 'm2', 'm3', 'm4', 'm5'], service: 'etcd' } as never;
const REST = { name: 'main', members: ['m1', 'm2', 'm3'], service: 'etcd' } as never;

type Has = 'nothing' | 'data' | { index: number; [more: string]: unknown };

function choose(hosts: { [host: string]: Has }, cluster = CLUSTER, without: string[] = []) {
  const probes = Object.entries(hosts).map(([host, has]): [string, Probe] => {
    const status =
      typeof has === 'string'
        ? undefined
        : {
            healthy: false,
            learner: false,
            clusterId: 'c1',
            revision: 7,
            errors: [],
            raftAppliedIndex: has.index,
            ...has,
          };
    const member = { guard: { hasData: has !== 'nothing', busyPorts: [] }, ...(status ? { status } : {}) };
    return [host, { members: new Map([['main', member]]) } as unknown as Probe];
  });
  const chosen = chooseSurvivor(cluster, without, new Map(probes));
  return chosen.ok ? chosen.value : `${chosen.failures[0]!.message}; ${chosen.failures[0]!.next}`;
}

it('takes the member that has applied most, and tells what each has and what is lost', () => {
  expect(choose({ m1: { index: 40 }, m2: { index: 42 }, m3: 'nothing', m4: 'nothing', m5: 'nothing' })).toMatchObject({
    host: 'm2',
    told: [
      'm1: applied index 40, revision 7',
      'm2: applied index 42, revision 7 (the survivor)',
      'm3: has no data',
      'm4: has no data',
      'm5: has no data',
      'lost: what m3, m4, m5 had acknowledged and m2 had not yet; nobody can say how much that is',
    ],
  });
  expect(choose({ m1: { index: 9 }, m2: 'nothing', m3: 'nothing' }, REST, ['m4', 'm5'])).toMatchObject({
    host: 'm1',
    told: expect.arrayContaining(['m4: left out, nobody knows what it has']),
  });
});

it('never takes a learner, which may be far behind', () => {
  const learner = { index: 50, learner: true };
  expect(choose({ m1: learner, m2: { index: 42 } })).toMatchObject({ host: 'm2' });
  expect(choose({ m1: learner })).toMatch(/^no member of cluster main survives/);
});

test.each<[what: string, hosts: { [host: string]: Has }, refused: RegExp]>([
  ['one knows a leader', { m1: { index: 1, healthy: true } }, /^m1 still knows a leader.*`quorate snapshot save`/],
  [
    'data is left for a quorum',
    { m1: { index: 1 }, m2: 'data', m3: 'data' },
    /^m1, m2, m3 have their data, and they are enough for a quorum/,
  ],
  [
    'they are of two clusters',
    { m1: { index: 1 }, m2: { index: 2, clusterId: 'c2' } },
    /^the members that answer are not of one cluster, by their ids: m1 c1, m2 c2/,
  ],
  [
    'etcd says that it is damaged',
    { m1: { index: 1, errors: ['alarm:CORRUPT'] } },
    /^etcd itself has raised the alarm CORRUPT/,
  ],
  [
    'only a silent one is left',
    { m1: 'data', m2: 'nothing' },
    /m1: has data, and its etcd does not answer.*What m1 has is kept beside/,
  ],
  ['nobody is left', { m1: 'nothing' }, /^no member of cluster main survives.*restore a snapshot \(--from PLACE\)$/],
])('is refused where %s', (_what, hosts, refused) => {
  expect(choose(hosts)).toMatch(refused);
});
