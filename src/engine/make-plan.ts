// diff: wanted against seen over the whole graph gives the plan, and the work behind it.
import { hasBeen, serves, tellVoters } from '../etcd/quorum.ts';
import type { Failure } from '../failure.ts';
import { type Barrier, blockedBy } from '../graph/blocked.ts';
import type { GraphNode, NodeKey, Stage } from '../graph/graph.ts';
import { schedule } from '../graph/schedule.ts';
import type { Change, ClusterView } from '../modules/module.ts';
import { tellWarning } from '../pillar/warnings.ts';
import type { Declaration } from '../states/declaration.ts';
import type { ValueMap } from '../value.ts';
import type { Judgements } from './beginning.ts';
import { pendingName } from './host-prelude.ts';
import type { Loaded } from './load.ts';
import type { Plan, PlanEntry, PlannedHost } from './plan.ts';
import { factsFor, type Probe, parseReading } from './probe.ts';
import { type Recollections, recollectionKey } from './recall.ts';
import { refuseTurns } from './turns.ts';
import { viewClusters } from './view.ts';

/** One resource's wanted and seen values: what apply makes a write program from. */
export interface Work {
  key: NodeKey;
  host: string;
  declaration: Declaration;
  want: ValueMap;
  /** As the module parsed it. */
  seen: unknown;
  changes: Change[];
  /** The changes with what was prepared for them (see Module.prepare); absent as long as nothing was. */
  prepared?: Change[];
  /** React to what it watches. */
  react: boolean;
  /** Only if one of its `onfail` requisites fails. */
  conditional: boolean;
}

/** A plan, and the work that only apply looks at. */
export interface Intent {
  plan: Plan;
  work: Map<NodeKey, Work>;
  /** Of every resource on a target host, by node. */
  entries: Map<NodeKey, PlanEntry>;
  hostOf(key: NodeKey): string;
}

/** What the hosts said. */
export interface Findings {
  probes: ReadonlyMap<string, Probe>;
  /** Why the other hosts could not be asked. */
  failures: ReadonlyMap<string, Failure>;
  /** On the beginnings of the run's clusters; a plan and its proof are held against the same. */
  judgements?: Judgements;
}

/** Everything that a plan is made from. */
export interface Sightings extends Findings {
  recalled: Recollections;
}

export function makePlan(run: string, loaded: Loaded, seen: Sightings): Intent {
  const views = viewClusters(loaded, seen.probes, seen.judgements);
  const hostOf = chooseHosts(loaded, seen, views);
  const decisions = decideAll(loaded, seen, views, hostOf);
  let stages = arrange(loaded, decisions, views, hostOf);
  const refused = refuseTurns(loaded.graph, stages, views);
  if (refused.size > 0) {
    for (const [key, { verdict, why }] of refused) {
      const { entry } = decisions.get(key)!;
      const placed = { ...why, host: entry.host, resource: entry.resource };
      decisions.set(key, { entry: { ...entry, verdict, why: placed } });
    }
    block(loaded, decisions, views, hostOf);
    stages = arrange(loaded, decisions, views, hostOf);
  }

  const stageOf = new Map<NodeKey, number>();
  for (const stage of stages)
    for (const keys of stage.steps.values()) for (const key of keys) stageOf.set(key, stage.number);

  const work = new Map<NodeKey, Work>();
  for (const [key, item] of workOf(decisions)) {
    work.set(key, { ...item, changes: nameLater(item.changes, stageOf.get(key)) });
  }
  const targets = new Set(loaded.targets);
  const entries = new Map<NodeKey, PlanEntry>();
  for (const key of loaded.graph.order) {
    if (!targets.has(hostOf(key))) continue;
    const stage = stageOf.get(key);
    const { entry } = decisions.get(key)!;
    entries.set(key, stage === undefined ? entry : { ...entry, stage, changes: nameLater(entry.changes, stage) });
  }
  return {
    plan: {
      run,
      states: loaded.states,
      targets: loaded.targets,
      entries: [...entries.values()],
      stages,
      clusters: [...views.values()],
      hosts: new Map(loaded.hosts.map((host) => [host, plannedHost(host, targets.has(host), seen)])),
      notes: [
        ...new Set([...(seen.judgements?.values() ?? [])].flatMap(({ notes }) => notes)),
        ...loaded.pillars.warnings
          .filter(({ hosts }) => hosts.some((host) => loaded.hosts.includes(host)))
          .map(tellWarning),
        ...[...views.values()].flatMap((view) => tellVoters(view) ?? []),
        ...notesOf(entries, decisions),
      ],
    },
    work,
    entries,
    hostOf,
  };
}

function nameLater(changes: Change[], stage: number | undefined): Change[] {
  return changes.map((change) => (change.later ? { ...change, after: `(known after stage ${stage})` } : change));
}

/** What modules want to be known, each thing said once; of what is not going to be done there is nothing to know. */
function notesOf(entries: ReadonlyMap<NodeKey, PlanEntry>, decisions: ReadonlyMap<NodeKey, Decision>): string[] {
  const hosts = new Map<string, Set<string>>();
  for (const [key, { host, verdict }] of entries) {
    if (verdict !== 'ok' && verdict !== 'change') continue;
    for (const note of decisions.get(key)!.notes ?? []) hosts.set(note, (hosts.get(note) ?? new Set()).add(host));
  }
  return [...hosts].map(([note, on]) => `${[...on].join(', ')}: ${note}`);
}

function plannedHost(host: string, target: boolean, seen: Sightings): PlannedHost {
  const facts = seen.probes.get(host)?.facts;
  const failure = seen.failures.get(host);
  return { host, target, ...(facts ? { facts } : {}), ...(failure ? { failure } : {}) };
}

/** A cluster's node runs on the first healthy member that may be written to; at bootstrap, on the first that answers. */
function chooseHosts(loaded: Loaded, seen: Sightings, views: Map<string, ClusterView>): (key: NodeKey) => string {
  const runners = new Map<string, string>();
  for (const view of views.values()) {
    const candidates = view.members.filter((member) => loaded.targets.includes(member.host));
    const runner =
      candidates.find((member) => member.healthy) ?? candidates.find((member) => seen.probes.has(member.host));
    runners.set(view.name, (runner ?? candidates[0] ?? view.members[0]!).host);
  }
  return (key) => {
    const node = loaded.graph.nodes.get(key)!;
    return node.host ?? runners.get(node.cluster!)!;
  };
}

interface Decision {
  entry: PlanEntry;
  work?: Work;
  notes?: string[];
}

/** `blocked` too: what leads up to a refused turn is left out because of its host, and not of another resource. */
const UNDONE: ReadonlySet<PlanEntry['verdict']> = new Set(['refused', 'unreachable', 'failed', 'blocked']);

/** Every resource on its own, then what must not go on because of another. */
function decideAll(
  loaded: Loaded,
  seen: Sightings,
  views: Map<string, ClusterView>,
  hostOf: (key: NodeKey) => string,
): Map<NodeKey, Decision> {
  const decisions = new Map<NodeKey, Decision>();
  for (const key of loaded.graph.order) {
    const node = loaded.graph.nodes.get(key)!;
    const host = hostOf(key);
    const decision = decide(node, host, seen, views.get(node.cluster ?? ''), decisions);
    // A resource outside the target is done or it is not: nobody is going to do it in this run.
    const outside = !loaded.targets.includes(host);
    decisions.set(key, outside ? { entry: decision.entry } : decision);
  }
  block(loaded, decisions, views, hostOf);
  return decisions;
}

function workOf(decisions: ReadonlyMap<NodeKey, Decision>): Map<NodeKey, Work> {
  return new Map([...decisions].flatMap(([key, { work }]) => (work ? [[key, work]] : [])));
}

function arrange(
  { graph }: Loaded,
  decisions: ReadonlyMap<NodeKey, Decision>,
  clusters: Map<string, ClusterView>,
  hostOf: (key: NodeKey) => string,
): Stage[] {
  return schedule({ graph, changing: new Set(workOf(decisions).keys()), hostOf, clusters });
}

/** Takes out of `decisions` what must not go on because of something that is not going to be done. */
function block(
  { graph }: Loaded,
  decisions: Map<NodeKey, Decision>,
  views: Map<string, ClusterView>,
  hostOf: (key: NodeKey) => string,
): void {
  const bad = graph.order.filter((key) => UNDONE.has(decisions.get(key)!.entry.verdict));
  const outside = graph.order.filter((key) => {
    const { entry, work } = decisions.get(key)!;
    return entry.verdict === 'change' && work === undefined;
  });
  const blocked = blockedBy(graph, new Set([...bad, ...outside]), barrierOf(views), new Set(outside));
  for (const [key, cause] of blocked) {
    const { entry } = decisions.get(key)!;
    if (entry.verdict === 'skipped') continue;
    decisions.set(key, {
      entry: { ...entry, verdict: 'blocked', why: blockedWhy(entry, hostOf(cause), decisions.get(cause)!) },
    });
  }
}

/** While a cluster is being made its own resources wait for all members; once it has been, for a quorum of them. */
export function barrierOf(views: ReadonlyMap<string, ClusterView>): (cluster: string) => Barrier {
  return (cluster) => {
    const view = views.get(cluster);
    return view && (serves(view) || hasBeen(view)) ? 'quorum' : 'all';
  };
}

function blockedWhy(entry: PlanEntry, host: string, blocker: Decision): Failure {
  const { verdict, why } = blocker.entry;
  if (verdict === 'blocked' && why) return { ...why, host: entry.host, resource: entry.resource };
  const outside = blocker.work === undefined && blocker.entry.verdict === 'change';
  const state = outside ? 'is not as wanted and is outside the target' : `is ${blocker.entry.verdict}`;
  return {
    reason: 'guard',
    host: entry.host,
    resource: entry.resource,
    message: `it requires ${blocker.entry.resource} on ${host}, which ${state}`,
    next: outside
      ? `widen the target to include ${host}`
      : `mend ${host} first: ${blocker.entry.why?.message ?? 'see above'}`,
  };
}

/** One resource on its own, as if nothing it requires had failed. */
function decide(
  node: GraphNode,
  host: string,
  seen: Sightings,
  view: ClusterView | undefined,
  before: ReadonlyMap<NodeKey, Decision>,
): Decision {
  const declaration = node.declarations.get(host) ?? node.declaration;
  const { id, module } = declaration;
  const entry = {
    host,
    resource: id,
    module: module.name,
    changes: [],
    reactsTo: [],
    ...(declaration.disrupts ? { disrupts: declaration.disrupts } : {}),
    commands: [...declaration.onlyif.map((c) => `onlyif: ${c}`), ...declaration.unless.map((c) => `unless: ${c}`)],
  } satisfies Partial<PlanEntry>;
  const because = (verdict: PlanEntry['verdict'], why?: Failure): Decision => ({
    entry: { ...entry, verdict, ...(why ? { why } : {}) },
  });

  const probe = seen.probes.get(host);
  if (!probe) return because('unreachable', seen.failures.get(host));
  const sighting = probe.sightings.get(id);
  if (!sighting)
    return because('failed', { reason: 'protocol', host, resource: id, message: 'the host did not answer for it' });
  if (sighting.kind === 'failed') return because('failed', sighting.failure);
  if (sighting.kind === 'not-applicable') {
    return because('skipped', {
      reason: 'guard',
      host,
      resource: id,
      message: `not for this host: ${sighting.because}`,
    });
  }

  const wanted = declaration.render(factsFor(probe, declaration.cluster));
  if (!wanted.ok) return because('failed', { host, resource: id, ...wanted.failures[0]! });
  if (wanted.value.skip)
    return because('skipped', { reason: 'guard', host, resource: id, message: 'its `when` is not true here' });

  const parsed = parseReading(module, sighting.reading);
  if (parsed === undefined) {
    const message = 'the host answered something that is no reading of it';
    return because('failed', { reason: 'protocol', host, resource: id, message });
  }
  const recalled = seen.recalled.get(recollectionKey(host, id));
  if (recalled?.ok === false) {
    const why = { ...recalled.failures[0]!, host, resource: id };
    return because(why.reason === 'guard' ? 'refused' : 'failed', why);
  }
  const want = recalled?.value ?? wanted.value.want;
  const changes = module.diff(want, parsed, view);
  if (!Array.isArray(changes)) {
    return because('refused', { reason: 'guard', host, resource: id, message: changes.refused, next: changes.next });
  }

  const triggers = triggersOf(node, before);
  const pending = [...seen.probes.values()].some(
    (other) => other.pending.has(pendingName(id)) && (other === probe || node.host === undefined),
  );
  const triggered = triggers.length > 0 || pending;
  const onchanges = node.after.some((edge) => edge.kind === 'onchanges');
  if (onchanges && !triggered) {
    return because('skipped', {
      reason: 'guard',
      host,
      resource: id,
      message: 'nothing that it waits for (onchanges) changes',
    });
  }
  const react = module.reacts === true && triggered;
  const conditional = node.after.some((edge) => edge.kind === 'onfail');
  const notes = module.warn?.(want, parsed) ?? [];
  if (changes.length === 0 && !react) return { ...because('ok'), notes };

  const reactsTo = react
    ? [...triggers, ...(pending && triggers.length === 0 ? ['an earlier run that did not finish'] : [])]
    : [];
  return {
    entry: conditional
      ? {
          ...entry,
          changes,
          reactsTo,
          verdict: 'skipped',
          why: { reason: 'guard', host, resource: id, message: 'only if what it stands by for (onfail) fails' },
        }
      : { ...entry, changes, reactsTo, verdict: 'change' },
    work: { key: node.key, host, declaration, want, seen: parsed, changes, react, conditional },
    notes,
  };
}

/** What the node watches (or waits for by `onchanges`) and will change in this run: declaration ids. */
function triggersOf(node: GraphNode, before: ReadonlyMap<NodeKey, Decision>): string[] {
  const triggers = node.after
    .filter((edge) => edge.kind === 'watch' || edge.kind === 'onchanges')
    .map((edge) => before.get(edge.to)!)
    .filter((decision) => decision.work !== undefined && !decision.work.conditional)
    .map((decision) => decision.entry.resource);
  return [...new Set(triggers)];
}
