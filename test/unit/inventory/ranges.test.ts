import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expandRange } from '../../../src/inventory/ranges.ts';

describe("host ranges are Ansible's", () => {
  test.each([
    ['m1', ['m1']],
    ['m[1:3]', ['m1', 'm2', 'm3']],
    ['m[:2]x', ['m0x', 'm1x', 'm2x']],
    ['m[01:10:4]', ['m01', 'm05', 'm09']],
    ['m[9:11]', ['m9', 'm10', 'm11']],
    ['m[a:c]', ['ma', 'mb', 'mc']],
    ['r[1:2]-m[a:b]', ['r1-ma', 'r1-mb', 'r2-ma', 'r2-mb']],
  ])('%s', (pattern, names) => {
    expect(expandRange(pattern)).toEqual(names);
  });

  test.each([
    ['m[1:3', 'its bracket is not closed'],
    ['m1:3]', 'its bracket is not closed'],
    ['m[1-3]', 'a range is [FIRST:LAST] or [FIRST:LAST:STEP]'],
    ['m[1:2:3:4]', 'a range is [FIRST:LAST] or [FIRST:LAST:STEP]'],
    ['m[3:1]', 'its first end is behind its last'],
    ['m[01:100]', 'both ends must have the same number of digits'],
    ['m[a:3]', 'both ends must be numbers, or single letters'],
    ['m[1:]', 'both ends must be numbers, or single letters'],
    ['m[1:9:0]', 'the step must be a whole number from 1'],
    ['m[1:99999999]', 'it stands for more than 10000 hosts'],
    ['m[1:200][1:200]', 'it stands for more than 10000 hosts'],
  ])('%s is refused', (pattern, wrong) => {
    expect(expandRange(pattern)).toEqual({ wrong });
  });

  test('a range has exactly the numbers of its steps', () => {
    const numbers = fc.record({
      first: fc.nat(999),
      count: fc.integer({ min: 0, max: 50 }),
      step: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(numbers, ({ first, count, step }) => {
        const names = expandRange(`m[${first}:${first + count}:${step}]`);
        const expected = [];
        for (let number = first; number <= first + count; number += step) expected.push(`m${number}`);
        expect(names).toEqual(expected);
      }),
    );
  });
});
