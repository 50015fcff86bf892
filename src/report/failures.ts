// Failures as text: what, where, the line at fault, and what to do next.
import { type Failure, formatPlace, type Place } from '../failure.ts';
import { escapeForTerminal } from './escape.ts';
import { count, indent } from './layout.ts';
import { createPaint, type Paint } from './paint.ts';

export interface FailureOptions {
  color?: boolean;
  /** Gives a line (1-based) of a file, to show the fault in it. */
  readLine?: (file: string, line: number) => string | undefined;
}

/** Columns of the source line that are shown around the fault. */
const WINDOW = 120;

/**
 * `file:line:col: message`, the source line with a squiggle under the fault where `readLine` knows it, and the next step.
 * A failure of a host begins with the host and the resource instead.
 */
export function renderFailure(failure: Failure, options: FailureOptions = {}): string {
  const paint = createPaint(options.color ?? false);
  const subject = [failure.host, failure.resource]
    .filter((part) => part !== undefined)
    .map((part) => escapeForTerminal(part))
    .join(' ');
  const where = failure.place ? escapeForTerminal(formatPlace(failure.place)) : subject;
  const lines = [`${where === '' ? '' : `${paint('bold', where)}: `}${formatMessage(failure.message, paint)}`];
  const source = failure.place && options.readLine?.(failure.place.file, failure.place.line);
  if (failure.place && source !== undefined) lines.push(...renderSource(failure.place, source, paint));
  if (failure.place && subject !== '') lines.push(`  ${paint('dim', `in ${subject}`)}`);
  if (failure.next !== undefined) lines.push(`  next: ${escapeForTerminal(failure.next)}`);
  return lines.join('\n');
}

/** All of them, and how many they are. */
export function renderFailures(failures: readonly Failure[], options: FailureOptions = {}): string {
  const rendered = failures.map((failure) => renderFailure(failure, options));
  return failures.length < 2 ? rendered.join('') : [...rendered, count(failures.length, 'problem')].join('\n\n');
}

/** `why` and `next` of a result, without the host and resource that it stands under. */
export function renderWhy(why: Failure, options: FailureOptions = {}): string {
  const { host: _host, resource: _resource, ...rest } = why;
  return indent(renderFailure(rest, options), 2);
}

/** What a host said may be many lines: each further one is marked, so that none can pass for one of ours. */
function formatMessage(message: string, paint: Paint): string {
  const [first = '', ...rest] = escapeForTerminal(message, { multiline: true }).split('\n');
  return [paint('red', first), ...rest.map((line) => `  | ${line}`)].join('\n');
}

function renderSource(place: Place, line: string, paint: Paint): string[] {
  const fault = Math.max(0, place.column - 1);
  const from = fault > WINDOW / 2 ? fault - WINDOW / 2 : 0;
  const before = (from > 0 ? '…' : '') + escapeForTerminal(line.slice(from, fault));
  const token = /^("[^"]*"|'[^']*'|\{\{.*?\}\}|[^\s,\]}]+)?/.exec(line.slice(fault))![0];
  const rest = escapeForTerminal(line.slice(fault, from + WINDOW)) + (line.length > from + WINDOW ? '…' : '');
  const squiggle = Math.max(1, Math.min(columnsOf(escapeForTerminal(token)), columnsOf(rest)));
  const gutter = `  ${place.line} | `;
  return [
    paint('dim', gutter) + before + rest,
    paint('dim', `${' '.repeat(gutter.length - 2)}| `) +
      ' '.repeat(columnsOf(before)) +
      paint('red', '~'.repeat(squiggle)),
  ];
}

/** Columns on a terminal: East Asian characters and emoji take two, combining marks none. */
function columnsOf(text: string): number {
  const wide = text.match(
    /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/gu,
  );
  const none = text.match(/\p{M}/gu);
  return [...text].length + (wide?.length ?? 0) - (none?.length ?? 0);
}
