import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import schema from '../../../schemas/pillar.schema.json' with { type: 'json' };
import { makePillarTables } from '../../../src/pillar/docs/table.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/pillar.md'), 'utf8');
const shown = page.split(/<!-- \/?pillar keys.*-->\n/)[1]!.trim();

test('docs/pillar.md has every pillar key, as the schema has it', () => {
  expect(shown).toBe(makePillarTables(schema as never));
});

test('every key stands in a section, with its type, its default, what it means and an example', () => {
  expect(shown).toMatch(/^## /);
  const rows = shown.split('\n').filter((line) => line.startsWith('| `'));
  expect(rows.map((row) => /^\| `([^`.]+)` /.exec(row)?.[1]).filter((key) => key !== undefined)).toEqual(
    Object.keys(schema.properties),
  );
  for (const row of rows) {
    const said = expect.stringMatching(/^\| `\S+` \| [^|]+ \| (–|`.+`) \| .+\. For example `.+`\. \|$/);
    expect(row).toEqual(said);
    expect(row).not.toContain('undefined');
  }
});
