// Hosts that are members of two clusters: each keeps its own arithmetic, its own turns and its own refusals.
import { describe, expect, it } from 'vitest';
import { type ClusterJudgement, judge, withEtcdFacts } from '../../../src/engine/beginning.ts';
import { parseGuard } from '../../../src/engine/guard.ts';
import { factsFor, parseProbe, probeParts } from '../../../src/engine/probe.ts';
import { find, load, plan, type Scene, verdictsOf } from './scene.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const SCENE: Scene = {
  hosts: HOSTS,
  healthy: HOSTS,
  healthyEvents: ['m2', 'm1', 'm3'],
  resources: {
    binaries: {},
    unit: {},
    service: { watch: ['unit', 'binaries'], reacts: true, disrupts: 'etcd' },
    'events-unit': { events: true },
    'events-service': { events: true, watch: ['events-unit', 'binaries'], reacts: true, disrupts: 'etcd' },
  },
};

/** What is not named is as wanted. */
function changing(...resources: string[]): NonNullable<Scene['seen']> {
  const words = Object.fromEntries(
    Object.keys(SCENE.resources).map((id) => [id, resources.includes(id) ? 'old' : 'new']),
  );
  return Object.fromEntries(HOSTS.map((host) => [host, words]));
}

function turnsOf(scene: Scene): { [cluster: string]: string[] } {
  const turns = plan(scene).plan.stages.flatMap(({ disrupts }) => disrupts);
  return {
    main: turns.filter(({ cluster }) => cluster === 'main').map(({ host }) => host),
    events: turns.filter(({ cluster }) => cluster === 'main-events').map(({ host }) => host),
  };
}

describe('a roll', () => {
  it('goes through each cluster by its own leader, at most one member of each a stage', () => {
    const scene = { ...SCENE, seen: changing('unit', 'events-unit') };
    expect(turnsOf(scene)).toEqual({ main: ['m2', 'm3', 'm1'], events: ['m1', 'm3', 'm2'] });
    const { stages } = plan(scene).plan;
    expect(stages).toHaveLength(3);
    for (const { disrupts } of stages) {
      expect(disrupts.map(({ cluster }) => cluster).toSorted()).toEqual(['main', 'main-events']);
    }
  });

  it('of events leaves main alone', () => {
    const intent = plan({ ...SCENE, seen: changing('events-unit') });
    expect(turnsOf({ ...SCENE, seen: changing('events-unit') })).toEqual({ main: [], events: ['m1', 'm3', 'm2'] });
    expect([...new Set([...intent.work.values()].map(({ declaration }) => declaration.id))]).toEqual([
      'events-unit',
      'events-service',
    ]);
  });

  it('of both for what they share has it written before the first of the two turns of a host', () => {
    const { plan: made } = plan({ ...SCENE, seen: changing('binaries') });
    const stageOf = (host: string, resource: string) =>
      made.entries.find((entry) => entry.host === host && entry.resource === resource)!.stage!;
    for (const host of HOSTS) {
      const first = Math.min(stageOf(host, 'service'), stageOf(host, 'events-service'));
      expect(stageOf(host, 'binaries')).toBe(first);
    }
  });
});

describe('a turn that would cost the quorum', () => {
  it('of events is refused without main’s, also for what they share', () => {
    const scene = { ...SCENE, healthyEvents: ['m2', 'm1'], targets: ['m1', 'm2'] };
    const verdicts = verdictsOf(plan({ ...scene, seen: changing('binaries', 'unit', 'events-unit') }));
    expect(verdicts).toMatchObject({
      'm1 binaries': 'change',
      'm1 unit': 'change',
      'm1 service': 'change',
      'm1 events-unit': 'blocked',
      'm1 events-service': 'refused',
    });
  });

  it('of main is refused without that of events, except for what is main’s own to change', () => {
    const scene = { ...SCENE, healthy: ['m1', 'm2'], targets: ['m1', 'm2'] };
    expect(verdictsOf(plan({ ...scene, seen: changing('unit', 'events-unit') }))).toMatchObject({
      'm1 unit': 'blocked',
      'm1 service': 'refused',
      'm1 events-unit': 'change',
      'm1 events-service': 'change',
    });
    expect(verdictsOf(plan({ ...scene, seen: changing('binaries', 'events-unit') }))).toMatchObject({
      'm1 binaries': 'blocked',
      'm1 service': 'refused',
      'm1 events-service': 'blocked',
    });
  });
});

describe('the beginning', () => {
  const KNOWLEDGE = {
    ledgers: new Map(),
    newToken: (cluster: string) => `token of ${cluster}`,
    now: '2030-01-01T00:00:00Z',
  };
  const BARE = 'data no\nfree 99999999\nwhole\n';

  function judged(said: { [host: string]: { main?: string; events?: string } }, events = true) {
    const { healthyEvents, healthy, ...rest } = SCENE;
    const scene: Scene = events ? { ...rest, healthyEvents: [] } : rest;
    const loaded = load(scene);
    const found = find(scene, loaded);
    for (const [host, probe] of found.probes) {
      const put = (cluster: string, text: string | undefined) =>
        probe.members.set(cluster, { guard: parseGuard(new TextEncoder().encode(text ?? BARE))! });
      put('main', said[host]?.main);
      put('main-events', said[host]?.events);
    }
    return { loaded, found: judge(loaded, found, KNOWLEDGE) };
  }
  const kindOf = (judgement: ClusterJudgement | undefined) => judgement?.beginning.kind;

  it('is judged for each cluster, and each one’s templates see their own', () => {
    const { loaded, found } = judged({ m1: { events: 'data yes\nfree 99999999\nwhole\n' } });
    expect([...found.judgements!.keys()]).toEqual(['main', 'main-events']);
    expect(kindOf(found.judgements!.get('main'))).toBe('bootstrap');
    expect(kindOf(found.judgements!.get('main-events'))).toBe('refused');
    const probe = withEtcdFacts(loaded, found).probes.get('m1')!;
    expect(factsFor(probe, 'main').etcd).toEqual({ initial_state: 'new', token: 'token of main' });
    expect(factsFor(probe, 'main-events').etcd).toEqual({ initial_state: 'existing', token: '' });
    expect(probe.facts.etcd).toEqual(factsFor(probe, 'main').etcd);
  });

  it('of both at once has a token of its own each', () => {
    const { found } = judged({});
    const tokens = [...found.judgements!.values()].map(({ beginning }) => 'token' in beginning && beginning.token);
    expect(tokens).toEqual(['token of main', 'token of main-events']);
  });

  it('refuses a host whose events cluster the pillar has forgotten', () => {
    const { found } = judged({ m1: { main: 'data yes\nevents\nwhole\n' } }, false);
    const main = found.judgements!.get('main')!;
    expect([...found.judgements!.keys()]).toEqual(['main']);
    expect(main.refusals.get('m1') ?? (main.beginning as { refusal?: unknown }).refusal).toMatchObject({
      refused: 'm1 is a member of main-events, the events cluster of main, but etcd_events is false',
    });
  });
});

it('what a host says of its two members is told apart', () => {
  const parts = probeParts({
    declarations: [],
    members: [
      { cluster: 'main', status: 'a', guard: 'b' },
      { cluster: 'main-events', status: 'c', guard: 'd' },
    ],
  });
  expect(parts.map(({ id }) => id).slice(2)).toEqual([
    'member main',
    'guard main',
    'member main-events',
    'guard main-events',
  ]);
  const answers = parts.map(({ id }) => ({
    id,
    state: 'ran' as const,
    status: 0,
    stdout: new TextEncoder().encode(id === 'guard main-events' ? 'data yes\nwhole\n' : 'data no\nwhole\n'),
    stderr: '',
    truncated: false,
  }));
  const { members } = parseProbe('m1', answers as never);
  expect(members.get('main')?.guard?.hasData).toBe(false);
  expect(members.get('main-events')?.guard?.hasData).toBe(true);
});
