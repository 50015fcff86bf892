// Hosts, resources and what was seen of them, as data: what the pure parts of the engine work on.
import type { Loaded } from '../../../src/engine/load.ts';
import { type Findings, type Intent, makePlan, type Work } from '../../../src/engine/make-plan.ts';
import type { Probe, SeenMember } from '../../../src/engine/probe.ts';
import type { Failure } from '../../../src/failure.ts';
import { fail, succeed } from '../../../src/failure.ts';
import type { Host } from '../../../src/inventory/inventory.ts';
import type { AnyModule, Module } from '../../../src/modules/module.ts';
import { reveal } from '../../../src/sensitive.ts';
import type { Declaration } from '../../../src/states/declaration.ts';
import type { Value, ValueMap } from '../../../src/value.ts';
import { cluster, compileIn, declare, type Wish as Requisites } from '../graph/declare.ts';

export interface Wish extends Requisites {
  /** What it wants; default: `new`. A host that has the same is converged. */
  want?: Value;
  /** It does something because of `watch` even when it has no change of its own. */
  reacts?: true;
  /** Its `when` is false. */
  skipped?: true;
  /** It cannot be rendered. */
  broken?: true;
  /** `onlyif` commands. */
  onlyif?: string[];
  /** It is a resource of `main-events`, the cluster that all hosts carry beside `main`. */
  events?: true;
}

export interface Scene {
  resources: { [id: string]: Wish };
  /** By host and resource; default: `old`. `FAILED`, `REFUSED`, `ODD` and `NOT-HERE` are what they say. */
  seen?: { [host: string]: { [id: string]: string } };
  /** Default: m1. More than one are the cluster `main`. */
  hosts?: string[];
  targets?: string[];
  /** Hosts that could not be asked. */
  down?: string[];
  /** Members that serve, the first as leader. */
  healthy?: string[];
  /** Members of `main-events` that serve, the first as leader; absent: there is no such cluster. */
  healthyEvents?: string[];
  /** Members that run, and know no leader. */
  leaderless?: string[];
  /** What every member that serves says is wrong, in etcd's own words. */
  errors?: string[];
  /** By host: reactions that an earlier run left, as file names. */
  pending?: { [host: string]: string[] };
}

const PLACE = { file: 'inventory.yaml', line: 1, column: 1 };

export const UNREACHABLE: Failure = { reason: 'unreachable', message: 'no route', next: 'look whether it is up' };

/** Reads a word, wants a word. */
export function createModule(reacts: boolean, writes = 'true'): Module<ValueMap, ValueMap, string> {
  return {
    name: 'test.word',
    schema: { type: 'object', description: '', properties: {}, additionalProperties: false },
    ...(reacts ? { reacts: true as const } : {}),
    claims: () => undefined,
    read: () => 'echo word',
    parse({ stdout }) {
      const word = new TextDecoder().decode(stdout);
      if (word === 'ODD') throw new Error('not a word');
      return word;
    },
    diff(want, seen) {
      if (seen === 'REFUSED') return { refused: 'it is precious', next: 'take it away first' };
      return reveal(want.value) === seen ? [] : [{ path: 'value', before: seen, after: want.value! }];
    },
    expect: (want) => String(reveal(want.value)),
    fingerprint: (seen) => `word ${seen}`,
    write: (_want, _changes, { react }) => ({ script: react ? `${writes} # reacts` : writes }),
  };
}

export function readingOf(word: string) {
  return { status: 0, stdout: new TextEncoder().encode(word), stderr: '' };
}

function declareAll(resources: Scene['resources']): Declaration[] {
  return declare(resources).map((declaration) => {
    const wish = resources[declaration.id]!;
    const module = createModule(wish.reacts === true) as AnyModule;
    const broken: Failure = { reason: 'template', message: 'facts.x is not set', next: 'use default' };
    return {
      ...declaration,
      module,
      ...(wish.events ? { cluster: 'main-events' } : {}),
      onlyif: wish.onlyif ?? [],
      render: () => {
        if (wish.broken) return fail(broken);
        return succeed(wish.skipped ? { skip: true } : { skip: false, want: { value: wish.want ?? 'new' } });
      },
    };
  });
}

function probe(host: string, scene: Scene): Probe {
  const words = scene.seen?.[host] ?? {};
  const sightings: Probe['sightings'] = new Map();
  for (const id of Object.keys(scene.resources)) {
    const word = words[id] ?? 'old';
    const failure: Failure = { reason: 'script', host, resource: id, message: 'it could not be read: no such tool' };
    if (word === 'FAILED') sightings.set(id, { kind: 'failed', failure });
    else if (word === 'NOT-HERE') sightings.set(id, { kind: 'not-applicable', because: 'onlyif: test -e /x' });
    else if (word !== 'SILENT') sightings.set(id, { kind: 'read', reading: readingOf(word) });
  }
  const member = {
    memberId: host,
    clusterId: 'c',
    version: '3.5.21',
    learner: false,
    healthy: true,
    errors: scene.errors ?? [],
  };
  const serves = (cluster: string, [leader, ...others]: string[] = []): [string, SeenMember][] =>
    [leader, ...others].includes(host)
      ? [[cluster, { status: { ...member, clusterId: cluster, leader: leader === host } as never }]]
      : [];
  const alone = { status: { ...member, clusterId: 'main', healthy: false, leader: false } as never };
  const leaderless: [string, SeenMember][] = scene.leaderless?.includes(host) ? [['main', alone]] : [];
  return {
    host,
    facts: {},
    pending: new Set(scene.pending?.[host]),
    sightings,
    members: new Map([...serves('main', scene.healthy), ...serves('main-events', scene.healthyEvents), ...leaderless]),
  };
}

export function load(scene: Scene): Loaded {
  const hosts = scene.hosts ?? ['m1'];
  const clusters = hosts.length > 1 ? [cluster('main', hosts)] : [];
  const graph = compileIn(
    hosts.map((host) => ({ host, declarations: declareAll(scene.resources) })),
    clusters,
  );
  if (!graph.ok) throw new Error(JSON.stringify(graph.failures));
  const known = hosts.map((name): [string, Host] => [
    name,
    {
      name,
      address: name,
      become: false,
      becomeUser: 'root',
      vars: {},
      groups: [],
      place: PLACE,
      ...(clusters.length > 0 ? { cluster: 'main' } : {}),
    },
  ]);
  return {
    inventory: {
      hosts: new Map(known),
      groups: new Map(),
      clusters: new Map(clusters.map((c) => [c.name, c])),
      sources: [],
    },
    pillars: {
      of: () => ({ host: '', data: { etcd_events: scene.healthyEvents !== undefined }, origins: () => [] }),
      sources: [],
      warnings: [],
    },
    states: ['s'],
    targets: scene.targets ?? hosts,
    hosts,
    graph: graph.value,
    sources: [{ file: 'states/s.yaml', sha256: 'aa' }],
    limits: { connect: 1, program: 1, stage: 1, run: 1, lock: 0 },
  };
}

/** What the hosts of the scene say. */
export function find(scene: Scene, { hosts }: Loaded): Findings {
  const asked = hosts.filter((host) => !scene.down?.includes(host));
  return {
    probes: new Map(asked.map((host) => [host, probe(host, scene)])),
    failures: new Map((scene.down ?? []).map((host) => [host, { ...UNREACHABLE, host }])),
  };
}

export function plan(scene: Scene): Intent {
  const loaded = load(scene);
  return makePlan('r1', loaded, { ...find(scene, loaded), recalled: new Map() });
}

/** `{ 'm1 a': 'change' }`, or without the host where there is one only. */
export function verdictsOf(intent: Intent): { [resource: string]: string } {
  const alone = intent.plan.hosts.size === 1;
  return Object.fromEntries(
    intent.plan.entries.map((entry) => [alone ? entry.resource : `${entry.host} ${entry.resource}`, entry.verdict]),
  );
}

export function workOf(intent: Intent, id: string): Work {
  const work = [...intent.work.values()].find((each) => each.declaration.id === id);
  if (!work) throw new Error(`${id} has nothing to do`);
  return work;
}
