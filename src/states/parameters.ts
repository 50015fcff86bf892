// A module's parameters: which it knows, which it needs, and of what form they are.
import { type Attempt, type Failure, fail, type Place, succeed } from '../failure.ts';
import { suggest } from '../load/nearest.ts';
import type { CheckSchema } from '../load/schema.ts';
import type { AnyModule, ParameterSchema } from '../modules/module.ts';
import { isSensitive } from '../sensitive.ts';
import type { Path, Value, ValueMap } from '../value.ts';
import { holdsSecret } from './evaluate.ts';

export interface Parameters {
  module: AnyModule;
  /** What is wrong with the names: unknown ones, and needed ones that are missing. */
  checkNames(names: readonly string[], source: ParameterSource): Failure[];
  /** What is wrong with values that are known before anything is rendered. */
  checkFixed(values: ValueMap, complete: boolean, source: ParameterSource): Failure[];
  /** The identity parameters with their defaults. */
  completeIdentity(values: ValueMap, source: ParameterSource): Attempt<ValueMap>;
  /** All parameters with their defaults. */
  complete(values: ValueMap, source: ParameterSource): Attempt<ValueMap>;
}

/** Where parameters were written. */
export interface ParameterSource {
  place(path: Path, at?: 'key' | 'value'): Place;
  written(path: Path): string | undefined;
}

/** Once for every module of a run: each of its schemas is compiled once only. */
export function readParameters(module: AnyModule, check: CheckSchema): Parameters {
  const { schema } = module;
  const partial = withoutNames(schema);
  const identity = Object.fromEntries(
    Object.entries(schema.properties).filter(([, property]) => property['x-identity']),
  );

  function run(against: object, data: ValueMap, source: ParameterSource): Failure[] {
    const failures = check({ data, place: source.place, written: source.written }, against);
    return failures.map((failure) => ({
      ...failure,
      message: failure.message.replace(/^the document\b/, module.name),
    }));
  }

  function completeWith(
    against: object,
    values: ValueMap,
    properties: Properties,
    source: ParameterSource,
  ): Attempt<ValueMap> {
    const leaks = findLeaks(values, schema, module.name, source);
    if (leaks.length > 0) return fail(...leaks);
    const completed = addDefaults(values, properties);
    const failures = run(against, completed, source);
    return failures.length > 0 ? fail(...failures) : succeed(completed);
  }

  return {
    module,
    checkNames: (given, source) => checkNames(given, module, source),
    checkFixed: (values, complete, source) => [
      ...findLeaks(values, schema, module.name, source),
      ...run(complete ? schema : partial, complete ? addDefaults(values, schema.properties) : values, source),
    ],
    completeIdentity: (values, source) => completeWith(partial, values, identity, source),
    complete: (values, source) => completeWith(schema, values, schema.properties, source),
  };
}

/** Names are checked once, before anything is rendered: what is left are the values of the parameters that are given. */
export function withoutNames({ properties }: ParameterSchema): object {
  return { type: 'object', properties };
}

type Properties = { [name: string]: { [keyword: string]: unknown } };

function checkNames(given: readonly string[], { name: module, schema }: AnyModule, source: ParameterSource): Failure[] {
  const known = Object.keys(schema.properties);
  const unknown = given.filter((name) => !known.includes(name));
  const missing = (schema.required ?? []).filter((name) => !given.includes(name));
  return [
    ...unknown.map((name): Failure => {
      const message = `${module} has no parameter "${name}"`;
      return { reason: 'unknown', message, place: source.place([name], 'key'), next: suggest(name, known) };
    }),
    ...missing.map((name): Failure => {
      const next = `add ${name}: ${schema.properties[name]?.description ?? ''}`;
      return { reason: 'schema', message: `${module} needs "${name}"`, place: source.place([], 'key'), next };
    }),
  ];
}

/** Secrets in parameters that are not made for them would be printed. */
function findLeaks(values: ValueMap, schema: ParameterSchema, module: string, source: ParameterSource): Failure[] {
  return Object.entries(values).flatMap(([name, value]): Failure[] => {
    if (schema.properties[name]?.['x-sensitive'] || !holdsSecret(value)) return [];
    const allowed = Object.keys(schema.properties).filter((each) => schema.properties[each]!['x-sensitive']);
    const next =
      allowed.length === 0 ? `${module} takes no secrets` : `${module} takes secrets in: ${allowed.join(', ')}`;
    const message = `${name} holds a secret, but it is shown in plans and logs`;
    return [{ reason: 'schema', message, place: source.place([name]), next }];
  });
}

/** The values with their schema's defaults, also inside of maps that are given. */
function addDefaults(values: ValueMap, properties: Properties): ValueMap {
  const completed: ValueMap = { ...values };
  for (const [name, property] of Object.entries(properties)) {
    const value = completed[name];
    if (value === undefined) {
      const usual = property.default as Value | undefined;
      // Most are no more than a word, of which a copy costs as much as reading the parameter.
      if (usual !== undefined) completed[name] = typeof usual === 'object' ? structuredClone(usual) : usual;
    } else if (property.properties !== undefined && isMap(value)) {
      completed[name] = addDefaults(value, property.properties as Properties);
    }
  }
  return completed;
}

function isMap(value: Value): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isSensitive(value);
}
