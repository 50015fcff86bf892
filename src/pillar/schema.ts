// The schema of the pillar: Quorate's own keys, and those that an operator adds beside the layers.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import shippedSchema from '../../schemas/pillar.schema.json' with { type: 'json' };
import { type Attempt, type Failure, fail, formatPlace, type Place, succeed } from '../failure.ts';
import { type Document, parseDocument } from '../load/document.ts';
import { isMap } from '../load/map.ts';
import { isSensitive, Sensitive } from '../sensitive.ts';
import type { Path, Value, ValueMap } from '../value.ts';
import { type Layer, SCHEMA_DEFAULT } from './layer.ts';
import { mergeLayers } from './merge.ts';

export interface PillarSchema {
  /** For the merged data of a host. */
  whole: ValueMap;
  /** For one layer, which need not have everything. */
  partial: ValueMap;
  defaults: Layer;
}

/** What is joined in a way of its own, or says nothing about data. Everything else (required, if, …) holds as well. */
const NOT_A_RULE = new Set([
  'required',
  'properties',
  '$defs',
  'type',
  'additionalProperties',
  '$schema',
  '$id',
  'title',
  'description',
]);

type SchemaDocument = Pick<Document, 'data' | 'place'>;

const SHIPPED_FILE = fileURLToPath(new URL('../../schemas/pillar.schema.json', import.meta.url));

/** Where anything stands in the shipped schema is found out for whoever asks: a run without a mistake never does. */
function createShipped(): SchemaDocument {
  let document: Document | undefined;
  return {
    data: shippedSchema as unknown as ValueMap,
    place(path, at) {
      document ??= parseShipped();
      return document.place(path, at);
    },
  };
}

function parseShipped(): Document {
  const parsed = parseDocument(SHIPPED_FILE, readFileSync(SHIPPED_FILE, 'utf8'));
  if (!parsed.ok) throw new Error(`${SHIPPED_FILE} cannot be read`);
  return parsed.value;
}

/** Joins the shipped schema with the operator's, which may add keys but not change the shipped ones. */
export function joinSchemas(own: Document | undefined): Attempt<PillarSchema> {
  const shipped = createShipped();
  const base = shipped.data as ValueMap;
  const added = (own?.data ?? {}) as ValueMap;
  const failures = own === undefined ? [] : [...refuseRedefined(shipped, own), ...refuseUnusable(own)];
  if (failures.length > 0) return fail(...failures);
  const rules = Object.entries(added).filter(([keyword]) => !NOT_A_RULE.has(keyword));
  const whole: ValueMap = {
    ...base,
    properties: { ...mapAt(base, 'properties'), ...mapAt(added, 'properties') },
    $defs: { ...mapAt(base, '$defs'), ...mapAt(added, '$defs') },
    required: [...listAt(base, 'required'), ...listAt(added, 'required')],
    ...(rules.length > 0 ? { allOf: [...listAt(base, 'allOf'), Object.fromEntries(rules)] } : {}),
  };
  const defaults = [...listDefaults(base, shipped), ...listDefaults(added, own ?? shipped)];
  return succeed({ whole, partial: relax(whole), defaults: createDefaultLayer(defaults, shipped) });
}

function refuseRedefined(shipped: SchemaDocument, own: Document): Failure[] {
  return ['properties', '$defs'].flatMap((section) =>
    Object.keys(mapAt(own.data, section))
      .filter((key) => Object.hasOwn(mapAt(shipped.data, section), key))
      .map((key) => ({
        reason: 'duplicate',
        message: `the key "${key}" is Quorate's own (${formatPlace(shipped.place([section, key], 'key'))}) and cannot be redefined`,
        place: own.place([section, key], 'key'),
        next: 'give your key another name',
      })),
  );
}

function refuseUnusable(own: Document): Failure[] {
  const data = own.data as ValueMap;
  const failures: Failure[] = [];
  if (data.type !== undefined && data.type !== 'object') {
    failures.push({
      reason: 'schema',
      message: "the type of the pillar's schema must be object",
      place: own.place(['type']),
      next: 'type: object',
    });
  }
  if (data.additionalProperties !== undefined && data.additionalProperties !== false) {
    failures.push({
      reason: 'schema',
      message:
        'additionalProperties must be false or absent: every key of the pillar is declared, so that a typing error is found',
      place: own.place(['additionalProperties']),
      next: 'declare your keys under properties',
    });
  }
  return failures;
}

/** The schema without what only the merged whole can satisfy. List items stay: lists are replaced, never merged. */
function relax(schema: ValueMap): ValueMap {
  const wholeOnly = new Set([
    ...['required', 'minProperties', 'dependentRequired', 'dependentSchemas'],
    ...['if', 'then', 'else', 'allOf', 'anyOf', 'oneOf', 'not'],
  ]);
  // A choice between types belongs to one value; a choice between shapes of a map may need the merged whole.
  const single = schema.type !== 'object' && schema.properties === undefined;
  const kept = Object.entries(schema).filter(([key]) => single || !wholeOnly.has(key));
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (key === 'properties' || key === 'patternProperties' || key === '$defs') {
        const inner = Object.entries(value as ValueMap).map(([name, each]) => [name, isMap(each) ? relax(each) : each]);
        return [key, Object.fromEntries(inner)];
      }
      return [key, key === 'additionalProperties' && isMap(value) ? relax(value) : value];
    }),
  );
}

interface Default {
  path: Path;
  value: Value;
  place: (below: Path) => Place;
}

function listDefaults(schema: ValueMap, document: SchemaDocument, path: Path = [], schemaPath: Path = []): Default[] {
  return Object.entries(mapAt(schema, 'properties')).flatMap(([name, property]) => {
    if (!isMap(property)) return [];
    const at = [...schemaPath, 'properties', name];
    const nested = listDefaults(property, document, [...path, name], at);
    if (property.default === undefined) return nested;
    const place = (below: Path) => document.place([...at, 'default', ...below]);
    return [...nested, { path: [...path, name], value: property.default, place }];
  });
}

function createDefaultLayer(defaults: Default[], shipped: SchemaDocument): Layer {
  const nest = ({ path, value }: Default) =>
    path.toReversed().reduce<Value>((inner, step) => ({ [step]: inner }), value) as ValueMap;
  return {
    name: SCHEMA_DEFAULT,
    data: mergeLayers(defaults.map(nest)),
    place(path) {
      const above = defaults.filter((each) => each.path.every((step, index) => path[index] === step));
      const nearest = above.toSorted((a, b) => b.path.length - a.path.length)[0];
      if (nearest !== undefined) return nearest.place(path.slice(nearest.path.length));
      return shipped.place(path.flatMap((step) => ['properties', step]));
    },
  };
}

/** Wraps what the schema calls `x-sensitive`: every single value there, so that maps still merge. */
export function wrapSecrets(root: ValueMap, data: ValueMap): ValueMap {
  function wrap(schemas: ValueMap[], value: Value): Value {
    const all = schemas.flatMap((schema) => resolveSchemas(root, schema));
    if (all.some((schema) => schema['x-sensitive'] === true)) return wrapLeaves(value);
    if (Array.isArray(value)) {
      const items = all.map((schema) => schema.items).filter(isMap);
      return value.map((item) => wrap(items, item));
    }
    if (!isMap(value)) return value;
    return mapValues(value, (each, key) =>
      wrap(
        all.flatMap((schema) => schemasOfKey(schema, key)),
        each,
      ),
    );
  }
  return wrap([root], data) as ValueMap;
}

function wrapLeaves(value: Value): Value {
  if (value === null || isSensitive(value)) return value;
  if (Array.isArray(value)) return value.map(wrapLeaves);
  return isMap(value) ? mapValues(value, wrapLeaves) : new Sensitive<unknown>(value);
}

/** A schema with all that it refers to and is composed of. */
function resolveSchemas(root: ValueMap, schema: ValueMap, seen = new Set<ValueMap>()): ValueMap[] {
  if (seen.has(schema)) return [];
  seen.add(schema);
  const referred = typeof schema.$ref === 'string' ? /^#\/\$defs\/([^/]+)$/.exec(schema.$ref)?.[1] : undefined;
  const target = referred === undefined ? undefined : mapAt(root, '$defs')[referred];
  const branches = ['allOf', 'anyOf', 'oneOf'].flatMap((key) => (Array.isArray(schema[key]) ? schema[key] : []));
  const parts = [target, schema.if, schema.then, schema.else, ...branches].filter(isMap);
  return [schema, ...parts.flatMap((part) => resolveSchemas(root, part, seen))];
}

function schemasOfKey(schema: ValueMap, key: string): ValueMap[] {
  const own = mapAt(schema, 'properties');
  const patterns = Object.entries(mapAt(schema, 'patternProperties')).filter(([pattern]) =>
    new RegExp(pattern, 'u').test(key),
  );
  const named = [...(Object.hasOwn(own, key) ? [own[key]] : []), ...patterns.map(([, each]) => each)];
  return (named.length > 0 ? named : [schema.additionalProperties]).filter(isMap);
}

function mapValues(map: ValueMap, change: (value: Value, key: string) => Value): ValueMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
}

function mapAt(schema: Value, key: string): ValueMap {
  const value = isMap(schema) ? schema[key] : undefined;
  return isMap(value) ? value : {};
}

function listAt(schema: ValueMap, key: string): Value[] {
  const value = schema[key];
  return Array.isArray(value) ? value : [];
}
