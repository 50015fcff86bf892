// The rounds of an apply: one, and where it founded a cluster a second, in which `new` becomes `existing`.
import { randomUUID } from 'node:crypto';
import type { Failure } from '../failure.ts';
import type { NodeKey } from '../graph/graph.ts';
import { type Applied, apply } from './apply.ts';
import { isFounded, judge, type Knowledge, ledgerOf } from './beginning.ts';
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
    ledgers: await readLedgers(home, loaded.inventory.clusters.keys()),
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
  lostLock: () => Failure | undefined,
): Promise<Applied> {
  const first = await applyOnce(context, intent, seen, knowledge, lostLock);
  if (
    !first.proved ||
    !intent.plan.clusters.some((view) => isFounded(context.loaded.graph, view)) ||
    !isWell(first.applied)
  )
    return first.applied;
  const why = reasonToStop(context, lostLock);
  if (why) return { ...first.applied, interrupted: why };

  // The proof has just asked every host that was written to: that is this round's look.
  const later = { ...knowledge, now: new Date().toISOString() };
  const judged = judge(context.loaded, first.proved, later);
  const again = makePlan(context.run, context.loaded, await recallAll(context, judged));
  context.emit({ type: 'planned', at: new Date(), plan: again.plan });
  const second = await applyOnce(context, again, judged, later, lostLock);
  return {
    results: mergeResults(first.applied.results, second.applied.results),
    written: new Set([...first.applied.written, ...second.applied.written]),
    ...(second.applied.interrupted ? { interrupted: second.applied.interrupted } : {}),
  };
}

async function applyOnce(
  context: LiveContext,
  intent: Intent,
  seen: Findings,
  knowledge: Knowledge,
  lostLock: () => Failure | undefined,
): Promise<{ applied: Applied; proved?: Findings }> {
  for (const view of intent.plan.clusters) {
    const ledger = ledgerOf(view);
    const failure = ledger && (await keepLedger(context.home, ledger, knowledge.ledgers.get(view.name)));
    // Before anything is written: a controller that cannot remember a cluster must not change it.
    if (failure)
      return { applied: { results: new Map(), written: new Set(), interrupted: { ...failure, reason: 'guard' } } };
  }
  const applied = await apply(context, intent, lostLock);
  if (context.kill.aborted) return { applied };
  const proved = await prove(context, intent, seen, applied);
  return { applied, ...(proved ? { proved } : {}) };
}

const ILL: ReadonlySet<Outcome> = new Set(['failed', 'blocked', 'refused', 'unreachable']);

function isWell({ results, interrupted }: Applied): boolean {
  return interrupted === undefined && ![...results.values()].some(({ outcome }) => ILL.has(outcome));
}

function reasonToStop({ stop, kill }: LiveContext, lostLock: () => Failure | undefined): Failure | undefined {
  if (!stop.aborted && !kill.aborted) return lostLock();
  return {
    reason: 'interrupted',
    message: 'stopped after the cluster was founded; its members are still declared as `new` there',
    next: 'run the same command again: it goes on from what is there',
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

function mergeResult(before: Result, after: Result): Result {
  const changed = before.outcome === 'changed' && (after.outcome === 'ok' || after.outcome === 'skipped');
  return {
    ...after,
    outcome: changed ? 'changed' : after.outcome,
    predicted: [...before.predicted, ...after.predicted],
    actual: [...before.actual, ...after.actual],
    ms: before.ms + after.ms,
  };
}
