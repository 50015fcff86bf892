// Adds up what the test runs found: each failure once more, where nobody has to look for it, and `N passed, N failed` as the last line.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** What is read of vitest's JSON report, which is Jest's. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: {
    name: string;
    message?: string;
    assertionResults: { fullName: string; status: string; failureMessages?: string[] }[];
  }[];
}

const LINES = 30;
const [status, ...files] = process.argv.slice(2);
const reports = files.map(read);
const sum = (count: (report: Report) => number) => reports.reduce((total, report) => total + count(report), 0);
const passed = sum((report) => report.numPassedTests);
const failed = sum((report) => report.numFailedTests);
for (const report of reports) tellFailures(report);
// Types, style or a hook can fail without a failed test: that must not read as success.
console.log(`\n${passed} passed, ${failed === 0 && status !== '0' ? 1 : failed} failed`);
process.exitCode = failed === 0 && status === '0' ? 0 : 1;

/** A run that could not even start has left no report, and counts as one failure. */
function read(file: string): Report {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    return {
      numPassedTests: 0,
      numFailedTests: 1,
      testResults: [{ name: file, message: `no report: ${error}`, assertionResults: [] }],
    };
  }
}

function tellFailures({ testResults }: Report): void {
  for (const { name, message, assertionResults } of testResults) {
    const file = relative('.', name);
    // A file's own message is that of a hook or of an import, before or after all of its tests.
    if (message) tell(file, message);
    for (const test of assertionResults) {
      if (test.status === 'failed') tell(`${file} > ${test.fullName}`, test.failureMessages?.join('\n') ?? '');
    }
  }
}

function tell(what: string, why: string): void {
  console.log(`\nFAILED ${what}`);
  for (const line of stripVTControlCharacters(why).split('\n').slice(0, LINES)) console.log(`  ${line}`);
}
