// What happens in a run, as it happens. Listeners (terminal, JSON, journal) see this stream and nothing else.
import type { Failure } from '../failure.ts';
import type { Change } from '../modules/module.ts';
import type { Plan } from './plan.ts';

export type Outcome = 'ok' | 'changed' | 'failed' | 'blocked' | 'skipped' | 'refused' | 'unreachable';

/** How one resource of one host ended. */
export interface Result {
  host: string;
  resource: string;
  module: string;
  outcome: Outcome;
  /** What the plan said would change. */
  predicted: Change[];
  /** What did, read back from the host. */
  actual: Change[];
  why?: Failure;
  ms: number;
}

export type HostCounts = Record<Outcome, number> & { programs: number };

/** The exit status follows: see src/cli/exit.ts. */
export type RunOutcome = 'ok' | 'changed' | 'pending' | 'failed' | 'refused' | 'unreachable' | 'interrupted';

export interface Report {
  run: string;
  command: 'plan' | 'apply' | 'facts' | 'restore' | 'resume' | 'undo';
  outcome: RunOutcome;
  hosts: Map<string, HostCounts>;
  results: Result[];
  /** Failures that belong to no resource: an unreachable host, a refused lock. */
  failures: Failure[];
  /** Where the journal is, for a run that wrote one. */
  journal?: string;
  ms: number;
}

export type RunEvent =
  | { type: 'run-started'; at: Date; run: string; command: Report['command']; states: string[]; targets: string[] }
  | { type: 'host-connecting'; at: Date; host: string }
  | { type: 'host-connected'; at: Date; host: string; ms: number }
  | { type: 'host-probed'; at: Date; host: string; resources: number; ms: number }
  | { type: 'host-failed'; at: Date; host: string; failure: Failure }
  | { type: 'lock-waiting'; at: Date; cluster: string; holder: string; seconds: number }
  /** `founded`: this is the second round, for the clusters that the first has founded. */
  | { type: 'planned'; at: Date; plan: Plan; founded?: string[] }
  | { type: 'step-started'; at: Date; step: number; steps: number; title: string; state: string; noReturn: boolean }
  | { type: 'step-skipped'; at: Date; step: number; steps: number; title: string; unless: string }
  | { type: 'stage-started'; at: Date; stage: number; stages: number; hosts: string[] }
  | { type: 'gate-waiting'; at: Date; host: string; cluster: string; why: string }
  | { type: 'gate-passed'; at: Date; host: string; cluster: string; ms: number }
  | { type: 'resource-started'; at: Date; host: string; resource: string; stage: number }
  | { type: 'resource-finished'; at: Date; stage: number; result: Result }
  | { type: 'stage-finished'; at: Date; stage: number; ms: number }
  | { type: 'proving'; at: Date; hosts: string[] }
  | { type: 'interrupting'; at: Date; where: string }
  | { type: 'run-finished'; at: Date; report: Report };

/** A listener must not throw and must not change what it is given. */
export type Listener = (event: RunEvent) => void;
