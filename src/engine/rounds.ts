// The rounds of an apply: one, and where it founded a cluster a second, in which `new` becomes `existing`.
import { randomUUID } from 'node:crypto';
import type { Failure } from '../failure.ts';
import type { Graph, NodeKey } from '../graph/graph.ts';
import type { ClusterView } from '../modules/module.ts';
import { type Applied, apply, type Bounds } from './apply.ts';
import { isFounded, judge, type Knowledge, ledgerOf } from './beginning.ts';
import { etcdClusters } from './clusters.ts';
import type { LiveContext, RunContext } from './context.ts';
import { keepLedger, readLedgers } from './controller-ledger.ts';
import type { Outcome, Result } from './events.ts';
import { type Findings, type Intent, makePlan } from './make-plan.ts';
import { prove } from './prove.ts';
import { recallAll } from './recall.ts';

/** What the controller knows of the run's clusters when it begins. */
export async function whatIsKnown({ home, loaded, tokens }: RunContext): Promise<Knowledge> {
  const fresh = new Map(tokens);
  return {
    ledgers: await readLedgers(home, etcdClusters(loaded).keys()),
    newToken(cluster) {
      const token = fresh.get(cluster) ?? randomUUID();
      fresh.set(cluster, token);
      return token;
    },
    now: new Date().toISOString(),
  };
}

/** Applies and proves `intent`, and what a cluster that was founded by it needs then, without another question. */
export async function applyRounds(
  context: LiveContext,
  intent: Intent,
  seen: Findings,
  knowledge: Knowledge,
  bounds: Bounds,
): Promise<Applied> {
  const { applied: first, proved } = await applyOnce(context, intent, seen, knowledge, bounds);
  const founded = foundedWell(context.loaded.graph, intent.plan.clusters, first);
  if (!proved || founded.length === 0) return first;

  // The proof has just asked every host that was written to: that is this round's look.
  const later = { ...knowledge, now: new Date().toISOString() };
  const judged = judge(context.loaded, proved, later);
  const again = makePlan(context.run, context.loaded, await recallAll(context, judged));
  context.emit({ type: 'planned', at: new Date(), plan: again.plan, founded });
  const { applied: second } = await applyOnce(context, again, judged, later, {
    ...bounds,
    start: 'before its second round',
  });
  return mergeRounds(first, second, founded);
}

async function applyOnce(
  context: LiveContext,
  intent: Intent,
  seen: Findings,
  knowledge: Knowledge,
  bounds: Bounds,
): Promise<{ applied: Applied; proved?: Findings }> {
  // Before anything is written: a controller that cannot remember a cluster must not change it.
  const applied = await apply(context, intent, bounds, await keepLedgers(context, intent, knowledge));
  if (context.kill.aborted) return { applied: { ...applied, interrupted: applied.interrupted ?? UNPROVED } };
  const proved = await prove(context, intent, seen, applied);
  return { applied, ...(proved ? { proved } : {}) };
}

const UNPROVED: Failure = {
  reason: 'interrupted',
  message: 'stopped before what was written was proved',
  next: 'run the same command again: it proves what is there, and goes on',
};

async function keepLedgers(
  { home }: LiveContext,
  { plan }: Intent,
  { ledgers }: Knowledge,
): Promise<Failure | undefined> {
  for (const view of plan.clusters) {
    const ledger = ledgerOf(view);
    const failure = ledger && (await keepLedger(home, ledger, ledgers.get(view.name)));
    if (failure) return { ...failure, reason: 'guard' };
  }
  return undefined;
}

const ILL: ReadonlySet<Outcome> = new Set(['failed', 'blocked', 'refused', 'unreachable']);

/** Names of the clusters that were founded and serve; one of them does not wait for another that could not be. */
export function foundedWell(
  graph: Graph,
  clusters: readonly ClusterView[],
  { results, interrupted }: Pick<Applied, 'results' | 'interrupted'>,
): string[] {
  if (interrupted) return [];
  const ill = new Set([...results].filter(([, { outcome }]) => ILL.has(outcome)).map(([key]) => clusterOf(graph, key)));
  return clusters.filter((view) => isFounded(graph, view) && !ill.has(view.name)).map(({ name }) => name);
}

function clusterOf({ nodes }: Graph, key: NodeKey): string | undefined {
  return nodes.get(key)!.cluster;
}

/** The results of both rounds as those of one run, in which the clusters `founded` were founded by the first. */
export function mergeRounds(first: Applied, second: Applied, founded: readonly string[]): Applied {
  const { interrupted } = second;
  return {
    results: mergeResults(first.results, second.results),
    written: new Set([...first.written, ...second.written]),
    ...(interrupted ? { interrupted: whileTaking(interrupted, founded) } : {}),
  };
}

/** The first round stands: what is said is about the second alone. */
function whileTaking(why: Failure, founded: readonly string[]): Failure {
  return {
    ...why,
    message: `cluster ${founded.join(', ')} is founded and serves, but \`new\` has not become \`existing\` on all its members: ${why.message}`,
    next: `${why.next ?? 'run the same command again'}; that run finishes it`,
  };
}

/** A resource of two rounds has changed if it did in one of them, and has not if it ended badly. */
function mergeResults(first: ReadonlyMap<NodeKey, Result>, second: ReadonlyMap<NodeKey, Result>): Map<NodeKey, Result> {
  const merged = new Map(first);
  for (const [key, after] of second) {
    const before = first.get(key);
    merged.set(key, before ? mergeResult(before, after) : after);
  }
  return merged;
}

export function mergeResult(before: Result, after: Result): Result {
  const changed = before.outcome === 'changed' && (after.outcome === 'ok' || after.outcome === 'skipped');
  return {
    ...after,
    outcome: changed ? 'changed' : after.outcome,
    predicted: [...before.predicted, ...after.predicted],
    actual: [...before.actual, ...after.actual],
    ms: before.ms + after.ms,
  };
}
