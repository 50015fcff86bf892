import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-tally-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function report(name: string, passed: number, failures: string[], message = ''): string {
  const assertionResults = failures.map((fullName) => ({
    fullName,
    status: 'failed',
    failureMessages: ['\u001b[31mexpected 1 to be 2\u001b[39m\n  at here'],
  }));
  const file = join(folder, `${name}.json`);
  const testResults = [{ name: `${process.cwd()}/test/${name}.test.ts`, message, assertionResults }];
  writeFileSync(file, JSON.stringify({ numPassedTests: passed, numFailedTests: failures.length, testResults }));
  return file;
}

function tally(status: string, ...files: string[]): { code: number | null; lines: string[] } {
  const { status: code, stdout } = spawnSync(process.execPath, ['test/tally.ts', status, ...files], {
    encoding: 'utf8',
  });
  return { code, lines: stdout.trim().split('\n') };
}

it('adds up what passed', () => {
  expect(tally('0', report('a', 3, []), report('b', 4, []))).toEqual({ code: 0, lines: ['7 passed, 0 failed'] });
});

it('names each failure before the sum, without colours', () => {
  const { code, lines } = tally('1', report('a', 3, ['group fails']), report('b', 4, []));
  expect(code).toBe(1);
  expect(lines).toEqual([
    'FAILED test/a.test.ts > group fails',
    '  expected 1 to be 2',
    '    at here',
    '',
    '7 passed, 1 failed',
  ]);
});

it.each([
  ['a run that could not start', () => tally('1', report('a', 3, []), join(folder, 'none.json')), 'no report: '],
  ['a hook', () => tally('1', report('a', 3, [], 'the lab did not come up')), 'the lab did not come up'],
])('takes %s for a failure', (_, run, why) => {
  const { code, lines } = run();
  expect([code, lines.at(-1)]).toEqual([1, '3 passed, 1 failed']);
  expect(lines[1]).toContain(why);
});

it('does not pass where only types or style failed', () => {
  expect(tally('1', report('a', 3, []))).toEqual({ code: 1, lines: ['3 passed, 1 failed'] });
});
