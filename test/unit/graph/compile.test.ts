import { expect, test } from 'vitest';
import type { Failure } from '../../../src/failure.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import type { Cluster } from '../../../src/inventory/inventory.ts';
import type { HostDeclarations } from '../../../src/states/declaration.ts';
import { cluster, compileIn, declare, onHosts } from './declare.ts';

const MAIN = [cluster('main', ['m1', 'm2', 'm3'])];
const MASTERS = ['m1', 'm2', 'm3'];

function compile(hosts: HostDeclarations[], clusters: Cluster[] = MAIN): Graph {
  const graph = compileIn(hosts, clusters);
  if (!graph.ok) throw new Error(graph.failures.map((failure) => failure.message).join('\n'));
  return graph.value;
}

function failuresOf(hosts: HostDeclarations[], clusters: Cluster[] = MAIN): Failure[] {
  const graph = compileIn(hosts, clusters);
  return graph.ok ? [] : graph.failures;
}

function after(graph: Graph, key: string): string[] {
  return graph.nodes.get(key)!.after.map((edge) => `${edge.kind} ${edge.to}`);
}

test('each resource of each host is a node that waits for what it requires on that host', () => {
  const graph = compile(
    onHosts(['m1', 'm2'], { dir: {}, file: { require: ['dir'] }, unit: { watch: ['file'], require: ['file'] } }),
  );
  expect([...graph.nodes.keys()]).toEqual(['m1 dir', 'm1 file', 'm1 unit', 'm2 dir', 'm2 file', 'm2 unit']);
  expect(after(graph, 'm2 unit')).toEqual(['require m2 file', 'watch m2 file']);
  expect(graph.nodes.get('m1 dir')).toMatchObject({ host: 'm1', cluster: 'main' });
});

test('a resource of scope cluster is one node, after all members and before whatever requires it', () => {
  const graph = compile(
    onHosts(MASTERS, {
      etcd: {},
      auth: { scope: 'cluster', require: ['etcd'] },
      users: { scope: 'cluster', require: ['auth'] },
      client: { require: ['users'] },
    }),
  );
  expect(graph.nodes.size).toBe(8);
  expect(after(graph, '@main auth')).toEqual(['require m1 etcd', 'require m2 etcd', 'require m3 etcd']);
  expect(after(graph, '@main users')).toEqual(['require @main auth']);
  expect(after(graph, 'm3 client')).toEqual(['require @main users']);
  const auth = graph.nodes.get('@main auth')!;
  expect(auth.host).toBeUndefined();
  expect([...auth.declarations.keys()]).toEqual(MASTERS);
  expect(auth.declaration).toBe(auth.declarations.get('m1'));
});

test('clusters have nodes of their own, and wait for their own members only', () => {
  const clusters = [cluster('a', ['m1', 'm2']), cluster('b', ['m3'])];
  const graph = compile(onHosts(MASTERS, { etcd: {}, auth: { scope: 'cluster', require: ['etcd'] } }), clusters);
  expect(after(graph, '@a auth')).toEqual(['require m1 etcd', 'require m2 etcd']);
  expect(after(graph, '@b auth')).toEqual(['require m3 etcd']);
});

test('members that are not in the run are not waited for', () => {
  const graph = compile(onHosts(['m2'], { etcd: {}, auth: { scope: 'cluster', require: ['etcd'] } }));
  expect(after(graph, '@main auth')).toEqual(['require m2 etcd']);
});

test('scope cluster outside a cluster is refused where it is declared, with the next step', () => {
  const [failure, ...others] = failuresOf(onHosts(['w1'], { auth: { scope: 'cluster' } }));
  expect(others).toEqual([]);
  expect(failure).toMatchObject({ host: 'w1', resource: 'auth', place: { file: 'states/s.yaml', line: 10 } });
  expect(failure!.message).toBe('auth has `scope: cluster`, but w1 is in no cluster');
  expect(failure!.next).toContain('etcd_cluster');
});

test('a requisite that is not on the host is a failure where it is written', () => {
  const failures = failuresOf(onHosts(['m1'], { unit: { watch: ['fiel'] } }));
  expect(failures).toMatchObject([{ reason: 'unknown', host: 'm1', place: { line: 11 } }]);
  expect(failures[0]!.message).toContain('`watch: fiel`');
});

test('the order is that of the files and hosts wherever requisites leave it free', () => {
  const graph = compile(onHosts(['m2', 'm1'], { a: { require: ['d'] }, b: {}, c: {}, d: {} }));
  expect(graph.order).toEqual(['m2 d', 'm2 a', 'm2 b', 'm2 c', 'm1 d', 'm1 a', 'm1 b', 'm1 c']);
});

test('a cycle names its whole path, and the place of each resource in it', () => {
  const failures = failuresOf(onHosts(MASTERS, { a: { require: ['b'] }, b: { watch: ['c'] }, c: { onfail: ['a'] } }));
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({ reason: 'cycle', place: { file: 'states/s.yaml', line: 11, column: 3 } });
  expect(failures[0]!.message).toBe(
    'these wait for each other: a → b → c → a (a at states/s.yaml:10:3, b at states/s.yaml:20:3, c at states/s.yaml:30:3)',
  );
});

test('a resource that requires itself is a cycle', () => {
  expect(failuresOf(onHosts(['m1'], { a: { require: ['a'] } }))[0]!.message).toContain('a → a (');
});

test('cycles that do not touch each other are told together', () => {
  const failures = failuresOf(
    onHosts(['m1'], { a: { require: ['b'] }, b: { require: ['a'] }, x: { require: ['y'] }, y: { require: ['x'] } }),
  );
  expect(failures.map((failure) => failure.message.split(' (')[0])).toEqual([
    'these wait for each other: a → b → a',
    'these wait for each other: x → y → x',
  ]);
});

test('a cycle that leads over another host through a cluster resource is found', () => {
  const hosts = [
    { host: 'm1', declarations: declare({ etcd: {}, auth: { scope: 'cluster', require: ['etcd'] } }) },
    {
      host: 'm2',
      declarations: declare({ etcd: { require: ['auth'] }, auth: { scope: 'cluster', require: ['etcd'] } }),
    },
  ];
  const failures = failuresOf(hosts);
  expect(failures).toMatchObject([{ reason: 'cycle' }]);
  expect(failures[0]!.message).toContain('auth → etcd → auth');
});

test('20,000 resources in one chain are ordered, and one more edge makes a cycle, without a stack overflow', () => {
  const chain = Object.fromEntries(
    Array.from({ length: 20_000 }, (_, n) => [`r${n}`, n < 19_999 ? { require: [`r${n + 1}`] } : {}]),
  );
  expect(compile(onHosts(['m1'], chain)).order[0]).toBe('m1 r19999');
  chain.r19999 = { require: ['r0'] };
  const [failure] = failuresOf(onHosts(['m1'], chain));
  expect(failure!.message.split(' (')[0]!.split(' → ')).toHaveLength(20_001);
});
