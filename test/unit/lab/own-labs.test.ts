// Tests on real hosts run side by side: two files with one lab would take away each other's hosts.
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';

const TESTS = join(import.meta.dirname, '../..');
const OPENED = /open(?:Rig|Cluster)\('([^']+)', '([^']+)'|id: '([^']+)', subnet: '([^']+)'/g;

it('every file with real hosts has labs and networks that no other file has', () => {
  const owners = new Map<string, Set<string>>();
  const files = globSync('{lab,kubernetes}/*.test.ts', { cwd: TESTS });
  for (const file of files) {
    const found = readFileSync(join(TESTS, file), 'utf8').matchAll(OPENED);
    for (const name of [...found].flatMap((match) => match.slice(1)).filter(Boolean)) {
      owners.set(name, (owners.get(name) ?? new Set()).add(basename(file)));
    }
  }
  expect(owners.size).toBeGreaterThan(files.length);
  expect([...owners].filter(([, { size }]) => size > 1)).toEqual([]);
});
