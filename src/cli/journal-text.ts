// A journal in words: one line an event, as `runs show` prints it.
import type { RecordedRun } from '../engine/journal.ts';
import { escapeForTerminal } from '../report/escape.ts';

type Fields = Record<string, unknown>;

/** `lines` as the journal has them: JSON of whatever version of Quorate wrote it, so nothing is taken for granted. */
export function describeJournal(lines: Fields[], result: RecordedRun['result']): string[] {
  const told = lines.map((line) => `${line.at}  ${describeLine(line)}`);
  const end = result === undefined ? ['The run did not end: its controller was stopped or killed.'] : [];
  return [...told, ...end].map((text) => escapeForTerminal(text));
}

function describeLine({ at: _at, type, ...fields }: Fields): string {
  const { result, failure, plan, report, ...rest } = fields as { [name: string]: Fields | undefined };
  switch (type) {
    case 'resource-finished':
      return `${type}  ${result?.host}: ${result?.outcome} ${result?.resource}${reasonOf(result?.why)}`;
    case 'host-failed':
      return `${type}  ${fields.host}${reasonOf(failure)}`;
    case 'planned': {
      const entries = Array.isArray(plan?.entries) ? (plan.entries as Fields[]) : [];
      const changes = entries.filter(({ stage }) => stage !== undefined).length;
      return `${type}  ${changes} of ${entries.length} resources to change`;
    }
    case 'run-finished':
      return `${type}  ${report?.outcome}`;
    default:
      return [`${type}`, Object.entries(rest).map(describeField).join('  ')].join('  ').trimEnd();
  }
}

function reasonOf(why: unknown): string {
  return typeof why === 'object' && why !== null && 'message' in why ? `: ${why.message}` : '';
}

function describeField([name, value]: [string, unknown]): string {
  if (name === 'ms') return `${Math.round(Number(value))} ms`;
  return `${name}: ${typeof value === 'string' ? value : Array.isArray(value) ? value.join(' ') : JSON.stringify(value)}`;
}
