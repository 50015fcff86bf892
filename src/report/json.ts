// The one JSON document of a run; described in schemas/result.schema.json and docs/json.md.
import type { HostCounts, Outcome, Report, Result, RunOutcome } from '../engine/events.ts';
import type { Plan } from '../engine/plan.ts';
import type { Failure } from '../failure.ts';
import { maskChange, type ShownChange } from '../modules/mask.ts';

export interface ResultDocument {
  schema: 1;
  run: string;
  outcome: RunOutcome;
  hosts: { [host: string]: HostCounts };
  results: ResultEntry[];
  /** What the plan wants read before anybody says yes: a new cluster, warnings of preflight. */
  notes: string[];
  failures: Failure[];
}

interface ResultEntry {
  host: string;
  resource: string;
  module: string;
  outcome: Outcome;
  /** From 1; of what the plan put into a stage. */
  stage?: number;
  predicted: ShownChange[];
  actual: ShownChange[];
  why?: Failure;
  ms: number;
}

/** Plain data, ready for JSON.stringify: secrets are masked, nothing else is left out. */
export function toJson(report: Report, plan?: Plan): ResultDocument {
  const stages = new Map(plan?.entries.map((entry) => [`${entry.host} ${entry.resource}`, entry.stage]));
  return {
    schema: 1,
    run: report.run,
    outcome: report.outcome,
    hosts: Object.fromEntries([...report.hosts].map(([host, counts]) => [host, toCounts(counts)])),
    results: report.results.map((result) => toEntry(result, stages.get(`${result.host} ${result.resource}`))),
    notes: plan?.notes ?? [],
    failures: report.failures.map(toFailure),
  };
}

function toCounts(counts: HostCounts): HostCounts {
  const { ok, changed, failed, blocked, skipped, refused, unreachable, programs } = counts;
  return { ok, changed, failed, blocked, skipped, refused, unreachable, programs };
}

function toEntry(result: Result, stage: number | undefined): ResultEntry {
  return {
    host: result.host,
    resource: result.resource,
    module: result.module,
    outcome: result.outcome,
    ...(stage === undefined ? {} : { stage }),
    predicted: result.predicted.map(maskChange),
    actual: result.actual.map(maskChange),
    ...(result.why ? { why: toFailure(result.why) } : {}),
    ms: Math.round(result.ms),
  };
}

/** Field by field, so that whatever else a failure may carry stays behind. */
export function toFailure(failure: Failure): Failure {
  const { reason, message, place, host, resource, next } = failure;
  return {
    reason,
    message,
    ...(place ? { place: { file: place.file, line: place.line, column: place.column } } : {}),
    ...(host === undefined ? {} : { host }),
    ...(resource === undefined ? {} : { resource }),
    ...(next === undefined ? {} : { next }),
  };
}
