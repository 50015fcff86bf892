// From what is wanted and what was seen to what will be done, as a table.
import { describe, expect, it } from 'vitest';
import { pendingName } from '../../../src/engine/host-prelude.ts';
import { makePlan } from '../../../src/engine/make-plan.ts';
import { find, load, plan, type Scene, verdictsOf, workOf } from './scene.ts';

const M3 = ['m1', 'm2', 'm3'];

const VERDICTS: { [promise: string]: [Scene, { [resource: string]: string }] } = {
  'what is as wanted is ok, what is not changes': [
    { resources: { a: {}, b: {} }, seen: { m1: { a: 'new' } } },
    { a: 'ok', b: 'change' },
  ],
  'a `when` or `onlyif` that says no skips': [
    { resources: { a: { skipped: true }, b: {} }, seen: { m1: { b: 'NOT-HERE' } } },
    { a: 'skipped', b: 'skipped' },
  ],
  'what cannot be read, understood, answered or rendered has failed': [
    { resources: { a: {}, b: {}, c: {}, d: { broken: true } }, seen: { m1: { a: 'FAILED', b: 'ODD', c: 'SILENT' } } },
    { a: 'failed', b: 'failed', c: 'failed', d: 'failed' },
  ],
  'a guard refuses': [{ resources: { a: {} }, seen: { m1: { a: 'REFUSED' } } }, { a: 'refused' }],
  'what requires something bad is blocked, also through what has nothing to do, and nothing else is': [
    {
      resources: { a: {}, b: { require: ['a'] }, c: { require: ['b'] }, d: {}, e: { watch: ['a'] } },
      seen: { m1: { a: 'REFUSED', b: 'new' } },
    },
    { a: 'refused', b: 'blocked', c: 'blocked', d: 'change', e: 'blocked' },
  ],
  'what is skipped stays skipped, whatever became of its requisites': [
    { resources: { a: {}, b: { require: ['a'], skipped: true } }, seen: { m1: { a: 'FAILED' } } },
    { a: 'failed', b: 'skipped' },
  ],
  "a skipped requisite stands in nobody's way": [
    { resources: { a: { skipped: true }, b: { require: ['a'] } } },
    { a: 'skipped', b: 'change' },
  ],
  'onchanges runs for a change, and only then': [
    { resources: { a: {}, b: { onchanges: ['a'] }, c: {}, d: { onchanges: ['c'] } }, seen: { m1: { c: 'new' } } },
    { a: 'change', b: 'change', c: 'ok', d: 'skipped' },
  ],
  'a watcher reacts to a change though it is as wanted, and one that knows no reaction does not': [
    {
      resources: { a: {}, b: { watch: ['a'], reacts: true }, c: { watch: ['a'] }, d: { reacts: true } },
      seen: { m1: { b: 'new', c: 'new', d: 'new' } },
    },
    { a: 'change', b: 'change', c: 'ok', d: 'ok' },
  ],
  'a reaction to a reaction counts as a change': [
    {
      resources: { a: {}, b: { watch: ['a'], reacts: true }, c: { watch: ['b'], reacts: true } },
      seen: { m1: { b: 'new', c: 'new' } },
    },
    { a: 'change', b: 'change', c: 'change' },
  ],
  'a reaction that an earlier run left undone is done': [
    {
      resources: { 's/a[x/y]': { reacts: true }, b: { reacts: true } },
      seen: { m1: { 's/a[x/y]': 'new', b: 'new' } },
      pending: { m1: [pendingName('s/a[x/y]'), '%zz'] },
    },
    { 's/a[x/y]': 'change', b: 'ok' },
  ],
  'what stands by for a failure is not counted as a change, nor is what waits for it': [
    { resources: { a: {}, b: { onfail: ['a'] }, c: { onchanges: ['b'] } } },
    { a: 'change', b: 'skipped', c: 'skipped' },
  ],
  'what stands by for a failure is not blocked by it': [
    { resources: { a: {}, b: { onfail: ['a'] } }, seen: { m1: { a: 'REFUSED' } } },
    { a: 'refused', b: 'skipped' },
  ],
  'a host out of reach is a result, and others that do not need it go on': [
    { hosts: M3, resources: { a: {} }, down: ['m2'] },
    { 'm1 a': 'change', 'm2 a': 'unreachable', 'm3 a': 'change' },
  ],
  'a cluster that is being made waits for all its members': [
    {
      hosts: M3,
      resources: { a: {}, once: { scope: 'cluster', require: ['a'] }, after: { require: ['once'] } },
      down: ['m3'],
    },
    {
      'm1 a': 'change',
      'm2 a': 'change',
      'm3 a': 'unreachable',
      'm1 once': 'blocked',
      'm1 after': 'blocked',
      'm2 after': 'blocked',
      'm3 after': 'unreachable',
    },
  ],
  'a cluster that serves waits for a quorum, and what comes behind only for its own host': [
    {
      hosts: M3,
      resources: { a: {}, once: { scope: 'cluster', require: ['a'] }, after: { require: ['once'] } },
      seen: { m1: { a: 'REFUSED' } },
      healthy: M3,
    },
    {
      'm1 a': 'refused',
      'm2 a': 'change',
      'm3 a': 'change',
      'm1 once': 'change',
      'm1 after': 'blocked',
      'm2 after': 'change',
      'm3 after': 'change',
    },
  ],
  'peers outside the target are asked, and never written to': [
    { hosts: M3, targets: ['m2'], resources: { a: {} } },
    { 'm2 a': 'change' },
  ],
  'what a peer outside the target has not done blocks what needs it': [
    {
      hosts: M3,
      targets: ['m2'],
      resources: { a: {}, once: { scope: 'cluster', require: ['a'] } },
      seen: { m1: { a: 'new' } },
    },
    { 'm2 a': 'change', 'm2 once': 'blocked' },
  ],
  'what a peer outside the target has done is done': [
    {
      hosts: M3,
      targets: ['m2'],
      resources: { a: {}, once: { scope: 'cluster', require: ['a'] } },
      seen: { m1: { a: 'new' }, m3: { a: 'new' } },
    },
    { 'm2 a': 'change', 'm2 once': 'change' },
  ],
};

it.each(Object.entries(VERDICTS))('%s', (_promise, [scene, verdicts]) => {
  const intent = plan(scene);
  expect(verdictsOf(intent)).toEqual(verdicts);
  // Whatever is not to change has no work, except what stands by.
  const working = [...intent.work.values()].filter((work) => !work.conditional).map((work) => work.key);
  expect(working.sort()).toEqual(
    [...intent.entries]
      .filter(([, entry]) => entry.verdict === 'change')
      .map(([key]) => key)
      .sort(),
  );
  // Everything that has work is in exactly one stage.
  const staged = intent.plan.stages.flatMap((stage) => [...stage.steps.values()].flat());
  expect(staged.sort()).toEqual([...intent.work.keys()].sort());
});

describe("the runner of a cluster's resource", () => {
  const resources = { once: { scope: 'cluster' as const } };
  const runner = (scene: Partial<Scene>) =>
    plan({ hosts: M3, resources, ...scene }).plan.entries.map(({ host }) => host);

  it.each<[string, Partial<Scene>, string]>([
    ['is the first member at bootstrap', {}, 'm1'],
    ['is the first that answers at bootstrap', { down: ['m1'] }, 'm2'],
    ['is the first healthy one later', { healthy: ['m2', 'm3'] }, 'm2'],
    ['is within the target', { healthy: M3, targets: ['m3'] }, 'm3'],
    ['is a target that answers though none is healthy', { targets: ['m2', 'm3'], down: ['m2'] }, 'm3'],
  ])('%s', (_promise, scene, host) => expect(runner(scene)).toEqual([host]));

  it('does what any member has left undone', () => {
    const scene: Scene = {
      hosts: M3,
      resources: { once: { scope: 'cluster', reacts: true } },
      seen: { m1: { once: 'new' } },
      pending: { m3: ['once'] },
    };
    expect(verdictsOf(plan(scene))).toEqual({ 'm1 once': 'change' });
  });
});

describe('an entry says', () => {
  it('why it is as it is, and what to do', () => {
    const { plan: made } = plan({
      hosts: M3,
      resources: { a: {}, b: { require: ['a'] } },
      seen: { m1: { a: 'REFUSED' }, m2: { a: 'NOT-HERE' } },
      down: ['m3'],
    });
    const said = Object.fromEntries(
      made.entries.map((e) => [`${e.host} ${e.resource}`, `${e.why?.message}; ${e.why?.next}`]),
    );
    expect(said).toEqual({
      'm1 a': 'it is precious; take it away first',
      'm1 b': 'it requires a on m1, which is refused; mend m1 first: it is precious',
      'm2 a': 'not for this host: onlyif: test -e /x; undefined',
      'm2 b': 'undefined; undefined',
      'm3 a': 'no route; look whether it is up',
      'm3 b': 'no route; look whether it is up',
    });
  });

  it('to what it reacts, and that an earlier run left it', () => {
    const { plan: made } = plan({
      resources: { a: {}, b: { watch: ['a'], reacts: true }, c: { reacts: true } },
      seen: { m1: { c: 'new' } },
      pending: { m1: ['c'] },
    });
    expect(made.entries.map(({ reactsTo }) => reactsTo)).toEqual([[], ['a'], ['an earlier run that did not finish']]);
  });

  it('which commands the author promised to be read-only', () => {
    const { plan: made } = plan({ resources: { a: { onlyif: ['test -e /x'] } } });
    expect(made.entries[0]!.commands).toEqual(['onlyif: test -e /x']);
  });

  it('that it stands by, and only then', () => {
    const intent = plan({ resources: { a: {}, b: { onfail: ['a'] } } });
    expect([workOf(intent, 'a').conditional, workOf(intent, 'b').conditional]).toEqual([false, true]);
    expect(intent.plan.entries[1]!.why?.message).toBe('only if what it stands by for (onfail) fails');
  });
});

describe('stages', () => {
  const steps = (scene: Scene) =>
    plan(scene).plan.stages.map((stage) =>
      Object.fromEntries([...stage.steps].map(([host, keys]) => [host, keys.length])),
    );

  it('are as few as the hosts have to wait for each other', () => {
    expect(steps({ resources: { a: {}, b: { require: ['a'] }, c: { require: ['b'] } } })).toEqual([{ m1: 3 }]);
    expect(steps({ resources: { a: {} }, seen: { m1: { a: 'new' } } })).toEqual([]);
    const barrier: Scene['resources'] = {
      a: {},
      once: { scope: 'cluster', require: ['a'] },
      after: { require: ['once'] },
    };
    expect(steps({ hosts: M3, resources: barrier })).toEqual([
      { m1: 1, m2: 1, m3: 1 },
      // What follows on the runner itself need not wait for anybody.
      { m1: 2 },
      { m2: 1, m3: 1 },
    ]);
  });

  it('interrupt one member at a time while the cluster serves, the leader last, and all at once where nothing serves', () => {
    const resources: Scene['resources'] = { unit: {}, etcd: { watch: ['unit'], reacts: true, disrupts: 'etcd' } };
    const turns = (scene: Scene) => plan(scene).plan.stages.map(({ disrupts }) => disrupts.map(({ host }) => host));
    expect(turns({ hosts: M3, resources, healthy: M3 })).toEqual([['m2'], ['m3'], ['m1']]);
    expect(steps({ hosts: M3, resources })).toEqual([{ m1: 2, m2: 2, m3: 2 }]);
  });
});

it('a plan knows every host that was asked, with what it said or why it did not', () => {
  const { plan: made } = plan({
    hosts: M3,
    targets: ['m1'],
    resources: { a: {} },
    down: ['m3'],
    healthy: ['m1', 'm2'],
  });
  expect([...made.hosts.values()]).toEqual([
    { host: 'm1', target: true, facts: {} },
    { host: 'm2', target: false, facts: {} },
    { host: 'm3', target: false, failure: expect.objectContaining({ reason: 'unreachable', host: 'm3' }) },
  ]);
  expect(
    made.clusters[0]!.members.map(({ host, healthy, reachable, leader }) => [host, healthy, reachable, leader]),
  ).toEqual([
    ['m1', true, true, true],
    ['m2', true, true, false],
    ['m3', false, false, false],
  ]);
});

it('warnings of the pillar stand above a plan that has to do with their hosts', () => {
  const scene = { resources: { a: {} }, hosts: ['m1', 'm2'] };
  const loaded = load(scene);
  const warning = (hosts: string[]) => ({
    message: `about ${hosts}`,
    place: { file: 'i.yaml', line: 2, column: 3 },
    hosts,
  });
  const pillars = { ...loaded.pillars, warnings: [warning(['m2', 'm9']), warning(['m9'])] };
  const { notes } = makePlan('r', { ...loaded, pillars }, { ...find(scene, loaded), recalled: new Map() }).plan;
  expect(notes).toContain('about m2,m9 (i.yaml:2:3)');
  expect(notes).not.toContain('about m9 (i.yaml:2:3)');
});
