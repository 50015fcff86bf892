import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quorumOf, rollOrder } from '../../../src/etcd/quorum.ts';
import type { Graph, Stage } from '../../../src/graph/graph.ts';
import { schedule } from '../../../src/graph/schedule.ts';
import type { ClusterView } from '../../../src/modules/module.ts';
import { cluster, compileIn, onHosts, view, type Wish, type Wishes } from './declare.ts';

const KINDS = ['require', 'watch', 'onchanges', 'onfail'] as const;

interface Shape {
  /** Pairs of resource numbers: the first waits for the second. */
  edges: [from: number, to: number, kind: (typeof KINDS)[number]][];
  resources: number;
  shared: boolean[];
}

const shapes: fc.Arbitrary<Shape> = fc.integer({ min: 1, max: 9 }).chain((resources) => {
  const resource = fc.nat(resources - 1);
  return fc.record({
    resources: fc.constant(resources),
    edges: fc.array(fc.tuple(resource, resource, fc.constantFrom(...KINDS)), { maxLength: 14 }),
    shared: fc.array(fc.boolean(), { minLength: resources, maxLength: resources }),
  });
});

/** The same shape without its cycles, still with resources that wait for later ones: numbers are dealt anew. */
const acyclicShapes = shapes.chain((shape) =>
  fc.shuffledSubarray([...Array(shape.resources).keys()], { minLength: shape.resources }).map((rank) => ({
    ...shape,
    edges: shape.edges.filter(([from, to]) => rank[from]! > rank[to]!),
  })),
);

function wishesOf(shape: Shape, disruptive: ReadonlySet<number> = new Set()): Wishes {
  const wishes: Wishes = {};
  for (let number = 0; number < shape.resources; number++) {
    const wish: Wish = { ...(shape.shared[number] && !disruptive.has(number) ? { scope: 'cluster' } : {}) };
    if (disruptive.has(number)) wish.disrupts = 'etcd';
    for (const [from, to, kind] of shape.edges) if (from === number) wish[kind] = [...(wish[kind] ?? []), `r${to}`];
    wishes[`r${number}`] = wish;
  }
  return wishes;
}

function hasCycle(shape: Shape): boolean {
  const reaches = Array.from({ length: shape.resources }, () => new Set<number>());
  for (const [from, to] of shape.edges) reaches[from]!.add(to);
  for (let round = 0; round < shape.resources; round++) {
    for (const set of reaches) for (const to of [...set]) for (const further of reaches[to]!) set.add(further);
  }
  return reaches.some((set, number) => set.has(number));
}

function hostNames(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `m${n + 1}`);
}

function compile(hosts: string[], wishes: Wishes): Graph {
  const graph = compileIn(onHosts(hosts, wishes), [cluster('main', hosts)]);
  if (!graph.ok) throw new Error(graph.failures[0]!.message);
  return graph.value;
}

/** All that a node waits for, at any distance. */
function ancestorsOf(graph: Graph): Map<string, Set<string>> {
  const all = new Map<string, Set<string>>();
  for (const key of graph.order) {
    const own = new Set<string>();
    for (const { to } of graph.nodes.get(key)!.after) {
      own.add(to);
      for (const further of all.get(to)!) own.add(further);
    }
    all.set(key, own);
  }
  return all;
}

function positions(stages: Stage[]): Map<string, { stage: number; host: string; at: number }> {
  const found = new Map<string, { stage: number; host: string; at: number }>();
  for (const stage of stages) {
    for (const [host, keys] of stage.steps) {
      for (const [at, key] of keys.entries()) {
        expect(found.has(key)).toBe(false);
        found.set(key, { stage: stage.number, host, at });
      }
    }
  }
  return found;
}

test('a cycle is found exactly where there is one, and the order respects every requisite', () => {
  fc.assert(
    fc.property(shapes, fc.integer({ min: 1, max: 3 }), (shape, count) => {
      const hosts = hostNames(count);
      const graph = compileIn(onHosts(hosts, wishesOf(shape)), [cluster('main', hosts)]);
      expect(graph.ok).toBe(!hasCycle(shape));
      if (!graph.ok) {
        for (const failure of graph.failures) expect(failure.reason).toBe('cycle');
        return;
      }
      const { nodes, order } = graph.value;
      expect(order.toSorted()).toEqual([...nodes.keys()].toSorted());
      const index = new Map(order.map((key, at) => [key, at]));
      for (const node of nodes.values())
        for (const { to } of node.after) expect(index.get(to)!).toBeLessThan(index.get(node.key)!);
    }),
    { numRuns: 400 },
  );
});

interface Case {
  graph: Graph;
  changing: Set<string>;
  view: ClusterView;
  runner: string;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    shape: acyclicShapes,
    disruptive: fc.uniqueArray(fc.nat(8), { maxLength: 2 }),
    count: fc.constantFrom(3, 4, 5),
    leader: fc.nat(4),
    down: fc.nat(4),
    health: fc.constantFrom('all', 'one down', 'none'),
    runner: fc.nat(2),
    seed: fc.array(fc.boolean(), { minLength: 45, maxLength: 45 }),
  })
  .map(({ shape, disruptive, count, leader, down, health, runner, seed }) => {
    const hosts = hostNames(count);
    const graph = compile(hosts, wishesOf(shape, new Set(disruptive.filter((number) => number < shape.resources))));
    const states = Object.fromEntries(
      hosts.map((host, n) => {
        if (health === 'none' || (health === 'one down' && n === down % count)) return [host, 'down' as const];
        return [host, n === leader % count ? ('leader' as const) : ('up' as const)];
      }),
    );
    return {
      graph,
      changing: new Set(graph.order.filter((_, n) => seed[n % seed.length])),
      view: view('main', states),
      runner: hosts[runner]!,
    };
  });

function stagesOf({ graph, changing, view, runner }: Case): Stage[] {
  return schedule({
    graph,
    changing,
    hostOf: (key) => graph.nodes.get(key)!.host ?? runner,
    clusters: new Map([[view.name, view]]),
  });
}

function disruptions(graph: Graph, stage: Stage): string[] {
  return [...stage.steps]
    .filter(([, keys]) => keys.some((key) => graph.nodes.get(key)!.declaration.disrupts))
    .map(([host]) => host);
}

test('stages hold every changing node once, after all that it waits for, and are the same each time', () => {
  fc.assert(
    fc.property(cases, (given) => {
      const stages = stagesOf(given);
      const where = positions(stages);
      expect([...where.keys()].toSorted()).toEqual([...given.changing].toSorted());
      expect(stages.map((stage) => stage.number)).toEqual(stages.map((_, at) => at + 1));
      for (const [key, ancestors] of ancestorsOf(given.graph)) {
        const here = where.get(key);
        for (const ancestor of ancestors) {
          const there = where.get(ancestor);
          if (!here || !there) continue;
          if (there.host === here.host && there.stage === here.stage) expect(there.at).toBeLessThan(here.at);
          else expect(there.stage).toBeLessThan(here.stage);
        }
      }
      expect(stagesOf(given)).toEqual(stages);
    }),
    { numRuns: 400 },
  );
});

test('without an interruption to gate, no schedule could do with fewer stages', () => {
  fc.assert(
    fc.property(cases, (given) => {
      const idle = {
        ...given,
        view: view('main', Object.fromEntries(given.view.members.map(({ host }) => [host, 'down']))),
      };
      const where = positions(stagesOf(idle));
      for (const [key, ancestors] of ancestorsOf(given.graph)) {
        const here = where.get(key);
        if (!here) continue;
        const needed = [...ancestors].flatMap((ancestor) => {
          const there = where.get(ancestor);
          return there ? [there.stage + (there.host === here.host ? 0 : 1)] : [];
        });
        expect(here.stage).toBe(Math.max(1, ...needed));
      }
    }),
    { numRuns: 400 },
  );
});

test('a cluster that serves loses one member at a time and never its quorum', () => {
  fc.assert(
    fc.property(cases, (given) => {
      const voters = given.view.members.length;
      const down = new Set(given.view.members.filter((member) => !member.healthy).map((member) => member.host));
      fc.pre(voters - down.size >= quorumOf(voters));
      const allHealthy = down.size === 0;
      for (const stage of stagesOf(given)) {
        const interrupted = disruptions(given.graph, stage);
        expect(interrupted.length).toBeLessThanOrEqual(1);
        expect(stage.disrupts).toEqual(interrupted.map((host) => ({ host, cluster: 'main', what: 'etcd' })));
        const healthy = given.view.members.filter(({ host }) => !down.has(host) && !interrupted.includes(host)).length;
        if (allHealthy) expect(healthy).toBeGreaterThanOrEqual(quorumOf(voters));
        // The gate behind the stage lets the roll go on only when the member is back.
        for (const host of interrupted) down.delete(host);
      }
    }),
    { numRuns: 400 },
  );
});

test('a roll takes unhealthy members first and the leader last', () => {
  const single = cases.filter(
    ({ graph }) =>
      new Set(graph.order.filter((key) => graph.nodes.get(key)!.declaration.disrupts).map((key) => key.split(' ')[1]))
        .size === 1,
  );
  fc.assert(
    fc.property(single, (given) => {
      fc.pre(given.view.members.some((member) => member.healthy));
      const rolled = stagesOf(given).flatMap((stage) => stage.disrupts.map(({ host }) => host));
      const order = rollOrder(given.view.members).map((member) => member.host);
      expect(rolled).toEqual(order.filter((host) => rolled.includes(host)));
    }),
    { numRuns: 300 },
  );
});

test('a roll that stops half-way leaves the watched files of the hosts to come untouched', () => {
  fc.assert(
    fc.property(cases, (given) => {
      const where = positions(stagesOf(given));
      const gated = new Set(
        stagesOf(given).flatMap((stage) => stage.disrupts.map(({ host }) => `${stage.number} ${host}`)),
      );
      const ancestors = ancestorsOf(given.graph);
      for (const [key, here] of where) {
        const behind = [...where].filter(([other]) => ancestors.get(other)!.has(key));
        const only = behind.length === 1 ? behind[0]! : undefined;
        if (!only || only[1].host !== here.host || !given.graph.nodes.get(only[0])!.declaration.disrupts) continue;
        if (given.graph.nodes.get(key)!.declaration.disrupts || !gated.has(`${only[1].stage} ${only[1].host}`))
          continue;
        expect(here.stage).toBe(only[1].stage);
      }
    }),
    { numRuns: 300 },
  );
});
