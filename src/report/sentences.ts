// What happens, in one sentence an event: for terminals and logs. Everything in it is escaped.
import type { Result, RunEvent } from '../engine/events.ts';
import { escapeForTerminal } from './escape.ts';
import { count, formatDuration, listHosts } from './layout.ts';
import { summarizePlan } from './plan-summary.ts';

const HOSTS_WIDTH = 80;

/** Undefined for what only `verbose` tells. */
export function describeEvent(event: RunEvent, verbose: boolean): string | undefined {
  switch (event.type) {
    case 'run-started':
      return `run ${escapeForTerminal(event.run)}: ${event.command} ${escapeForTerminal(event.states.join(' '))} on ${listHosts(event.targets, HOSTS_WIDTH)}`;
    case 'host-connecting':
      return verbose ? on(event.host, 'connecting') : undefined;
    case 'host-connected':
      return verbose ? on(event.host, `connected (${formatDuration(event.ms)})`) : undefined;
    case 'host-probed':
      return on(event.host, `read ${count(event.resources, 'resource')} (${formatDuration(event.ms)})`);
    case 'host-failed':
      return on(event.host, describeFailure(event.failure));
    case 'lock-waiting':
      return `waiting up to ${event.seconds} s for the lock of ${escapeForTerminal(event.cluster)}: ${escapeForTerminal(event.holder)}`;
    case 'planned':
      return [
        ...describeRound(event),
        `plan: ${summarizePlan(event.plan)}`,
        ...event.plan.notes.map((note) => `  ! ${escapeForTerminal(note)}`),
      ].join('\n');
    case 'step-started': {
      const point = event.noReturn ? ' (from here on, taking it back would lose writes)' : '';
      return `step ${event.step} of ${event.steps}: ${escapeForTerminal(`${event.title}  ${event.state}`)}${point}`;
    }
    case 'step-skipped':
      return `step ${event.step} of ${event.steps}: ${escapeForTerminal(event.title)}: behind us, as ${escapeForTerminal(event.unless)} has nothing left to do`;
    case 'stage-started':
      return `stage ${event.stage} of ${event.stages}: ${listHosts(event.hosts, HOSTS_WIDTH)}`;
    case 'gate-waiting':
      return on(event.host, `waiting for cluster ${escapeForTerminal(event.cluster)}: ${escapeForTerminal(event.why)}`);
    case 'gate-passed':
      return on(event.host, `cluster ${escapeForTerminal(event.cluster)} is healthy (${formatDuration(event.ms)})`);
    case 'resource-started':
      return verbose ? on(event.host, `${escapeForTerminal(event.resource)} …`) : undefined;
    case 'resource-finished':
      return verbose || event.result.outcome !== 'ok' ? on(event.result.host, describeResult(event.result)) : undefined;
    case 'stage-finished':
      return `stage ${event.stage} finished (${formatDuration(event.ms)})`;
    case 'proving':
      return `proving: ${listHosts(event.hosts, HOSTS_WIDTH)}`;
    case 'interrupting':
      return `interrupted: stopping ${escapeForTerminal(event.where)}`;
    case 'run-finished':
      return `run ${escapeForTerminal(event.report.run)}: ${event.report.outcome} (${formatDuration(event.report.ms)})`;
  }
}

/** The title of a second round; its stages count from 1 again. Nothing for the first. */
export function describeRound({ founded = [] }: Extract<RunEvent, { type: 'planned' }>): string[] {
  if (founded.length === 0) return [];
  const names = escapeForTerminal(founded.join(', '));
  return [`second round: cluster ${names} is founded and serves; now \`new\` becomes \`existing\``];
}

/** `changed kubernetes.etcd.configured/unit (12 ms)`, with the reason where there is one. */
export function describeResult(result: Result): string {
  const why = result.why ? `: ${describeFailure(result.why)}` : '';
  return `${result.outcome} ${escapeForTerminal(result.resource)} (${formatDuration(result.ms)})${why}`;
}

export function describeFailure(failure: { message: string; next?: string }): string {
  const next = failure.next === undefined ? '' : `; next: ${escapeForTerminal(failure.next)}`;
  return escapeForTerminal(failure.message) + next;
}

function on(host: string, text: string): string {
  return `${escapeForTerminal(host)}: ${text}`;
}
