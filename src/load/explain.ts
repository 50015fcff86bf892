// ajv's errors as failures: one useful sentence each, with the place of the key or value at fault.
import type { ErrorObject } from 'ajv';
import type { Failure } from '../failure.ts';
import { isSensitive } from '../sensitive.ts';
import type { Path, Value } from '../value.ts';
import { findNearest, suggest } from './nearest.ts';
import { dropRepeated } from './repeated.ts';
import type { Checkable } from './schema.ts';

type Explained = Omit<Failure, 'place'> & { at?: 'key' | 'value'; path?: Path };
interface Fault {
  error: ErrorObject;
  path: Path;
  /** The path as a person writes it; `the document` for the root. */
  name: string;
  subject: Checkable;
}

const WITH_BRANCHES = new Set(['anyOf', 'oneOf']);
/** They only say that another error is there. */
const ECHOES = new Set(['if', 'propertyNames']);

export function explainErrors(errors: ErrorObject[], subject: Checkable): Failure[] {
  return dropRepeated(
    reduceBranches(errors)
      .filter((error) => !ECHOES.has(error.keyword))
      .map((error) => explain(error, subject))
      .sort(comparePlaces),
  );
}

function explain(error: ErrorObject, subject: Checkable): Failure {
  const path = readPointer(error.instancePath, subject.data);
  const { at, path: elsewhere, ...failure } = describe({ error, path, name: formatPath(path, subject.name), subject });
  return { ...failure, place: subject.place(elsewhere ?? path, at) };
}

/** A secret's fault is told by what was expected alone: neither its value nor the keys inside it are printed. */
function describeSecret(fault: Fault, types: unknown): Explained {
  const outer = fault.path.findIndex((_, index) =>
    isSensitive(valueAt(fault.subject.data, fault.path.slice(0, index))),
  );
  const path = outer < 0 ? fault.path : fault.path.slice(0, outer);
  const named = `the secret ${formatPath(path)}`;
  const message =
    types === undefined
      ? `${named} is not as it should be`
      : `${named} must be ${listTypes([types].flat() as string[])}`;
  return { ...schemaFailure(message, hint(fault)), path };
}

function describe(fault: Fault): Explained {
  const { error, path, name } = fault;
  const params = error.params as { [key: string]: unknown };
  if (isSecret(fault)) return describeSecret(fault, error.keyword === 'type' ? params.type : undefined);
  if (error.propertyName !== undefined) {
    const failure = schemaFailure(`the key ${show(error.propertyName)} has not the right form`, hint(fault), 'key');
    return { ...failure, path: [...path, error.propertyName] };
  }
  switch (error.keyword) {
    case 'type':
      return describeType(fault, [params.type].flat() as string[]);
    case 'branches':
      return describeType(fault, params.types as string[]);
    case 'enum':
      return describeEnum(fault, error.schema as unknown[]);
    case 'const':
      return schemaFailure(`${name} must be ${show(error.schema)}, not ${showAt(fault)}`, hint(fault));
    case 'required': {
      const missing = String(params.missingProperty);
      const property = propertiesOf(error)[missing];
      return schemaFailure(
        `${name} has no "${missing}"`,
        `add ${missing}${property ? `: ${explainMeaning(property)}` : ''}`,
        'key',
      );
    }
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const key = String(params.additionalProperty ?? params.unevaluatedProperty);
      const where = path.length === 0 ? '' : ` in ${name}`;
      const known = Object.keys(propertiesOf(error));
      return {
        reason: 'unknown',
        message: `unknown key "${key}"${where}`,
        next: whyNot(error, key) ?? suggest(key, known),
        at: 'key',
        path: [...path, key],
      };
    }
    case 'pattern':
    case 'format':
      return schemaFailure(`${name} has not the right form: ${showAt(fault)}`, hint(fault));
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum': {
      const word = { '>=': 'at least', '<=': 'at most', '>': 'more than', '<': 'less than' }[String(params.comparison)];
      return schemaFailure(`${name} must be ${word} ${params.limit}, not ${showAt(fault)}`, hint(fault));
    }
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return schemaFailure(params.limit === 1 ? `${name} must not be empty` : `${name} ${error.message}`, hint(fault));
    case 'false schema':
      return { reason: 'unknown', message: `${name} is not allowed here`, next: 'remove it', at: 'key' };
    default:
      return schemaFailure(`${name} ${error.message ?? 'is not as its schema wants it'}`, hint(fault));
  }
}

function describeType(fault: Fault, types: string[]): Explained {
  const { name, path, subject } = fault;
  const value = valueAt(subject.data, path);
  const message = `${name} must be ${listTypes(types)}, not ${describeValue(fault, value)}`;
  const written = subject.written?.(path);
  if (types.includes('string') && written !== undefined && written !== '' && typeof value !== 'string') {
    return schemaFailure(message, `write it in quotes: "${written}"`);
  }
  const wantsNumber = types.includes('integer') || types.includes('number');
  if (wantsNumber && typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)) {
    return schemaFailure(message, `write it without quotes: ${value}`);
  }
  return schemaFailure(message, hint(fault));
}

function describeEnum(fault: Fault, allowed: unknown[]): Explained {
  const value = valueAt(fault.subject.data, fault.path);
  const nearest =
    typeof value === 'string'
      ? findNearest(
          value,
          allowed.filter((each) => typeof each === 'string'),
        )
      : undefined;
  const list = allowed.map(show).join(', ');
  const message = `${fault.name} must be one of ${list}, not ${showAt(fault)}`;
  return schemaFailure(message, nearest === undefined ? hint(fault) : `did you mean ${nearest}?`);
}

/**
 * An `anyOf` or `oneOf` comes with the errors of all its branches. What helps is: which types are possible, if the
 * type is wrong; else what is wrong in the branch that was probably meant, i.e. the deepest error.
 */
function reduceBranches(errors: ErrorObject[]): ErrorObject[] {
  const kept: ErrorObject[] = [];
  for (const error of errors) {
    if (!WITH_BRANCHES.has(error.keyword)) {
      kept.push(error);
      continue;
    }
    const siblings = `${error.schemaPath.slice(0, -error.keyword.length)}`;
    const branches: ErrorObject[] = [];
    for (let last = kept.at(-1); last !== undefined && isBranchError(last, error, siblings); last = kept.at(-1)) {
      branches.unshift(last);
      kept.pop();
    }
    kept.push(...chooseBranchError(error, branches));
  }
  return kept;
}

function isBranchError(candidate: ErrorObject, parent: ErrorObject, siblings: string): boolean {
  if (!candidate.instancePath.startsWith(parent.instancePath)) return false;
  const sibling = candidate.schemaPath.startsWith(siblings) && !candidate.schemaPath.startsWith(parent.schemaPath);
  return !sibling || candidate.schemaPath.startsWith('#/$defs/');
}

function chooseBranchError(parent: ErrorObject, branches: ErrorObject[]): ErrorObject[] {
  const types = branches.filter((each) => each.keyword === 'type' && each.instancePath === parent.instancePath);
  const others = branches.filter((each) => !types.includes(each));
  if (others.length === 0) {
    if (types.length === 0) return [parent];
    return [{ ...parent, keyword: 'branches', params: { types: types.flatMap((each) => each.params.type) } }];
  }
  const depth = (error: ErrorObject) => error.instancePath.split('/').length;
  const deepest = Math.max(...others.map(depth));
  return others.filter((each) => depth(each) === deepest).slice(0, 1);
}

function listTypes(types: string[]): string {
  return [...new Set(types)].map((type) => TYPE_WORDS[type] ?? type).join(' or ');
}

const TYPE_WORDS: { [type: string]: string } = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  null: 'null',
  array: 'a list',
  object: 'a map',
};

function schemaFailure(message: string, next: string | undefined, at: 'key' | 'value' = 'value'): Explained {
  return { reason: 'schema', message, at, ...(next === undefined ? {} : { next }) };
}

/** What the value at fault means, from the schema: the best next step when no better one is known. */
function hint({ error }: Fault): string | undefined {
  const meaning = explainMeaning(error.parentSchema as { [key: string]: unknown } | undefined);
  return meaning === '' ? undefined : meaning;
}

function explainMeaning(schema: { [key: string]: unknown } | undefined): string {
  const description = typeof schema?.description === 'string' ? schema.description : '';
  const examples = Array.isArray(schema?.examples) ? schema.examples : [];
  const example = examples.length === 0 ? '' : `for example ${show(examples[0])}`;
  return [description.replace(/\.$/, ''), example].filter((part) => part !== '').join('; ');
}

/** What the schema says of a key that people look for and that it does not have, on purpose (`x-no-such-key`). */
function whyNot(error: ErrorObject, key: string): string | undefined {
  const { 'x-no-such-key': reasons = {} } = (error.parentSchema ?? {}) as {
    'x-no-such-key'?: { [key: string]: string };
  };
  return Object.hasOwn(reasons, key) ? reasons[key] : undefined;
}

function propertiesOf(error: ErrorObject): { [name: string]: { [key: string]: unknown } } {
  const parent = error.parentSchema as { properties?: { [name: string]: { [key: string]: unknown } } } | undefined;
  return parent?.properties ?? {};
}

function readPointer(pointer: string, data: Value): Path {
  const path: (string | number)[] = [];
  let value: Value | undefined = data;
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const list: boolean = Array.isArray(value);
    path.push(list ? Number(key) : key);
    value = valueAt(value ?? null, [path.at(-1)!]);
  }
  return path;
}

/** The value at `path`; a secret on the way is returned in place of what is inside it. */
function valueAt(data: Value, path: Path): Value | undefined {
  let value: Value | undefined = data;
  for (const step of path) {
    if (isSensitive(value)) return value;
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as { [key: string | number]: Value })[step];
  }
  return value;
}

/** `etcd.members[0].name`; `root` for the whole. */
export function formatPath(path: Path, root = 'the document'): string {
  if (path.length === 0) return root;
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      const plain = /^[\w-]+$/.test(step) ? step : JSON.stringify(step);
      return index === 0 ? plain : `.${plain}`;
    })
    .join('');
}

function describeValue(fault: Fault, value: Value | undefined): string {
  if (Array.isArray(value)) return 'a list';
  if (value === null || value === undefined) return 'null (nothing)';
  if (typeof value === 'object') return 'a map';
  const written = fault.subject.written?.(fault.path);
  const shown = typeof value === 'string' ? show(value) : (written ?? show(value));
  return `the ${typeof value} ${shown}`;
}

function showAt({ subject, path }: Fault): string {
  return show(valueAt(subject.data, path));
}

function isSecret({ error, subject, path }: Fault): boolean {
  const schema = error.parentSchema as { 'x-sensitive'?: unknown } | undefined;
  return isSensitive(valueAt(subject.data, path)) || schema?.['x-sensitive'] === true;
}

/** As JSON, cut where a sentence would drown in it. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function comparePlaces(one: Failure, other: Failure): number {
  const [a, b] = [one.place, other.place];
  if (a === undefined || b === undefined) return 0;
  return a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column;
}
