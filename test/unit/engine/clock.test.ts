// How far a host's clock is ahead of the controller's: only what is certain.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseClock } from '../../../src/engine/facts.ts';

const told = (text: string, from = 1000_000, to = 1000_100) => parseClock(new TextEncoder().encode(text), { from, to });

test.each([
  ['clock=1000.050000000', { atLeast: -50, atMost: 50 }],
  ['hostname=m1\nclock=1010.5\n', { atLeast: 10_400, atMost: 10_500 }],
  // busybox knows no nanoseconds, and some builds print the letters themselves: up to a second is not known.
  ['clock=1000', { atLeast: -100, atMost: 1000 }],
  ['clock=1000.%N', { atLeast: -100, atMost: 1000 }],
  ['clock=1000.N', { atLeast: -100, atMost: 1000 }],
  ['hostname=clock=5', undefined],
  ['clock=soon', undefined],
  ['', undefined],
])('%j', (text, range) => {
  expect(told(text)).toEqual(range);
});

test('the truth always lies within what is told', () => {
  const moment = fc.integer({ min: 0, max: 5000 });
  fc.assert(
    fc.property(
      moment,
      moment,
      moment,
      fc.integer({ min: -9e6, max: 9e6 }),
      fc.boolean(),
      (there, back, at, ahead, whole) => {
        const from = 1e12;
        const clock = from + there + ahead + at / 1000;
        const text = whole ? `clock=${Math.floor(clock / 1000)}` : `clock=${(clock / 1000).toFixed(9)}`;
        const { atLeast, atMost } = told(text, from, from + there + back + 5)!;
        expect(atLeast).toBeLessThanOrEqual(ahead);
        expect(atMost).toBeGreaterThanOrEqual(ahead);
      },
    ),
  );
});
