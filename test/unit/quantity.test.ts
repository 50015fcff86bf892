import { expect, test } from 'vitest';
import { countUnits, parseQuantity } from '../../src/quantity.ts';

const UNIT = 10n ** 9n;

test.each([
  ['0', 0n],
  ['2', 2n * UNIT],
  ['1.5', 1_500_000_000n],
  ['1.', UNIT],
  ['100m', 100_000_000n],
  ['1n', 1n],
  // Kubernetes keeps billionths, and rounds up.
  ['0.1n', 1n],
  ['2Gi', 2n ** 31n * UNIT],
  ['1.5Ki', 1536n * UNIT],
  ['2G', 2_000_000_000n * UNIT],
  ['1e3', 1000n * UNIT],
  ['12E-1', 1_200_000_000n],
  ['1E', 10n ** 18n * UNIT],
])('%s is a quantity', (text, billionths) => expect(parseQuantity(text)).toBe(billionths));

test.each(['', 'two', '2 Gi', '-1', '+1', '1gi', '1K', '1MB', '.5', '1e', '0x10', '1,5'])('%j is none', (text) =>
  expect(parseQuantity(text)).toBeUndefined(),
);

test('a part of a unit takes a whole one', () => {
  expect([1n, UNIT, UNIT + 1n].map((quantity) => countUnits(quantity, UNIT))).toEqual([1, 1, 2]);
});
