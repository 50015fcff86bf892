// Counts by host and one outcome for the whole run: the worst wins.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exitCode } from '../../../src/cli/exit.ts';
import type { Outcome, Result } from '../../../src/engine/events.ts';
import { makeReport, type ReportInput } from '../../../src/engine/report.ts';
import type { Failure } from '../../../src/failure.ts';

const OUTCOMES: Outcome[] = ['ok', 'changed', 'failed', 'blocked', 'skipped', 'refused', 'unreachable'];
const INPUT: ReportInput = {
  run: 'r1',
  command: 'apply',
  targets: ['m1', 'm2'],
  results: [],
  failures: [],
  programs: new Map(),
  interrupted: false,
  pending: false,
  ms: 5,
};

const result = (host: string, outcome: Outcome): Result => {
  return { host, resource: 'a', module: 'test.word', outcome, predicted: [], actual: [], ms: 0 };
};
const failure = (reason: Failure['reason']): Failure => ({ reason, message: 'x' });
const HANGING: Failure = { ...failure('timeout'), host: 'm1' };
const report = (more: Partial<ReportInput>) => makeReport({ ...INPUT, ...more });

it('every result is counted once, at its host, with the programs that were sent there', () => {
  const any = fc.array(fc.tuple(fc.constantFrom('m1', 'm2', 'm3'), fc.constantFrom(...OUTCOMES)));
  fc.assert(
    fc.property(any, fc.nat(9), (pairs, programs) => {
      const { hosts } = report({
        results: pairs.map((pair) => result(...pair)),
        programs: new Map([['m2', programs]]),
      });
      for (const [host, counts] of hosts) {
        for (const outcome of OUTCOMES) {
          expect(counts[outcome]).toBe(pairs.filter(([at, how]) => at === host && how === outcome).length);
        }
        expect(counts.programs).toBe(host === 'm2' ? programs : 0);
      }
      // A target that nothing was to be done on is told all the same.
      expect([...hosts.keys()].sort()).toEqual([...new Set(['m1', 'm2', ...pairs.map(([host]) => host)])].sort());
    }),
  );
});

/** What can happen, with the exit code that it alone leads to. */
const EVENTS: [name: string, code: number, add: (input: ReportInput) => ReportInput][] = [
  ['nothing to do', 0, (input) => input],
  ['a change', 0, (input) => ({ ...input, results: [...input.results, result('m1', 'changed')] })],
  ['a skip', 0, (input) => ({ ...input, results: [...input.results, result('m1', 'skipped')] })],
  ['a change to come', 3, (input) => ({ ...input, pending: true })],
  ['a blocked resource', 2, (input) => ({ ...input, results: [...input.results, result('m1', 'blocked')] })],
  ['a failed resource', 2, (input) => ({ ...input, results: [...input.results, result('m1', 'failed')] })],
  ['a refused resource', 5, (input) => ({ ...input, results: [...input.results, result('m1', 'refused')] })],
  ['an unreachable resource', 4, (input) => ({ ...input, results: [...input.results, result('m1', 'unreachable')] })],
  ['a lost host', 2, (input) => ({ ...input, failures: [...input.failures, failure('lost')] })],
  ['a run out of time', 2, (input) => ({ ...input, failures: [...input.failures, failure('timeout')] })],
  ['a host out of reach', 4, (input) => ({ ...input, failures: [...input.failures, failure('unreachable')] })],
  ['a host that hangs when it is asked', 4, (input) => ({ ...input, failures: [...input.failures, HANGING] })],
  ['a wrong host key', 4, (input) => ({ ...input, failures: [...input.failures, failure('host-key')] })],
  ['a held lock', 5, (input) => ({ ...input, failures: [...input.failures, failure('locked')] })],
  ['another plan', 5, (input) => ({ ...input, failures: [...input.failures, failure('plan-differs')] })],
  ['no confirmation', 5, (input) => ({ ...input, failures: [...input.failures, failure('not-confirmed')] })],
  ['an interruption', 130, (input) => ({ ...input, interrupted: true })],
];
const BY_WORTH = [130, 5, 2, 4, 3, 0];

describe('the outcome', () => {
  it.each(EVENTS)('of %s alone is exit code %i', (_name, code, add) => {
    expect(exitCode(makeReport(add(INPUT)).outcome, true)).toBe(code);
  });

  it('of several is that of the worst: 130 > 5 > 2 > 4 > 3', () => {
    fc.assert(
      fc.property(fc.subarray(EVENTS, { minLength: 1 }), (events) => {
        // What is blocked by a host out of reach is its consequence, and no failure of its own.
        fc.pre(!(events.some(([name]) => name === 'a blocked resource') && events.some(([, code]) => code === 4)));
        const { outcome } = makeReport(events.reduce((input, [, , add]) => add(input), INPUT));
        const codes = events.map(([, code]) => code);
        expect(exitCode(outcome, true)).toBe(BY_WORTH.find((code) => codes.includes(code)));
      }),
    );
  });

  it('of an unreachable host and what it blocks is that a host is unreachable', () => {
    const results = [result('m1', 'unreachable'), result('m2', 'blocked')];
    expect(report({ results }).outcome).toBe('unreachable');
  });

  it('of changes to come is told by the exit code only to who asks', () => {
    expect(exitCode(report({ pending: true }).outcome, false)).toBe(0);
  });
});
