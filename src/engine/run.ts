// A run from end to end: look, plan, and for an apply: lock, confirm, apply, prove, report.
import type { Failure } from '../failure.ts';
import type { Applied } from './apply.ts';
import { judge } from './beginning.ts';
import { type Connections, closeAll } from './connections.ts';
import type { RunContext } from './context.ts';
import type { Report, Result } from './events.ts';
import { underLock } from './hold.ts';
import { findLostLock } from './locking.ts';
import { type Look, look } from './look.ts';
import { type Intent, makePlan } from './make-plan.ts';
import { onlyRecords, type Plan } from './plan.ts';
import { recallAll } from './recall.ts';
import { makeReport } from './report.ts';
import { applyRounds, whatIsKnown } from './rounds.ts';

export interface RunEnd {
  report: Report;
  /** Absent when the run ended before there was one. */
  plan?: Plan;
  intent?: Intent;
}

/** What would be done. Nothing is written anywhere. */
export async function runPlan(context: RunContext): Promise<RunEnd> {
  const began = start(context, 'plan');
  const seen = await look(context);
  try {
    const knowledge = await whatIsKnown(context);
    const intent = makePlan(
      context.run,
      context.loaded,
      await recallAll(context, judge(context.loaded, seen, knowledge)),
    );
    context.emit({ type: 'planned', at: new Date(), plan: intent.plan });
    const results = plannedResults(intent, 'changed');
    return end(context, 'plan', began, seen, {
      intent,
      results,
      pending: [...intent.work.keys()].some((key) => !onlyRecords(intent.entries.get(key)!)),
    });
  } finally {
    await closeAll(seen.connections);
  }
}

export interface ApplyOptions {
  /** Asked with the plan made and the locks held, also when there is nothing to do. A failure: nothing is written. */
  confirm(intent: Intent): Promise<Failure | undefined>;
  /** Go on with the lock of fewer than half of a cluster's members. */
  minorityLock: boolean;
}

export async function runApply(context: RunContext, options: ApplyOptions): Promise<RunEnd> {
  const began = start(context, 'apply');
  const { minorityLock } = options;
  return underLock(context, {
    minorityLock,
    denied: (seen, failures, interrupted) => end(context, 'apply', began, seen, { results: [], failures, interrupted }),
    async work({ live, seen }) {
      const knowledge = await whatIsKnown(context);
      const judged = judge(context.loaded, seen, knowledge);
      const intent = makePlan(context.run, context.loaded, await recallAll(context, judged));
      context.emit({ type: 'planned', at: new Date(), plan: intent.plan });
      const refusal = await options.confirm(intent);
      if (refusal) {
        const results = plannedResults(intent, 'skipped');
        return end(context, 'apply', began, seen, { intent, results, failures: [refusal] });
      }
      const rounds = await applyRounds(live, intent, judged, knowledge, {
        deadline: Date.now() + context.loaded.limits.run,
        lostLock: () => findLostLock(context.loaded, seen, minorityLock),
        start: 'before the first stage: nothing was written',
      });
      return end(context, 'apply', began, seen, appliedEnd(intent, rounds));
    },
  });
}

export function start(context: RunContext, command: Report['command']): number {
  const { run, loaded } = context;
  context.emit({ type: 'run-started', at: new Date(), run, command, states: loaded.states, targets: loaded.targets });
  return performance.now();
}

export interface Ending {
  intent?: Intent;
  results: Result[];
  failures?: Failure[];
  interrupted?: boolean;
  pending?: boolean;
}

function appliedEnd(intent: Intent, applied: Applied): Ending {
  return {
    intent,
    // Hosts work side by side, so results come in any order; they are told in the order of the plan.
    results: [...intent.entries.keys()].flatMap((key) => applied.results.get(key) ?? []),
    failures: applied.interrupted ? [applied.interrupted] : [],
    interrupted: applied.interrupted?.reason === 'interrupted',
  };
}

export function end(
  context: RunContext,
  command: Report['command'],
  began: number,
  seen: Look,
  ending: Ending,
): RunEnd {
  const targets = new Set(context.loaded.targets);
  const unreachable = [...seen.failures.values()].filter((failure) => !failure.host || targets.has(failure.host));
  const report = makeReport({
    run: context.run,
    command,
    targets: context.loaded.targets,
    results: ending.results,
    failures: [...unreachable, ...(ending.failures ?? [])],
    programs: programsOf(seen.connections),
    interrupted: ending.interrupted ?? context.kill.aborted,
    pending: ending.pending ?? false,
    ms: performance.now() - began,
  });
  context.emit({ type: 'run-finished', at: new Date(), report });
  return { report, ...(ending.intent ? { plan: ending.intent.plan, intent: ending.intent } : {}) };
}

function programsOf(connections: Connections): Map<string, number> {
  return new Map([...connections.sessions].map(([host, session]) => [host, session.programs]));
}

/** Nothing was done: a plan counts what would change as changed (with nothing actual), a declined apply as skipped. */
export function plannedResults(intent: Intent, change: 'changed' | 'skipped'): Result[] {
  return intent.plan.entries.map((entry) => ({
    host: entry.host,
    resource: entry.resource,
    module: entry.module,
    outcome: entry.verdict !== 'change' ? entry.verdict : change === 'changed' && onlyRecords(entry) ? 'ok' : change,
    predicted: entry.changes,
    actual: [],
    ...(entry.why ? { why: entry.why } : {}),
    ms: 0,
  }));
}
