// What the measurements say of themselves: a ratio is judged by its median, and a part that fails to work has no figure.
import { expect, it } from 'vitest';
import { comparePairs } from '../../../bench/pairs.ts';
import { renderResults } from '../../../bench/render.ts';
import { isMet, type RatioRow } from '../../../bench/row.ts';
import { spreadOf } from '../../../bench/spread.ts';
import type { Side } from '../../../bench/timed.ts';

const spread = { median: 1, min: 0.9, max: 1.2 };
const cost = (name: string) => ({ name, ms: spread, cpuSeconds: spread, peakKiB: spread });

function row(median: number, limit: number, is: 'most' | 'least' = 'most'): RatioRow {
  const ratio = { median, min: median / 2, max: median * 2 };
  return { kind: 'ratio', what: 'a', target: { limit, is }, a: cost('a'), b: cost('b'), ratio, rounds: 5 };
}

it('takes the middle of what was measured', () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  expect(spreadOf([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(() => spreadOf([])).toThrow('nothing was measured');
});

it('judges the median against the target', () => {
  expect([row(1, 1), row(1.01, 1), row(70, 70, 'least'), row(69, 70, 'least')].map(isMet)).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

const side = (script: string, check?: Side['check']): Side => ({
  name: script,
  argv: ['sh', '-c', script],
  ...(check ? { check } : {}),
});
const quiet = { rounds: 5, tell() {} };

it('compares what is slow with what is fast', async () => {
  const { ratio, rounds, a } = await comparePairs(side('sleep 0.05; echo done'), side('true'), quiet);
  expect([rounds, a.name]).toEqual([5, 'sleep 0.05; echo done']);
  expect(ratio.median).toBeGreaterThan(1);
});

it('fails when a side fails or has not done its work', async () => {
  await expect(comparePairs(side('true'), side('echo why >&2; exit 3'), quiet)).rejects.toThrow(/ended with 3:\nwhy/);
  const unfinished = side('echo half', (stdout) => {
    throw new Error(`it says ${stdout.trim()}`);
  });
  await expect(comparePairs(unfinished, side('true'), quiet)).rejects.toThrow('it says half');
});

it('says what was not met, and of which commit every part is', () => {
  const part = { commit: 'abc+', measured: '2026-01-02T00:00:00Z', machine: '2 × X', load: 0.1, about: 'A part.' };
  const page = renderResults({ schema: 1, parts: { one: { ...part, rows: [row(2, 1)] } } });
  expect(page).toContain('abc+, 2026-01-02, load 0.1: 2 × X');
  expect(page).toContain('| a | b | **2** (1–4) | ≤ 1 | **no** |');
});
