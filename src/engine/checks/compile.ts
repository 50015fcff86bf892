// From the schemas that Quorate ships to plain JavaScript that says whether data is valid.

import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import inventorySchema from '../../../schemas/inventory.schema.json' with { type: 'json' };
import procedureSchema from '../../../schemas/procedure.schema.json' with { type: 'json' };
import stateSchema from '../../../schemas/state.schema.json' with { type: 'json' };
import { nameOfCheck } from '../../load/shipped.ts';
import { loadModules } from '../../modules/registry.ts';
import { joinSchemas } from '../../pillar/schema.ts';
import { withoutNames } from '../../states/parameters.ts';

interface Schema {
  [keyword: string]: unknown;
}

/** src/load/checks.cjs: a CommonJS module that exports one function for each schema, named by `nameOfCheck`. */
export async function compileChecks(): Promise<string> {
  const ajv = new Ajv2020({ strict: false, code: { source: true } });
  const names: { [name: string]: string } = {};
  for (const schema of await listSchemas()) {
    const name = nameOfCheck(schema);
    names[name] = name;
    ajv.addSchema(onlyWhether(keepRules(schema as Schema)), name);
  }
  const code = standalone.default(ajv, names);
  return `// Written by \`npm run docs\` from the schemas of files and modules: change those.\n${code}\n`;
}

/** All that a run can check against, as it is handed to the checker. */
export async function listSchemas(): Promise<object[]> {
  const pillar = joinSchemas(undefined);
  if (!pillar.ok) throw new Error('the schema of the pillar is not usable');
  return [
    ...[inventorySchema, stateSchema, procedureSchema, pillar.value.whole, pillar.value.partial],
    ...[...(await loadModules()).values()].flatMap(({ schema }) => [schema, withoutNames(schema)]),
  ];
}

/** ajv writes no code for what is wrong where it only matters that something is: below a `not`. */
function onlyWhether({ $defs, ...schema }: Schema): Schema {
  return { ...($defs ? { $defs } : {}), not: { not: schema } };
}

const MAPS = new Set(['properties', 'patternProperties', '$defs', 'dependentSchemas']);
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const NOTES = new Set(['$schema', '$id', '$comment', 'title', 'description', 'examples', 'default']);

/** The schema without what tells people something: the code would repeat it. */
function keepRules(schema: Schema): Schema {
  const kept = Object.entries(schema).filter(([keyword]) => !NOTES.has(keyword) && !keyword.startsWith('x-'));
  return Object.fromEntries(
    kept.map(([keyword, value]) => {
      if (MAPS.has(keyword)) {
        const inner = Object.entries(value as Schema).map(([name, each]) => [name, keepAny(each)]);
        return [keyword, Object.fromEntries(inner)];
      }
      if (LISTS.has(keyword)) return [keyword, (value as unknown[]).map(keepAny)];
      // What is no schema (enum, const, required) holds no map that looks like one.
      return [keyword, keyword === 'const' || keyword === 'enum' ? value : keepAny(value)];
    }),
  );
}

function keepAny(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? keepRules(value as Schema) : value;
}
