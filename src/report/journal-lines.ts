// Events as redacted JSON lines: what a run did, for whoever has to understand it later.
import type { Result, RunEvent } from '../engine/events.ts';
import type { Plan, PlanEntry } from '../engine/plan.ts';
import { maskChange, type Shown, type ShownChange } from '../modules/mask.ts';
import type { Change } from '../modules/module.ts';
import { stringifyVisibly } from './escape.ts';
import { toFailure, toJson } from './json.ts';

/** Bytes of JSON that one side of a change may take in a journal. */
const MOST_BYTES = 4096;

/** One line without its newline: the event's fields, `at` in RFC 3339 first. No secrets, no large content. */
export function toJournalLine(event: RunEvent): string {
  const { at, type } = event;
  return stringifyVisibly({ at: at.toISOString(), type, ...fieldsOf(event) });
}

function fieldsOf(event: RunEvent): object {
  switch (event.type) {
    case 'planned':
      return { plan: toPlan(event.plan), ...(event.founded ? { founded: event.founded } : {}) };
    case 'resource-finished':
      return { stage: event.stage, result: toResult(event.result) };
    case 'host-failed':
      return { host: event.host, failure: toFailure(event.failure) };
    case 'run-finished': {
      const { command, journal, ms, results } = event.report;
      // Every result has had its own line; what stands here is that the list is whole.
      const outcomes = results.map(({ host, resource, outcome, why }) => ({
        host,
        resource,
        outcome,
        ...(why ? { why: toFailure(why) } : {}),
      }));
      return {
        report: {
          command,
          ...toJson({ ...event.report, results: [] }),
          results: outcomes,
          ...(journal === undefined ? {} : { journal }),
          ms,
        },
      };
    }
    default: {
      const { at: _at, type: _type, ...plain } = event;
      return plain;
    }
  }
}

/** Without facts: they are asked anew by every run. */
function toPlan(plan: Plan): object {
  return {
    run: plan.run,
    states: plan.states,
    targets: plan.targets,
    notes: plan.notes,
    stages: plan.stages.map(({ number, steps, disrupts }) => ({ number, steps: Object.fromEntries(steps), disrupts })),
    clusters: plan.clusters,
    hosts: [...plan.hosts.values()].map(({ host, target, failure }) => ({
      host,
      target,
      ...(failure ? { failure: toFailure(failure) } : {}),
    })),
    entries: plan.entries.map(toEntry),
  };
}

function toEntry(entry: PlanEntry): object {
  const { changes, why, ...plain } = entry;
  return { ...plain, changes: changes.map(toChange), ...(why ? { why: toFailure(why) } : {}) };
}

function toResult(result: Result): object {
  const { predicted, actual, why, ...plain } = result;
  return {
    ...plain,
    predicted: predicted.map(toChange),
    actual: actual.map(toChange),
    ...(why ? { why: toFailure(why) } : {}),
  };
}

function toChange(change: Change): ShownChange {
  const { path, before, after } = maskChange(change);
  return { path, before: shorten(before), after: shorten(after) };
}

function shorten(value: Shown): Shown {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes <= MOST_BYTES ? value : `(${bytes} bytes, not kept in the journal)`;
}
