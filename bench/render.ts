// RESULTS.md: one table a part, the ratio judged and the times beside it.
import type { PartResult, Results } from './results.ts';
import { type CountRow, isMet, type RatioRow, type Row, type Target } from './row.ts';
import type { Spread } from './spread.ts';

const INTRODUCTION = `# What Quorate costs

Written by \`npm run bench\`; \`npm run bench -- PART…\` measures some parts again and keeps the others. Every ratio is of two
things that ran in turn on the same hosts with the same login: the median of its rounds, with the least and the greatest
in brackets. Times depend on the machine, and are shown, not judged. A \`+\` behind a commit: files differed from it.
`;

export function renderResults({ parts }: Results): string {
  return [INTRODUCTION, ...Object.entries(parts).map(([name, part]) => renderPart(name, part))].join('\n');
}

function renderPart(name: string, { about, commit, measured, machine, load, rows }: PartResult): string {
  const ratios = rows.filter((row) => row.kind === 'ratio');
  const counts = rows.filter((row) => row.kind === 'count');
  return [
    `## ${name}\n\n${about}\n\n${commit}, ${measured.slice(0, 10)}, load ${load}: ${machine}`,
    ...(ratios.length > 0 ? [table(RATIO_HEAD, ratios.map(ratioCells))] : []),
    ...(ratios.length > 0 ? [table(COST_HEAD, ratios.flatMap(costCells))] : []),
    ...(counts.length > 0 ? [table(COUNT_HEAD, counts.map(countCells))] : []),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

const RATIO_HEAD = ['what', 'against', 'ratio', 'target', 'met'];
function ratioCells(row: RatioRow): string[] {
  return [row.what, row.b.name, `**${short(row.ratio.median)}** (${range(row.ratio)})`, ...judged(row)];
}

const COST_HEAD = ['what', 'ms', 'CPU s here', 'peak MiB of a process', 'CPU s on all hosts'];
function costCells({ what, a, b, hostCpuSeconds }: RatioRow): string[][] {
  const cells = ({ ms, cpuSeconds, peakKiB }: RatioRow['a']) => [
    `${Math.round(ms.median)} (${Math.round(ms.min)}–${Math.round(ms.max)})`,
    short(cpuSeconds.median),
    String(Math.round(peakKiB.max / 1024)),
  ];
  return [
    [what, ...cells(a), hostCpuSeconds === undefined ? '' : short(hostCpuSeconds)],
    [`· ${b.name}`, ...cells(b), ''],
  ];
}

const COUNT_HEAD = ['what', 'counted', 'target', 'met'];
function countCells(row: CountRow): string[] {
  return [row.what, `**${short(row.value)}** ${row.unit}`, ...judged(row)];
}

function judged(row: Row): [target: string, met: string] {
  const met = isMet(row);
  return [row.target ? tellTarget(row.target) : '', met === undefined ? '' : met ? 'yes' : '**no**'];
}

export function tellTarget({ limit, is }: Target): string {
  return `${is === 'most' ? '≤' : '≥'} ${limit}`;
}

function range({ min, max }: Spread): string {
  return `${short(min)}–${short(max)}`;
}

/** Three digits that mean something. */
export function short(value: number): string {
  return Number.isInteger(value)
    ? String(value)
    : value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}
