import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote } from '../../../src/shell/quote.ts';
import { SHELLS } from './shells.ts';

const words = fc.array(
  fc
    .oneof(
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: fc.constantFrom("'", '\\', 'a') }),
      fc.string({ unit: fc.constantFrom(...'\'"\\$`!*?[]{}()<>|&;#~= \t\n\r-\u0001\u007f\u0081\u0082é') }),
    )
    .map((word) => word.replaceAll('\0', '')),
  { minLength: 1, maxLength: 20 },
);

describe.each(SHELLS)('%s', (_name, [file, ...args]) => {
  it('gives back every word as it was', () => {
    fc.assert(
      fc.property(words, (wanted) => {
        const script = `printf '%s\\0' ${wanted.map(quote).join(' ')}`;
        const got = execFileSync(file, [...args, '-c', script])
          .toString()
          .split('\0')
          .slice(0, -1);
        expect(got).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });
});

it('refuses NUL, which no shell can hold', () => {
  expect(() => quote('a\0b')).toThrow('NUL');
});
