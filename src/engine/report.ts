// From results to a report: counts per host, and one outcome for the whole run.
import type { Failure } from '../failure.ts';
import type { HostCounts, Outcome, Report, Result, RunOutcome } from './events.ts';

export interface ReportInput {
  run: string;
  command: Report['command'];
  targets: string[];
  results: Result[];
  failures: Failure[];
  /** Programs sent, by host. */
  programs: ReadonlyMap<string, number>;
  /** Something was left undone because of Ctrl-C. */
  interrupted: boolean;
  /** The plan has changes that this command does not make. */
  pending: boolean;
  journal?: string | undefined;
  ms: number;
}

export function makeReport(input: ReportInput): Report {
  const hosts = new Map<string, HostCounts>();
  const countsOf = (host: string): HostCounts => {
    const known = hosts.get(host) ?? {
      ok: 0,
      changed: 0,
      failed: 0,
      blocked: 0,
      skipped: 0,
      refused: 0,
      unreachable: 0,
      programs: 0,
    };
    hosts.set(host, known);
    return known;
  };
  for (const host of input.targets) countsOf(host).programs = input.programs.get(host) ?? 0;
  for (const { host, outcome } of input.results) countsOf(host)[outcome] += 1;
  for (const [host, programs] of input.programs) countsOf(host).programs = programs;
  return {
    run: input.run,
    command: input.command,
    outcome: runOutcome(input),
    hosts,
    results: input.results,
    failures: input.failures,
    ...(input.journal === undefined ? {} : { journal: input.journal }),
    ms: input.ms,
  };
}

const REFUSALS: ReadonlySet<Failure['reason']> = new Set([
  'locked',
  'quorum',
  'plan-differs',
  'not-confirmed',
  'snapshot',
  'guard',
]);
const UNREACHABLE: ReadonlySet<Failure['reason']> = new Set(['unreachable', 'host-key', 'become']);

/** A failure of a run that names a host is the reason why that host could not be asked: whatever it was, nothing failed. */
function isOutOfReach({ reason, host }: Failure): boolean {
  return UNREACHABLE.has(reason) || (host !== undefined && !REFUSALS.has(reason));
}

/** The worst wins, in the order of DESIGN's exit codes. */
function runOutcome({ results, failures, interrupted, pending }: ReportInput): RunOutcome {
  const has = (outcome: Outcome) => results.some((result) => result.outcome === outcome);
  if (interrupted) return 'interrupted';
  if (has('refused') || failures.some(({ reason }) => REFUSALS.has(reason))) return 'refused';
  if (has('failed') || failures.some((failure) => !REFUSALS.has(failure.reason) && !isOutOfReach(failure)))
    return 'failed';
  if (has('unreachable') || failures.some(isOutOfReach)) return 'unreachable';
  if (has('blocked')) return 'failed';
  if (pending) return 'pending';
  return has('changed') ? 'changed' : 'ok';
}
