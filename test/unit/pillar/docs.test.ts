import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import schema from '../../../schemas/pillar.schema.json' with { type: 'json' };
import { makePillarTable } from '../../../src/pillar/docs/table.ts';

test('docs/etcd.md has every pillar key, as the schema has it', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/etcd.md'), 'utf8');
  const shown = page.split(/<!-- \/?pillar keys.*-->\n/)[1]!.trim();
  expect(shown).toBe(makePillarTable(schema as never));
});
