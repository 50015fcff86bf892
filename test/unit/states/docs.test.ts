import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import semver from 'semver';
import { expect, test } from 'vitest';
import { createHelpers } from '../../../src/states/functions.ts';

test('docs/states.md has every helper, as the code has it', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/states.md'), 'utf8');
  const shown = page.split(/<!-- \/?helpers.*-->\n/)[1]!.trim();
  const rows = [...createHelpers(semver).values()].map(({ usage, does }) => `| \`${usage}\` | ${does} |`);
  expect(shown).toBe(['| helper | what |', '| --- | --- |', ...rows].join('\n'));
});
