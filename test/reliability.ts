// Writes into docs/reliability.md what came of the restores that a full test run has interrupted: `reliability.ts RESULTS…`.
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Row } from './lab/recording.ts';

const PAGE = new URL('../docs/reliability.md', import.meta.url);
const BEGIN = '<!-- npm run test:full writes what is between this line';
const END = '<!-- and this one -->';
/** What a full run interrupts. What is missing among its results has not been run, and the table says so. */
const WHAT = ['the controller is killed', 'a host crashes', 'a cable is cut', 'a disk is full', 'etcd is killed'];
const WAYS = ['resume', 'undo'] as const;

export function renderTables(rows: readonly Row[]): string {
  const whole = rows.filter(({ of }) => of !== undefined);
  const samples = rows.filter(({ of }) => of === undefined);
  const summary = WHAT.flatMap((what) => WAYS.map((way) => summarise(what, way, whole)));
  const sampled = group(samples, ({ what, way, etcd, runtime }) => [what, way, etcd, runtime].join('\n'));
  const steps = group(whole, ({ what, at }) => [WHAT.indexOf(what), at].join('\n')).sort(byFirst);
  return [
    ...table(
      ['in the middle of a restore', 'then', 'etcd', 'seed', 'moments', 'what came of it'],
      [...summary, ...sampled.map((some) => summaryOf(some, 'a sample'))],
    ),
    '',
    ...table(
      ['when', 'what', ...WAYS.map((way) => `\`${way}\``)],
      steps.map((some) => {
        const [{ at, what }] = some as [Row];
        return [at, what, ...WAYS.map((way) => outcomes(some.filter((row) => row.way === way)))];
      }),
    ),
  ].join('\n');
}

function summarise(what: string, way: string, rows: readonly Row[]): string[] {
  const own = rows.filter((row) => row.what === what && row.way === way);
  if (own.length === 0) return [what, `\`${way}\``, '–', '–', 'none', 'not run'];
  return summaryOf(own, `${own.length} of ${Math.max(...own.map(({ of }) => of!))}`);
}

function summaryOf(rows: readonly Row[], moments: string): string[] {
  const [{ what, way, etcd, runtime, seed }] = rows as [Row];
  const said = (runtime === 'systemd' ? 'systemd' : 'static pods') as string;
  return [what, `\`${way}\``, `${etcd}, ${said}`, `${seed}`, moments, outcomes(rows)];
}

function outcomes(rows: readonly Row[]): string {
  if (rows.length === 0) return 'not run';
  return group(rows, ({ outcome }) => outcome)
    .map((some) => `${some[0]!.outcome}: ${some.length}`)
    .sort()
    .join(', ');
}

function group(rows: readonly Row[], key: (row: Row) => string): Row[][] {
  return [...Map.groupBy(rows, key).values()];
}

/** In the order of {@link WHAT}, then of the steps. */
function byFirst([one]: Row[], [other]: Row[]): number {
  const order = ({ what }: Row) => WHAT.indexOf(what);
  return order(one!) - order(other!) || one!.at.localeCompare(other!.at, 'en', { numeric: true });
}

function table(head: string[], lines: string[][]): string[] {
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`);
}

/** The page with other tables. */
export function replaceTables(page: string, tables: string): string {
  const from = page.indexOf('\n', page.indexOf(BEGIN)) + 1;
  const to = page.indexOf(END);
  if (!page.includes(BEGIN) || to < from) throw new Error('docs/reliability.md has no place for the tables');
  return `${page.slice(0, from)}${tables}\n${page.slice(to)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const rows = process.argv
    .slice(2)
    .flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean))
    .map((line) => JSON.parse(line) as Row);
  writeFileSync(PAGE, replaceTables(readFileSync(PAGE, 'utf8'), renderTables(rows)));
}
