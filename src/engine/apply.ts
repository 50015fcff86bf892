// apply: the stages of a plan, one after another; a stage's hosts side by side.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../failure.ts';
import { blockedBy } from '../graph/blocked.ts';
import type { NodeKey, Stage } from '../graph/graph.ts';
import type { Answer } from '../shell/program.ts';
import { inParallel } from './connections.ts';
import type { LiveContext } from './context.ts';
import type { Outcome, Result } from './events.ts';
import { barrierOf, type Intent, type Work } from './make-plan.ts';
import { failureOf, result, resultOf } from './outcome.ts';
import { viewsOf } from './plan.ts';
import { prepare } from './prepare.ts';
import { checkTurns, closeGates, type FormerProcesses } from './roll.ts';
import { partsOfTurn, takesTurn } from './turns.ts';
import { writeProgram } from './write.ts';

export interface Applied {
  results: Map<NodeKey, Result>;
  /** Hosts that ran a writing program, so that they have to be proved. */
  written: Set<string>;
  /** Why the run ended before its last stage, if it did. */
  interrupted?: Failure;
}

/** One apply in progress. */
interface Application extends Applied {
  context: LiveContext;
  intent: Intent;
}

/** What may end an apply before its last stage, asked before each. */
export interface Bounds {
  /** Of the whole run, in milliseconds since 1970. */
  deadline: number;
  /** Every host with work is locked by this run; this says whether that has ended. */
  lostLock(): Failure | undefined;
  /** Where it stands before its first stage. */
  start: string;
}

/** With `interrupted` nothing is written, and what would have been is told as blocked. */
export async function apply(
  context: LiveContext,
  intent: Intent,
  bounds: Bounds,
  interrupted?: Failure,
): Promise<Applied> {
  const application: Application = { context, intent, results: settledByPlan(intent), written: new Set() };
  if (interrupted) application.interrupted = interrupted;
  for (const stage of intent.plan.stages) {
    await noticeEnded(context);
    const why =
      application.interrupted ?? reasonToStop(context, stage, bounds, intent.plan.stages.length) ?? bounds.lostLock();
    if (why) {
      application.interrupted = why;
      for (const key of [...stage.steps.values()].flat()) settle(application, stage, key, 'blocked', why);
    } else {
      await applyStage(application, stage);
    }
  }
  retractOk(application);
  return application;
}

const NOTICE_MS = 250;

/** Sessions that end together are not noticed together: where one has ended, the others get a moment to be seen. */
async function noticeEnded({ connections }: LiveContext): Promise<void> {
  if ([...connections.sessions.values()].some(({ ended }) => ended)) await sleep(NOTICE_MS);
}

function reasonToStop(
  context: LiveContext,
  stage: Stage,
  { deadline, start }: Bounds,
  stages: number,
): Failure | undefined {
  const done = stage.number - 1;
  const where = done === 0 ? start : `after stage ${done} of ${stages}`;
  if (context.stop.aborted || context.kill.aborted) {
    const next = 'run the same command again: it goes on from what is there';
    return { reason: 'interrupted', message: `stopped ${where}`, next };
  }
  if (Date.now() > deadline) {
    const message = `the run's limit of ${context.loaded.limits.run / 1000} s has passed; stopped ${where}`;
    return { reason: 'timeout', message, next: 'run again, with a longer --run-limit if the hosts are slow' };
  }
  return undefined;
}

/** What the plan alone decides: everything that no stage touches. */
function settledByPlan(intent: Intent): Map<NodeKey, Result> {
  const results = new Map<NodeKey, Result>();
  for (const [key, { host, resource, module, changes, verdict, why }] of intent.entries) {
    if (intent.work.has(key)) continue;
    const outcome: Outcome = verdict === 'change' ? 'skipped' : verdict;
    results.set(key, {
      host,
      resource,
      module,
      outcome,
      predicted: changes,
      actual: [],
      ...(why ? { why } : {}),
      ms: 0,
    });
  }
  return results;
}

async function applyStage(application: Application, stage: Stage): Promise<void> {
  const { context, intent, results } = application;
  const began = performance.now();
  const hosts = [...stage.steps.keys()];
  const stages = intent.plan.stages.length;
  context.emit({ type: 'stage-started', at: new Date(), stage: stage.number, stages, hosts });

  const deadline = Date.now() + context.loaded.limits.stage;
  const former: FormerProcesses = new Map();
  for (const [{ host, cluster }, why] of await checkTurns(context, intent, stage, results, former)) {
    for (const key of partsOfTurn(context.loaded.graph, stage.steps.get(host)!, cluster)) {
      const refused = takesTurn(context.loaded.graph, key, cluster);
      settle(application, stage, key, refused ? 'refused' : 'blocked', why);
    }
  }
  await prepareWork(application, stage, workOf(application, stage));
  // Once more: what could not be prepared stands in the way of others.
  const work = workOf(application, stage);
  await inParallel(work.keys(), context.parallel, (host) =>
    applyOnHost(application, stage, host, work.get(host)!, deadline),
  );
  for (const [key, failed] of await closeGates(context, stage, former, results))
    record(application, stage, key, failed);
  context.emit({ type: 'stage-finished', at: new Date(), stage: stage.number, ms: performance.now() - began });
}

/** What has to be made on this controller first (keys, certificates), for what really is going to be written. */
async function prepareWork(application: Application, stage: Stage, work: Map<string, Work[]>): Promise<void> {
  const { context, intent } = application;
  for (const item of [...work.values()].flat()) {
    const prepared = await prepare(context, intent, item);
    if (prepared.ok) intent.work.set(item.key, prepared.value);
    else {
      const [why] = prepared.failures;
      settle(application, stage, item.key, why!.reason === 'guard' ? 'refused' : 'failed', why);
    }
  }
}

/** What the plan found as wanted cannot be called so any more where what it requires has failed since. */
function retractOk({ context, intent, results }: Application): void {
  for (const [key, cause] of blocked(context, intent, results)) {
    const before = results.get(key);
    if (before?.outcome !== 'ok' || intent.work.has(key)) continue;
    const why = { ...blockedWhy(results.get(cause)!), host: before.host, resource: before.resource };
    results.set(key, { ...before, outcome: 'blocked', why });
  }
}

/** By what must not go on, the cause. */
function blocked({ loaded: { graph } }: LiveContext, { plan }: Intent, results: Applied['results']) {
  const undone = (key: NodeKey) => UNDONE.has(results.get(key)?.outcome ?? 'ok');
  const views = new Map(plan.clusters.map((view) => [view.name, view]));
  return blockedBy(graph, new Set(graph.order.filter(undone)), barrierOf(views));
}

/** By host, the work that nothing stands in the way of; the rest gets its result here. */
function workOf(application: Application, stage: Stage): Map<string, Work[]> {
  const { context, intent, results } = application;
  const causes = blocked(context, intent, results);
  const work = new Map<string, Work[]>();
  for (const [host, keys] of stage.steps) {
    const inStage = new Set(keys);
    const free = keys.filter((key) => {
      if (results.has(key)) return false;
      const cause = causes.get(key);
      if (cause !== undefined) settle(application, stage, key, 'blocked', blockedWhy(results.get(cause)!));
      else if (intent.work.get(key)!.conditional && !isAwaited(application, key, inStage)) {
        settle(application, stage, key, 'skipped');
      } else return true;
      return false;
    });
    if (free.length > 0)
      work.set(
        host,
        free.map((key) => intent.work.get(key)!),
      );
  }
  return work;
}

/** `blocked` too: it may have been left out because of its host, and not because of another resource. */
const UNDONE: ReadonlySet<Outcome> = new Set(['failed', 'refused', 'unreachable', 'blocked']);

function blockedWhy({ host, resource, outcome, why }: Result): Failure {
  if (outcome === 'blocked' && why) return why;
  const state = outcome === 'failed' ? 'failed' : `is ${outcome}`;
  const message = `it requires ${resource} on ${host}, which ${state}`;
  return { reason: 'guard', message, next: `mend ${resource} on ${host}, then run again` };
}

/** A resource that stands by for a failure runs if one has happened, or may happen in this same program. */
function isAwaited({ context, results }: Application, key: NodeKey, inStage: ReadonlySet<NodeKey>): boolean {
  const { after } = context.loaded.graph.nodes.get(key)!;
  return after.some((e) => e.kind === 'onfail' && (inStage.has(e.to) || results.get(e.to)?.outcome === 'failed'));
}

async function applyOnHost(
  application: Application,
  stage: Stage,
  host: string,
  work: Work[],
  deadline: number,
): Promise<void> {
  const { context, intent } = application;
  const { graph, limits } = context.loaded;
  const session = context.connections.sessions.get(host)!;
  const viewOf = viewsOf(intent.plan);
  const answers = new Map<string, Answer>();
  let done = 0;
  const announceNext = () => {
    const next = work[done];
    if (!next) return;
    context.emit({
      type: 'resource-started',
      at: new Date(),
      host,
      resource: next.declaration.id,
      stage: stage.number,
    });
  };

  application.written.add(host);
  announceNext();
  const program = writeProgram(work, { run: context.run, graph, all: intent.work, viewOf });
  const { failure } = await session.write(program, {
    signal: context.kill,
    // In whole seconds, as it will be told.
    limitMs: Math.min(limits.program, Math.max(1, Math.ceil((deadline - Date.now()) / 1000)) * 1000),
    onAnswer: (answer) => {
      answers.set(answer.id, answer);
      const item = work[done];
      const settled = item && resultOf(item, answers, viewOf(item.declaration));
      if (!settled) return;
      done += 1;
      record(application, stage, item.key, settled);
      announceNext();
    },
  });
  for (const [index, item] of work.slice(done).entries()) {
    if (index === 0 && failure) settle(application, stage, item.key, 'failed', failure);
    else
      settle(application, stage, item.key, context.kill.aborted ? 'blocked' : 'unreachable', notBegun(item, failure));
  }
}

function notBegun(work: Work, failure: Failure | undefined): Failure {
  const message = `not begun: ${failure?.message ?? 'the program ended early'}`;
  return failureOf(work, 'lost', message, 'run again once the host answers: it goes on from what is there');
}

function settle(application: Application, stage: Stage, key: NodeKey, outcome: Outcome, why?: Failure): void {
  const work = application.intent.work.get(key)!;
  const placed = why && { ...why, host: work.host, resource: work.declaration.id };
  record(application, stage, key, result(work, outcome, undefined, [], placed));
}

function record({ context, results }: Application, stage: Stage, key: NodeKey, settled: Result): void {
  results.set(key, settled);
  context.emit({ type: 'resource-finished', at: new Date(), stage: stage.number, result: settled });
}
