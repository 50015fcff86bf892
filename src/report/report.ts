// The end of a run as text: a table of hosts, what went wrong and what to do about it, and where to read more.
import type { HostCounts, Outcome, Report, Result, RunOutcome } from '../engine/events.ts';
import { blockedBlocks } from './blocked.ts';
import { DEFAULT_WIDTH, type RenderOptions } from './changes.ts';
import { escapeForTerminal } from './escape.ts';
import { renderFailure, renderWhy } from './failures.ts';
import { formatDuration, renderGroups } from './layout.ts';
import { createPaint, type Paint, type Style } from './paint.ts';

const OUTCOMES: readonly Outcome[] = ['ok', 'changed', 'failed', 'blocked', 'skipped', 'refused', 'unreachable'];

const STYLES: { readonly [outcome in Outcome]: Style } = {
  ok: 'green',
  changed: 'yellow',
  failed: 'red',
  blocked: 'yellow',
  skipped: 'dim',
  refused: 'red',
  unreachable: 'red',
};

const SENTENCES: { readonly [outcome in RunOutcome]: string } = {
  ok: 'nothing was left to do',
  changed: 'done and proved',
  pending: 'changes are pending; nothing was written',
  failed: 'not everything could be done',
  refused: 'a guard refused',
  unreachable: 'not every host could be reached',
  interrupted: 'interrupted',
};

/** Ends with a newline. What failed is told once for all hosts where it is the same. */
export function renderReport(report: Report, options: RenderOptions = {}): string {
  const color = options.color ?? false;
  const paint = createPaint(color);
  const width = options.width ?? DEFAULT_WIDTH;
  const parts: string[] = [];
  if (report.hosts.size > 0) parts.push(renderTable(report.hosts, paint));
  for (const outcome of ['failed', 'refused', 'blocked', ...(options.verbose ? (['skipped'] as const) : [])] as const) {
    const results = report.results.filter((result) => result.outcome === outcome);
    const blocks =
      outcome === 'blocked'
        ? blockedBlocks(results, options)
        : results.map((result) => ({
            host: result.host,
            subject: result.resource,
            text: describeProblem(result, color),
          }));
    if (blocks.length === 0) continue;
    const groups = renderGroups(blocks, width, (hosts) => paint('bold', hosts));
    parts.push([paint(STYLES[outcome], `${outcome[0]!.toUpperCase()}${outcome.slice(1)}`), ...groups].join('\n'));
  }
  parts.push(...report.failures.map((failure) => renderFailure(failure, { color })));
  const journal = report.journal === undefined ? '' : `\nJournal: ${escapeForTerminal(report.journal)}`;
  const end = `Run ${escapeForTerminal(report.run)}: ${SENTENCES[report.outcome]}`;
  parts.push(`${paint('bold', end)} (${formatDuration(report.ms)})${journal}`);
  return `${parts.join('\n\n')}\n`;
}

function describeProblem(result: Result, color: boolean): string {
  return escapeForTerminal(result.resource) + (result.why ? `\n${renderWhy(result.why, { color })}` : '');
}

function renderTable(hosts: ReadonlyMap<string, HostCounts>, paint: Paint): string {
  const columns = [...OUTCOMES, 'programs'] as const;
  const names = [...hosts.keys()].map((host) => escapeForTerminal(host));
  const first = Math.max('host'.length, ...names.map((name) => name.length));
  const header = ['host'.padEnd(first), ...columns].join('  ');
  const rows = [...hosts.values()].map((counts, at) => {
    const cells = columns.map((column) => {
      const cell = String(counts[column]).padStart(column.length);
      return column === 'programs' || counts[column] === 0 ? cell : paint(STYLES[column], cell);
    });
    return [names[at]!.padEnd(first), ...cells].join('  ');
  });
  return [paint('bold', header), ...rows].join('\n');
}
