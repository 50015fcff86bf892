// Adds up what the test runs found and prints it as the last line: `N passed, N failed`.
import { readFileSync } from 'node:fs';

const [status, ...files] = process.argv.slice(2);
let passed = 0;
let failed = 0;
for (const file of files) {
  try {
    const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(file, 'utf8'));
    passed += numPassedTests;
    failed += numFailedTests;
  } catch {
    failed += 1;
  }
}
// Types, style or a hook can fail without a failed test: that must not read as success.
if (status !== '0' && failed === 0) failed = 1;
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
