// Progress says how far, how fast and how long; often on a terminal, seldom in a log, and leaves nothing behind.
import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { createProgress, describeProgress, formatBytes } from '../../../src/report/progress.ts';

const MIB = 1024 * 1024;

it.each([
  [0, 0, undefined, '0 B'],
  [512, 0, undefined, '512 B'],
  [5 * MIB, 1000, undefined, '5.0 MiB, 5.0 MiB/s'],
  [5 * MIB, 1000, 20 * MIB, '25 % of 20.0 MiB, 5.0 MiB/s, 3.0 s left'],
  [20 * MIB, 1000, 20 * MIB, '100 % of 20.0 MiB, 20.0 MiB/s, 0 ms left'],
  [0, 1000, 20 * MIB, '0 % of 20.0 MiB'],
])('%d bytes in %d ms of %s', (done, ms, total, text) => expect(describeProgress(done, total, ms)).toBe(text));

it('sizes are short', () => {
  expect([0, 1023, 1024, 1.5 * MIB, 300 * MIB, 3 * 1024 ** 3].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 MiB',
    '300 MiB',
    '3.0 GiB',
  ]);
});

it.each([
  ['a log', false, 2],
  ['a terminal', true, 5],
])('on %s it is shown this often', (_, isTTY, times) => {
  let written = '';
  const stderr = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        written += chunk;
        done();
      },
    }),
    { isTTY, columns: 80 },
  );
  let clock = 0;
  const progress = createProgress('reading \x1b[31mx', { stderr, env: {}, now: () => clock });
  for (const seconds of [0.1, 0.5, 1, 1.1, 11, 21]) {
    clock = seconds * 1000;
    progress.show(seconds * MIB, 30 * MIB);
  }
  progress.end();
  const lines = written.split(isTTY ? '\r\x1b[K' : '\n').filter((line) => line !== '');
  expect(lines).toHaveLength(times);
  expect(lines.at(-1)).toMatch(/reading \\x1b\[31mx: 70 % of 30\.0 MiB, 1\.0 MiB\/s, 9\.0 s left$/);
  if (isTTY) expect(written.endsWith('\r\x1b[K')).toBe(true);
});
