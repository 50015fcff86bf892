// Two rounds of one apply are told as one run.
import { describe, expect, it, test } from 'vitest';
import type { Applied } from '../../../src/engine/apply.ts';
import type { Outcome, Result } from '../../../src/engine/events.ts';
import { foundedWell, mergeRounds } from '../../../src/engine/rounds.ts';
import type { Graph, GraphNode, NodeKey } from '../../../src/graph/graph.ts';
import type { ClusterView } from '../../../src/modules/module.ts';

function applied(outcome: Outcome, path: string, more: Partial<Applied> = {}): Applied {
  const change = { path, before: 1, after: 2 };
  const done = outcome === 'changed' ? [change] : [];
  const result: Result = {
    host: 'm1',
    resource: 'x',
    module: 'a.b',
    outcome,
    predicted: done,
    actual: done,
    ms: 5,
  };
  return { results: new Map([['m1 x' as NodeKey, result]]), written: new Set(['m1']), ...more };
}

const only = ({ results }: Applied) => [...results.values()][0]!;

describe('a resource of two rounds', () => {
  it.each<[Outcome, Outcome, Outcome]>([
    ['changed', 'ok', 'changed'],
    ['changed', 'skipped', 'changed'],
    ['changed', 'changed', 'changed'],
    ['ok', 'changed', 'changed'],
    ['ok', 'ok', 'ok'],
    ['skipped', 'skipped', 'skipped'],
    ['changed', 'failed', 'failed'],
    ['changed', 'blocked', 'blocked'],
    ['changed', 'refused', 'refused'],
  ])('that was %s and then %s is %s', (first, second, whole) => {
    expect(only(mergeRounds(applied(first, 'a'), applied(second, 'b'), ['main'])).outcome).toBe(whole);
  });

  it('has the changes and the time of both', () => {
    const { predicted, actual, ms } = only(mergeRounds(applied('changed', 'a'), applied('changed', 'b'), ['main']));
    expect([predicted, actual].map((changes) => changes.map(({ path }) => path))).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(ms).toBe(10);
  });
});

test('what only one round has is kept, and hosts of both were written to', () => {
  const first = applied('changed', 'a');
  const second: Applied = { results: new Map(), written: new Set(['m2']) };
  const merged = mergeRounds(first, second, ['main']);
  expect(merged.results).toEqual(first.results);
  expect([...merged.written]).toEqual(['m1', 'm2']);
  expect(merged).not.toHaveProperty('interrupted');
});

test('a second round that was stopped says that the cluster is there, and that running again finishes it', () => {
  const why = { reason: 'locked' as const, message: 'the locks of main were lost', next: 'see `quorate lock show`' };
  const { interrupted } = mergeRounds(applied('changed', 'a'), applied('blocked', 'b', { interrupted: why }), ['main']);
  expect(interrupted).toEqual({
    reason: 'locked',
    message:
      'cluster main is founded and serves, but `new` has not become `existing` on all its members: the locks of main were lost',
    next: 'see `quorate lock show`; that run finishes it',
  });
});

describe('of two clusters that one run founds, the second round', () => {
  const node = (cluster: string) =>
    ({ cluster, declaration: { module: { name: 'etcd.member' } } }) as unknown as GraphNode;
  const graph: Graph = {
    nodes: new Map([
      ['m1 guard', node('main')],
      ['m1 guard[events]', node('main-events')],
    ]),
    order: [],
  };
  const view = (name: string): ClusterView => ({ name, members: [], beginning: { kind: 'bootstrap', token: 't' } });
  const clusters = [view('main'), view('main-events')];
  const results = (main: Outcome, events: Outcome) => {
    const of = (outcome: Outcome) => only(applied(outcome, 'a'));
    return new Map([
      ['m1 guard', of(main)],
      ['m1 guard[events]', of(events)],
    ]);
  };

  it('comes for both, or for the one that serves where the other could not be founded', () => {
    expect(foundedWell(graph, clusters, { results: results('changed', 'changed') })).toEqual(['main', 'main-events']);
    expect(foundedWell(graph, clusters, { results: results('changed', 'failed') })).toEqual(['main']);
    expect(foundedWell(graph, clusters, { results: results('refused', 'changed') })).toEqual(['main-events']);
  });

  it('comes for none after a run that was stopped, and not for one that was there before', () => {
    const interrupted = { reason: 'interrupted' as const, message: 'stopped' };
    expect(foundedWell(graph, clusters, { results: results('changed', 'changed'), interrupted })).toEqual([]);
    const known: ClusterView = { name: 'main', members: [] };
    expect(foundedWell(graph, [known, clusters[1]!], { results: results('changed', 'changed') })).toEqual([
      'main-events',
    ]);
  });
});
