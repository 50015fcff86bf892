// The example files that ship with Quorate, and the schemas that editors take from them.
import { readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { readInventory } from '../../../src/inventory/read.ts';
import { parseDocument } from '../../../src/load/document.ts';
import { checkSchema, createSchemaChecker } from '../../../src/load/schema.ts';
import { readPillar } from '../../../src/pillar/read.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SCHEMAS: { [folder: string]: string } = {
  inventory: 'schemas/inventory.schema.json',
  pillar: 'schemas/pillar.schema.json',
};

async function listExamples(folder: string): Promise<string[]> {
  const names = await readdir(join(ROOT, folder), { recursive: true });
  return names.filter((name) => ['.yaml', '.yml'].includes(extname(name))).map((name) => join(folder, name));
}

describe.each(Object.keys(SCHEMAS))('%s/', async (folder) => {
  const examples = await listExamples(folder);
  test('has examples', () => expect(examples).not.toEqual([]));

  test.each(examples)('%s begins with the modeline of its schema, and is valid', async (file) => {
    const text = await readFile(join(ROOT, file), 'utf8');
    const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
    expect(resolve(ROOT, dirname(file), schema ?? '')).toBe(join(ROOT, SCHEMAS[folder]!));
    const parsed = parseDocument(file, text);
    const rules = JSON.parse(await readFile(join(ROOT, SCHEMAS[folder]!), 'utf8'));
    expect(parsed.ok && checkSchema(parsed.value, rules)).toEqual([]);
  });
});

test('the example inventory and the example pillar are taken as they are', async () => {
  const inventory = await readInventory(join(ROOT, 'inventory/example.yaml'));
  if (!inventory.ok) throw new Error(JSON.stringify(inventory.failures));
  expect(inventory.value.clusters.get('main')?.members).toEqual(['m1', 'm2', 'm3']);
  const pillar = await readPillar({ directory: join(ROOT, 'pillar'), inventory: inventory.value });
  expect(pillar.ok).toBe(true);
});

// The only check of them: a run takes what is shipped for right.
test.each(await readdir(join(ROOT, 'schemas')))('schemas/%s is a JSON Schema', async (name) => {
  const file = join('schemas', name);
  const parsed = parseDocument(file, await readFile(join(ROOT, file), 'utf8'));
  expect(parsed.ok && createSchemaChecker().checkSchemaItself(parsed.value)).toEqual([]);
});

test('every key of the pillar says what it means, of what type, with examples that are valid', async () => {
  const schema = JSON.parse(await readFile(join(ROOT, SCHEMAS.pillar!), 'utf8'));
  for (const [key, property] of Object.entries<{ examples: unknown[]; default?: unknown }>(schema.properties)) {
    expect([key, Object.keys(property)]).toEqual([
      key,
      expect.arrayContaining(['title', 'description', 'type', 'examples']),
    ]);
    for (const example of [...property.examples, ...('default' in property ? [property.default] : [])]) {
      const parsed = parseDocument('example.json', JSON.stringify({ [key]: example }));
      expect(parsed.ok && checkSchema(parsed.value, schema)).toEqual([]);
    }
  }
});
