import { expect, test } from 'vitest';
import type { ScheduleInput, Stage } from '../../../src/graph/graph.ts';
import { schedule } from '../../../src/graph/schedule.ts';
import type { ClusterView } from '../../../src/modules/module.ts';
import type { HostDeclarations } from '../../../src/states/declaration.ts';
import { cluster, compileIn, declare, onHosts, view, type Wishes } from './declare.ts';

const MASTERS = ['m1', 'm2', 'm3'];
const MEMBER: Wishes = {
  dir: {},
  environment: { require: ['dir'] },
  unit: {},
  etcd: { watch: ['environment', 'unit'], disrupts: 'etcd' },
};
const UP = view('main', { m1: 'leader', m2: 'up', m3: 'up' });
const DOWN = view('main', { m1: 'down', m2: 'down', m3: 'down' });

interface Given {
  hosts: HostDeclarations[];
  /** Keys, or everything. */
  changing?: string[];
  runner?: string;
  views?: ClusterView[];
}

function stagesOf({ hosts, changing, runner = 'm1', views = [] }: Given): Stage[] {
  const graph = compileIn(
    hosts,
    views.map((known) =>
      cluster(
        known.name,
        known.members.map((member) => member.host),
      ),
    ),
  );
  if (!graph.ok) throw new Error(graph.failures[0]!.message);
  const input: ScheduleInput = {
    graph: graph.value,
    changing: new Set(changing ?? graph.value.order),
    hostOf: (key) => graph.value.nodes.get(key)!.host ?? runner,
    clusters: new Map(views.map((known) => [known.name, known])),
  };
  return schedule(input);
}

/** One line a stage: `m1: a b | m2: c`. */
function show(stages: Stage[]): string[] {
  return stages.map((stage) =>
    [...stage.steps].map(([host, keys]) => `${host}: ${keys.map((key) => key.split(' ')[1]).join(' ')}`).join(' | '),
  );
}

test('nothing to change has no stages', () => {
  expect(stagesOf({ hosts: onHosts(MASTERS, MEMBER), changing: [], views: [UP] })).toEqual([]);
});

test('what only waits on its own host is one stage, in order', () => {
  expect(
    show(stagesOf({ hosts: onHosts(['h1', 'h2'], { a: {}, b: { require: ['a'] }, c: { watch: ['b'] } }) })),
  ).toEqual(['h1: a b c | h2: a b c']);
});

test('a cluster that does not serve is brought up in one stage, all hosts at once and ungated', () => {
  const stages = stagesOf({ hosts: onHosts(MASTERS, MEMBER), views: [DOWN] });
  expect(show(stages)).toEqual([
    'm1: dir environment unit etcd | m2: dir environment unit etcd | m3: dir environment unit etcd',
  ]);
  expect(stages[0]!.disrupts).toEqual([]);
});

test('a cluster that serves rolls: followers first, the leader last, each with what its member watches', () => {
  const stages = stagesOf({ hosts: onHosts(MASTERS, MEMBER), views: [UP] });
  expect(show(stages)).toEqual([
    'm2: dir environment unit etcd',
    'm3: dir environment unit etcd',
    'm1: dir environment unit etcd',
  ]);
  expect(stages.map((stage) => stage.disrupts)).toEqual([
    [{ host: 'm2', cluster: 'main', what: 'etcd' }],
    [{ host: 'm3', cluster: 'main', what: 'etcd' }],
    [{ host: 'm1', cluster: 'main', what: 'etcd' }],
  ]);
});

test('an unhealthy member goes first', () => {
  const views = [view('main', { m1: 'leader', m2: 'up', m3: 'down' })];
  expect(show(stagesOf({ hosts: onHosts(MASTERS, MEMBER), views })).map((line) => line.slice(0, 2))).toEqual([
    'm3',
    'm2',
    'm1',
  ]);
});

test('what the interruption does not watch is not held back', () => {
  const wishes = { motd: {}, ...MEMBER };
  const changing = MASTERS.flatMap((host) => [`${host} motd`, `${host} environment`, `${host} etcd`]);
  expect(show(stagesOf({ hosts: onHosts(MASTERS, wishes), changing, views: [UP] }))).toEqual([
    'm1: motd | m2: motd environment etcd | m3: motd',
    'm3: environment etcd',
    'm1: environment etcd',
  ]);
});

test('what something else on the host also needs at once is not held back', () => {
  const wishes: Wishes = { file: {}, etcd: { watch: ['file'], disrupts: 'etcd' }, other: { watch: ['file'] } };
  expect(
    show(
      stagesOf({ hosts: onHosts(['m1', 'm2'], wishes), views: [view('main', { m1: 'leader', m2: 'up', m3: 'up' })] }),
    ),
  ).toEqual(['m1: file other | m2: file etcd other', 'm1: etcd']);
});

test('what comes after the interruption stays behind it on its host', () => {
  const wishes: Wishes = { ...MEMBER, apiserver: { require: ['etcd', 'unit'] } };
  expect(show(stagesOf({ hosts: onHosts(MASTERS, wishes), views: [UP] }))[2]).toBe(
    'm1: dir environment unit etcd apiserver',
  );
});

test('two interruptions of one host share its turn', () => {
  const wishes: Wishes = {
    main: { disrupts: 'etcd' },
    between: { require: ['main'] },
    events: { disrupts: 'etcd', require: ['between'] },
  };
  expect(show(stagesOf({ hosts: onHosts(MASTERS, wishes), views: [UP] }))).toEqual([
    'm2: main between events',
    'm3: main between events',
    'm1: main between events',
  ]);
});

test('clusters roll side by side', () => {
  const views = [view('a', { a1: 'up', a2: 'leader', a3: 'up' }), view('b', { b1: 'leader', b2: 'up', b3: 'up' })];
  const stages = stagesOf({
    hosts: onHosts(['a1', 'a2', 'a3', 'b1', 'b2', 'b3'], { etcd: { disrupts: 'etcd' } }),
    views,
  });
  expect(show(stages)).toEqual(['a1: etcd | b2: etcd', 'a3: etcd | b3: etcd', 'a2: etcd | b1: etcd']);
});

test('a cluster resource is a stage after the members it waits for, and a stage before the others that wait for it', () => {
  const wishes: Wishes = { a: {}, shared: { scope: 'cluster', require: ['a'] }, b: { require: ['shared'] } };
  const hosts = onHosts(MASTERS, wishes);
  expect(show(stagesOf({ hosts, views: [DOWN] }))).toEqual(['m1: a | m2: a | m3: a', 'm1: shared b', 'm2: b | m3: b']);
});

test('a cluster resource that does not change still orders what is around it, at the price of one stage', () => {
  const wishes: Wishes = { a: {}, shared: { scope: 'cluster', require: ['a'] }, b: { require: ['shared'] } };
  const changing = ['m2 a', 'm1 b', 'm2 b', 'm3 b'];
  expect(show(stagesOf({ hosts: onHosts(MASTERS, wishes), changing, views: [DOWN] }))).toEqual([
    'm2: a b',
    'm1: b | m3: b',
  ]);
});

test('what another host waits for does not sink into the turn', () => {
  const wishes: Wishes = {
    file: {},
    shared: { scope: 'cluster', require: ['file'] },
    etcd: { require: ['file', 'shared'], disrupts: 'etcd' },
  };
  expect(show(stagesOf({ hosts: onHosts(MASTERS, wishes), views: [UP] }))).toEqual([
    'm1: file | m2: file | m3: file',
    'm1: shared',
    'm2: etcd',
    'm3: etcd',
    'm1: etcd',
  ]);
});

test('members that differ in what they declare still roll one by one', () => {
  const hosts = [
    { host: 'm1', declarations: declare({ etcd: { disrupts: 'etcd' } }) },
    { host: 'm2', declarations: declare({ file: {}, etcd: { disrupts: 'etcd', watch: ['file'] } }) },
    { host: 'm3', declarations: declare({}) },
  ];
  expect(show(stagesOf({ hosts, views: [UP] }))).toEqual(['m2: file etcd', 'm1: etcd']);
});

const MASTER: Wishes = {
  etcd: { disrupts: 'etcd' },
  apiserver: { require: ['etcd'], disrupts: 'apiserver' },
  ready: { watch: ['apiserver', 'etcd'], disrupts: 'apiserver' },
};

test('the API server has its turn with the etcd of its host, and none has it beside that of another host', () => {
  const all = stagesOf({ hosts: onHosts(MASTERS, MASTER), views: [UP] });
  expect(show(all)).toEqual(['m2: etcd apiserver ready', 'm3: etcd apiserver ready', 'm1: etcd apiserver ready']);
  expect(all.map(({ disrupts }) => disrupts)).toEqual(
    ['m2', 'm3', 'm1'].map((host) => [{ host, cluster: 'main', what: 'etcd' }]),
  );
  const changing = MASTERS.flatMap((host) => [`${host} apiserver`, `${host} ready`]);
  const own = stagesOf({ hosts: onHosts(MASTERS, MASTER), changing, views: [UP] });
  expect(show(own)).toEqual(['m2: apiserver ready', 'm3: apiserver ready', 'm1: apiserver ready']);
  expect(own.map(({ disrupts }) => disrupts[0]!.what)).toEqual(['apiserver', 'apiserver', 'apiserver']);
});

test('API servers begin side by side where no etcd serves yet', () => {
  const [first, ...rest] = show(stagesOf({ hosts: onHosts(MASTERS, MASTER), views: [DOWN] }));
  expect([first, rest]).toEqual([MASTERS.map((host) => `${host}: etcd apiserver ready`).join(' | '), []]);
});
