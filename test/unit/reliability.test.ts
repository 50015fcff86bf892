// The tables of docs/reliability.md: what was not run is never shown as if it had been.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Row } from '../lab/recording.ts';
import { renderTables, replaceTables } from '../reliability.ts';

const row = (more: Partial<Row>): Row => ({
  what: 'a host crashes',
  way: 'resume',
  etcd: '3.5.30',
  runtime: 'systemd',
  seed: 1,
  at: 'step 4',
  how: 'm1',
  outcome: 'finished',
  of: 5,
  ...more,
});
const lineOf = (text: string, ...words: string[]) =>
  text.split('\n').find((line) => words.every((word) => line.includes(`| ${word} |`)));

it('says of each thing how many moments of how many were run, with which etcd, and what came of them', () => {
  const text = renderTables([
    row({}),
    row({ at: 'step 5', outcome: 'failed' }),
    row({ way: 'undo', outcome: 'not begun' }),
  ]);
  expect(lineOf(text, 'a host crashes', '`resume`')).toBe(
    '| a host crashes | `resume` | 3.5.30, systemd | 1 | 2 of 5 | failed: 1, finished: 1 |',
  );
  expect(lineOf(text, 'step 4')).toBe('| step 4 | a host crashes | finished: 1 | not begun: 1 |');
  expect(lineOf(text, 'step 5')).toBe('| step 5 | a host crashes | failed: 1 | not run |');
});

it('says what was not run, and keeps samples of other versions apart', () => {
  const { of: _of, ...sample } = row({ etcd: '3.4.23', runtime: 'static_pod' });
  const text = renderTables([sample]);
  expect(lineOf(text, 'a host crashes', '`undo`')).toBe('| a host crashes | `undo` | – | – | none | not run |');
  expect(text.match(/not run/g)).toHaveLength(10);
  expect(lineOf(text, 'a sample')).toBe(
    '| a host crashes | `resume` | 3.4.23, static pods | 1 | a sample | finished: 1 |',
  );
});

it('finds its place in the page, and leaves the rest of it alone', () => {
  const page = readFileSync(new URL('../../docs/reliability.md', import.meta.url), 'utf8');
  const replaced = replaceTables(page, 'TABLES');
  expect(replaced).toContain('\nTABLES\n');
  expect(replaceTables(replaced, renderTables([]))).toContain('not run');
  expect(replaced.split('\n')[0]).toBe(page.split('\n')[0]);
  expect(() => replaceTables('# a page\n', '')).toThrow(/no place/);
});
