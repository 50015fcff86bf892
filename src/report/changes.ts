// What changes in one resource, as text that an operator reads before saying yes.

import { isSecret, maskChange, type Shown, type ShownChange } from '../modules/mask.ts';
import type { Change } from '../modules/module.ts';
import { diffLines } from './diff.ts';
import { escapeForTerminal } from './escape.ts';
import { createPaint, type Paint } from './paint.ts';

export interface RenderOptions {
  /** Colours and bold, as ANSI sequences. */
  color?: boolean;
  /** All of long diffs and values, and what needs no attention. */
  verbose?: boolean;
  /** Columns. Long lists and values are cut to it; diffs are not. */
  width?: number;
}

export const DEFAULT_WIDTH = 100;
/** Lines of one diff that are shown without `-v`. */
const MOST_LINES = 40;

/** One change a line (`mode: 0644 → 0600`), texts and documents as a unified diff below their name. Secrets are masked. */
export function renderChanges(changes: readonly Change[], options: RenderOptions = {}): string {
  const paint = createPaint(options.color ?? false);
  return changes.flatMap((change) => renderChange(change, options, paint)).join('\n');
}

function renderChange(change: Change, options: RenderOptions, paint: Paint): string[] {
  const shown = maskChange(change);
  const name = escapeForTerminal(change.path);
  if (isSecret(change)) return [`${name}: ${describeSecret(shown)}`];
  if (!isText(shown.before) && !isText(shown.after)) {
    const width = options.verbose ? Number.POSITIVE_INFINITY : (options.width ?? DEFAULT_WIDTH);
    const [before, after] = [formatScalar(shown.before, width), formatScalar(shown.after, width)];
    return [`${name}: ${paint('red', before)} → ${paint('green', after)}`];
  }
  const lines = diffLines(toText(shown.before), toText(shown.after));
  if (lines.length === 0) return [`${name}: a secret in it changes (not shown)`];
  const kept = options.verbose || lines.length <= MOST_LINES ? lines : lines.slice(0, MOST_LINES);
  const more = lines.length - kept.length;
  return [
    `${name}:`,
    ...kept.map((line) => `  ${paintDiff(line, paint)}`),
    ...(more > 0 ? [`  ${paint('dim', `… ${more} more ${more === 1 ? 'line' : 'lines'} (-v shows all)`)}`] : []),
  ];
}

function describeSecret(shown: ShownChange): string {
  if (shown.before === null) return 'a secret is set (not shown)';
  if (shown.after === null) return 'a secret is taken away (not shown)';
  return 'a secret changes (not shown)';
}

/** Text and documents are compared by line; everything else fits on one. */
function isText(value: Shown): boolean {
  return typeof value === 'string' ? value.includes('\n') : typeof value === 'object' && value !== null;
}

function toText(value: Shown): string {
  if (value === null) return '';
  if (typeof value === 'object') return `${JSON.stringify(value, undefined, 2)}\n`;
  return String(value);
}

function formatScalar(value: Shown, width: number): string {
  if (value === null) return '(none)';
  const text = String(value);
  const visible = escapeForTerminal(text === '' || text.trim() !== text ? JSON.stringify(text) : text);
  return visible.length <= width
    ? visible
    : `${visible.slice(0, width)}… (${visible.length - width} more, -v shows all)`;
}

function paintDiff(line: string, paint: Paint): string {
  const text = escapeForTerminal(line, { multiline: true });
  if (line.startsWith('@@')) return paint('cyan', text);
  if (line.startsWith('+')) return paint('green', text);
  return line.startsWith('-') ? paint('red', text) : text;
}
