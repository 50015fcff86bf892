// Checks that are compiled beforehand: as fresh as the schemas, and of one mind with ajv.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadedModules } from '../../../bench/modules.ts';
import { compileChecks, listSchemas } from '../../../src/engine/checks/compile.ts';
import { findCheck } from '../../../src/load/shipped.ts';

interface Properties {
  [name: string]: { examples?: unknown[] };
}

const ROOT = join(import.meta.dirname, '../../..');

it('they are those of the schemas: npm run docs makes them anew', async () => {
  const kept = readFileSync(join(ROOT, 'src/load/checks.cjs'), 'utf8');
  expect(kept === (await compileChecks())).toBe(true);
});

it('they say what ajv says, of data that is valid and of data that is not', async () => {
  const seen = new Set<boolean>();
  for (const schema of (await listSchemas()) as { properties?: Properties }[]) {
    const check = findCheck(schema)!;
    const validate = new Ajv2020({ strict: false }).compile(schema);
    const entries = Object.entries<{ examples?: unknown[] }>({ unknown: {}, ...schema.properties }).map(
      ([name, { examples = [] }]) =>
        fc.tuple(fc.constant(name), fc.oneof(fc.constantFrom(null, ...examples), fc.jsonValue())),
    );
    const data = fc.oneof(fc.array(fc.oneof(...entries), { maxLength: 3 }).map(Object.fromEntries), fc.jsonValue());
    fc.assert(
      fc.property(data, (value) => {
        seen.add(check(value));
        expect(check(value)).toBe(validate(value));
      }),
      { numRuns: 40 },
    );
  }
  expect(seen.size).toBe(2);
});

it("a schema that is not Quorate's own has none", () => {
  expect(findCheck({ type: 'object' })).toBeUndefined();
});

it('a run compiles nothing as long as nothing is wrong', async () => {
  const given = ['-i', join(ROOT, 'inventory/example.yaml'), '--pillar', join(ROOT, 'pillar')];
  const modules = await loadedModules(['validate', ...given]);
  expect(modules.filter((url) => url.includes('/ajv/dist/') && !url.includes('/ajv/dist/runtime/'))).toEqual([]);
});
