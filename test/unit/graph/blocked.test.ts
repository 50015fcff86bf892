import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Barrier, blockedBy } from '../../../src/graph/blocked.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import type { AnyModule } from '../../../src/modules/module.ts';
import { cluster, compileIn, onHosts, type Wishes } from './declare.ts';

const MASTERS = ['m1', 'm2', 'm3'];
const WISHES: Wishes = {
  file: {},
  etcd: { watch: ['file'] },
  rescue: { onfail: ['etcd'] },
  other: {},
  auth: { scope: 'cluster', require: ['etcd'] },
  client: { require: ['auth'] },
  cleanup: { onchanges: ['client'] },
};

function graphOf(wishes: Wishes, hosts = MASTERS): Graph {
  const graph = compileIn(onHosts(hosts, wishes), [cluster('main', MASTERS)]);
  if (!graph.ok) throw new Error(graph.failures[0]!.message);
  return graph.value;
}

function blocked(failed: string[], barrier: Barrier): { [key: string]: string } {
  return Object.fromEntries(blockedBy(graphOf(WISHES), new Set(failed), () => barrier));
}

test('a failure blocks what requires it on its host, and across hosts through the cluster resource', () => {
  expect(blocked(['m2 file'], 'all')).toEqual({
    'm2 etcd': 'm2 file',
    '@main auth': 'm2 file',
    'm1 client': 'm2 file',
    'm1 cleanup': 'm2 file',
    'm2 client': 'm2 file',
    'm2 cleanup': 'm2 file',
    'm3 client': 'm2 file',
    'm3 cleanup': 'm2 file',
  });
});

test('a quorum passes the barrier without the member left behind, which goes no further', () => {
  expect(blocked(['m2 file'], 'quorum')).toEqual({
    'm2 etcd': 'm2 file',
    'm2 client': 'm2 file',
    'm2 cleanup': 'm2 file',
  });
});

test('fewer than a quorum do not pass the barrier', () => {
  expect(blocked(['m2 file', 'm3 etcd'], 'quorum')).toMatchObject({ '@main auth': 'm2 file', 'm1 client': 'm2 file' });
});

test('a gate judges the cluster also where members outside the target are not as wanted, and nothing else does', () => {
  const gate = { proves: true } as AnyModule;
  const gated = onHosts(MASTERS, {
    file: {},
    gate: { scope: 'cluster', require: ['file'] },
    after: { scope: 'cluster', require: ['gate'] },
  });
  for (const { declarations } of gated) declarations.find(({ id }) => id === 'gate')!.module = gate;
  const graph = compileIn(gated, [cluster('main', MASTERS)]);
  if (!graph.ok) throw new Error(graph.failures[0]!.message);
  const others = new Set(['m2 file', 'm3 file']);
  expect([...blockedBy(graph.value, others, () => 'quorum', others).keys()]).toEqual(['@main after']);
  expect([...blockedBy(graph.value, others, () => 'quorum').keys()]).toEqual(['@main gate', '@main after']);
});

test('what stands by with onfail is not blocked by the failure it waits for', () => {
  expect(blocked(['m1 etcd'], 'all')).not.toHaveProperty('m1 rescue');
});

test('a failed cluster resource blocks what requires it whatever the barrier', () => {
  for (const barrier of ['all', 'quorum'] as const) {
    expect(Object.keys(blocked(['@main auth'], barrier))).toEqual(
      MASTERS.flatMap((m) => [`${m} client`, `${m} cleanup`]),
    );
  }
});

test('of a run with one member of the cluster, that one is its quorum', () => {
  const graph = graphOf(WISHES, ['m1']);
  expect(blockedBy(graph, new Set(['m1 etcd']), () => 'quorum').has('@main auth')).toBe(true);
  expect(blockedBy(graph, new Set(), () => 'quorum').size).toBe(0);
});

test('nothing is blocked without a failed node before it, and a quorum never blocks more than all', () => {
  const graph = graphOf(WISHES);
  fc.assert(
    fc.property(fc.subarray(graph.order), (keys) => {
      const failed = new Set(keys);
      const all = blockedBy(graph, failed, () => 'all');
      for (const [key, cause] of all) {
        expect(failed.has(cause)).toBe(true);
        expect(failed.has(key)).toBe(false);
      }
      for (const [key, cause] of blockedBy(graph, failed, () => 'quorum')) {
        expect(failed.has(cause)).toBe(true);
        expect(all.has(key)).toBe(true);
      }
    }),
  );
});
