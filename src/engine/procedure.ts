// A procedure: one state after another on the hosts of one run, over the same connections and under the same locks.
import type { Attempt, Failure } from '../failure.ts';
import type { ProcedureStep } from '../procedures/read.ts';
import { judge } from './beginning.ts';
import type { LiveContext, RunContext } from './context.ts';
import type { Outcome, Report, Result } from './events.ts';
import { type Held, underLock } from './hold.ts';
import type { Loaded } from './load.ts';
import { findLostLock } from './locking.ts';
import { type Look, lookAgain } from './look.ts';
import { type Intent, makePlan } from './make-plan.ts';
import { recallAll } from './recall.ts';
import { applyRounds, mergeResult, whatIsKnown } from './rounds.ts';
import { end, plannedResults, type RunEnd, start } from './run.ts';

/** A step with what its states declare for the hosts of the run. */
export interface LoadedStep extends ProcedureStep {
  loaded: Loaded;
  /** Of `unless`. */
  behind?: Loaded;
}

export interface ProcedureOptions {
  command: Report['command'];
  /**
   * With the locks held, before the first step: looks, asks, brings what the steps need; `take` takes steps of its own
   * first. A failure: none of the others is begun.
   */
  prepare(held: Held, take: TakeSteps): Promise<Attempt<LoadedStep[]>>;
  /** Before a step from which on taking it back loses writes. A failure: it is not begun. */
  beforeNoReturn(held: Held): Promise<Failure[]>;
  /** When all steps are done. */
  finish(held: Held): Promise<Failure[]>;
  /** What the operator does after a step that could not be finished. */
  next: string;
}

/** Undefined: they are done. */
export type TakeSteps = (steps: readonly LoadedStep[]) => Promise<Failure | undefined>;

/**
 * Begins each step only when the one before is finished on all hosts, and derives from the hosts what is left to do: so it
 * may be begun again wherever it stopped. `context.loaded` is what the hosts are asked first.
 */
export async function runProcedure(context: RunContext, options: ProcedureOptions): Promise<RunEnd> {
  const { command } = options;
  const began = start(context, command);
  return underLock(context, {
    // `prepare` knows whom the cluster does without, and asks for every other member.
    minorityLock: true,
    denied: (seen, failures, interrupted) => end(context, command, began, seen, { results: [], failures, interrupted }),
    async work(held) {
      // By host and resource: of two steps with the same one, how both went.
      const results = new Map<string, Result>();
      const take: TakeSteps = (steps) => takeSteps(held, steps, options, results);
      const prepared = await options.prepare(held, take);
      if (!prepared.ok) {
        const { failures } = prepared;
        const interrupted = context.stop.aborted;
        return end(context, command, began, held.seen, { results: [...results.values()], failures, interrupted });
      }
      const stopped = await take(prepared.value);
      const failures = stopped ? [stopped] : await options.finish(held);
      // Whom the steps are not about need not have answered.
      const told = { ...context, loaded: prepared.value[0]?.loaded ?? context.loaded };
      return end(told, command, began, held.seen, {
        results: [...results.values()],
        failures,
        interrupted: stopped?.reason === 'interrupted',
      });
    },
  });
}

async function takeSteps(
  held: Held,
  steps: readonly LoadedStep[],
  { next, beforeNoReturn }: ProcedureOptions,
  results: Map<string, Result>,
): Promise<Failure | undefined> {
  const { live, claim } = held;
  const deadline = Date.now() + live.loaded.limits.run;
  for (const [index, step] of steps.entries()) {
    const at = { step: index + 1, steps: steps.length, title: step.title };
    const stop = (reason: Failure['reason'], why: string): Failure => {
      return { reason, message: `stopped at step ${at.step} of ${at.steps} (${step.title}): ${why}`, next };
    };
    if (live.stop.aborted || live.kill.aborted) return stop('interrupted', 'before it was begun');
    if (step.behind && (await isBehind(aboutHosts(live, step.behind), claim))) {
      live.emit({ type: 'step-skipped', at: new Date(), ...at, unless: step.unless! });
      continue;
    }
    const [failure] = step.pointOfNoReturn ? await beforeNoReturn(held) : [];
    if (failure) return failure;
    live.emit({ type: 'step-started', at: new Date(), ...at, state: step.apply, noReturn: step.pointOfNoReturn });
    const context = aboutHosts(live, step.loaded);
    const seen = await lookAgain(context, claim);
    const knowledge = await whatIsKnown(context);
    const judged = judge(context.loaded, seen, knowledge);
    const intent = makePlan(context.run, context.loaded, await recallAll(context, judged));
    live.emit({ type: 'planned', at: new Date(), plan: intent.plan });

    const { targets } = context.loaded;
    const missing = step.barrier === 'all' ? targets.filter((host) => seen.failures.has(host)) : [];
    if (missing.length > 0)
      return stop('unreachable', `${missing.join(', ')} cannot be asked, and nothing was written`);
    if (step.barrier === 'all' && intent.plan.entries.some(({ verdict }) => ILL.has(verdict))) {
      collect(results, plannedResults(intent, 'skipped'));
      return stop(worstOf(intent.plan.entries.map(({ verdict }) => verdict)), 'nothing of it was written');
    }
    const applied = await applyRounds(context, intent, judged, knowledge, {
      deadline,
      lostLock: () => findLostLock(context.loaded, seen, false),
      start: 'before its first stage',
    });
    const ordered = inOrder(intent, applied.results);
    collect(results, ordered);
    if (applied.interrupted) return { ...applied.interrupted, next };
    if (ordered.some(({ outcome }) => ILL.has(outcome)))
      return stop(worstOf(ordered.map(({ outcome }) => outcome)), 'not all of it could be done');
  }
  return undefined;
}

/** A step may be about fewer hosts than the run has connected. */
function aboutHosts(live: LiveContext, loaded: Loaded): LiveContext {
  const only = <T>(all: ReadonlyMap<string, T>) => new Map([...all].filter(([host]) => loaded.hosts.includes(host)));
  const { sessions, failures } = live.connections;
  return { ...live, loaded, connections: { sessions: only(sessions), failures: only(failures) } };
}

const ILL: ReadonlySet<string> = new Set<Outcome>(['failed', 'blocked', 'refused', 'unreachable']);

/** As what the end of the run is told, in the order of the exit codes. */
function worstOf(outcomes: readonly string[]): Failure['reason'] {
  if (outcomes.includes('refused')) return 'guard';
  return outcomes.includes('failed') ? 'script' : 'unreachable';
}

/** Results come in any order; they are told in that of the plan. */
function inOrder(intent: Intent, results: ReadonlyMap<string, Result>): Result[] {
  return [...intent.entries.keys()].flatMap((key) => results.get(key) ?? []);
}

function collect(all: Map<string, Result>, results: readonly Result[]): void {
  for (const result of results) {
    const key = `${result.host} ${result.resource}`;
    const before = all.get(key);
    all.set(key, before ? mergeResult(before, result) : result);
  }
}

/** Nothing is left to do of the state on any of its hosts, and nothing refuses. */
async function isBehind(context: LiveContext, claim: Held['claim']): Promise<boolean> {
  const seen: Look = await lookAgain(context, claim);
  const judged = judge(context.loaded, seen, await whatIsKnown(context));
  const { plan } = makePlan(context.run, context.loaded, await recallAll(context, judged));
  return plan.entries.every(({ verdict }) => verdict === 'ok' || verdict === 'skipped');
}
