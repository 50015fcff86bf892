// What expressions may call. All are pure, and none puts a value into its message: it could be a secret.
import { isDeepStrictEqual } from 'node:util';
import type { Value } from '../value.ts';
import { FORMATS, type Format } from './formats.ts';

/** Its value, or what is wrong with the arguments. */
type HelperResult = { value: Value } | { wrong: string; next?: string };

interface Helper {
  /** As it is written: `eq A B`. */
  usage: string;
  /** One line for the reference page. */
  does: string;
  /** Fewest and most arguments. */
  takes: readonly [number, number];
}

/** `and`, `or`: stop at the first that decides. `default`, `defined`: the only ones for which a path may be undefined. */
interface LazyHelper extends Helper {
  lazy: 'and' | 'or' | 'default' | 'defined';
}

interface PureHelper extends Helper {
  /** The arguments hold no {@link Sensitive}: a result made from one is wrapped by the caller. */
  call(args: Value[]): HelperResult;
}

interface FormatHelper extends Helper {
  format: Format;
}

export type AnyHelper = LazyHelper | PureHelper | FormatHelper;

const ANY = 99;

/** `semver.satisfies`, loaded by the caller. */
export interface Versions {
  parse(version: string): unknown;
  validRange(range: string): string | null;
  satisfies(version: string, range: string, options: { includePrerelease: boolean }): boolean;
}

const LAZY: { [name: string]: LazyHelper } = {
  and: {
    usage: 'and A B …',
    does: 'true if all are true; stops at the first that is not',
    takes: [2, ANY],
    lazy: 'and',
  },
  or: { usage: 'or A B …', does: 'true if one is true; stops at the first that is', takes: [2, ANY], lazy: 'or' },
  default: {
    usage: 'default PATH B',
    does: 'the value at PATH, or B where it is not set or null',
    takes: [2, 2],
    lazy: 'default',
  },
  defined: { usage: 'defined PATH', does: 'true if PATH is set and not null', takes: [1, 1], lazy: 'defined' },
};

const PURE: { [name: string]: PureHelper } = {
  eq: {
    usage: 'eq A B',
    does: 'true if both are the same data',
    takes: [2, 2],
    call: ([a, b]) => compare(a!, b!, true),
  },
  ne: {
    usage: 'ne A B',
    does: 'true if they are not the same data',
    takes: [2, 2],
    call: ([a, b]) => compare(a!, b!, false),
  },
  not: {
    usage: 'not A',
    does: 'true if A is false, null, 0, "" or an empty list',
    takes: [1, 1],
    call: ([a]) => ({ value: !isTrue(a!) }),
  },
  in: { usage: 'in A LIST', does: 'true if LIST holds A', takes: [2, 2], call: ([a, list]) => contains(a!, list!) },
  list: { usage: 'list A B …', does: 'a list of its arguments', takes: [0, ANY], call: (args) => ({ value: args }) },
  length: {
    usage: 'length LIST',
    does: 'how many items a list or map has',
    takes: [1, 1],
    call: ([list]) => measure(list!),
  },
  join: {
    usage: 'join LIST SEPARATOR',
    does: 'the items as one string',
    takes: [2, 2],
    call: ([list, by]) => join(list!, by!),
  },
  pluck: {
    usage: 'pluck LIST KEY',
    does: 'the value under KEY of every map in the list',
    takes: [2, 2],
    call: ([list, key]) => pluck(list!, key!),
  },
  concat: {
    usage: 'concat A B …',
    does: 'one string of strings, numbers and booleans',
    takes: [1, ANY],
    call: (args) => join(args, ''),
  },
  lower: { usage: 'lower A', does: 'the string in small letters', takes: [1, 1], call: ([a]) => lower(a!) },
  json: {
    usage: 'json A',
    does: 'the data as JSON text',
    takes: [1, 1],
    call: ([a]) => ({ value: JSON.stringify(a) }),
  },
};

/** All helpers by name. */
export function createHelpers(versions: Versions): ReadonlyMap<string, AnyHelper> {
  const semver: PureHelper = {
    usage: 'semver VERSION RANGE',
    does: 'true if VERSION is in RANGE, as in `semver facts.etcd.version ">=3.5.0"`',
    takes: [2, 2],
    call: ([version, range]) => isInRange(versions, version!, range!),
  };
  return new Map<string, AnyHelper>([...Object.entries({ ...LAZY, ...PURE, semver }), ...Object.entries(FORMATS)]);
}

/** Handlebars' own rule: false, null, 0, "" and an empty list are not true. */
export function isTrue(value: Value): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/** `a number`, `a list`, … */
export function nameType(value: Value): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return { string: 'a string', number: 'a number', boolean: 'a boolean' }[typeof value as string] ?? 'a map';
}

function compare(a: Value, b: Value, same: boolean): HelperResult {
  // A port that is 2379 here and "2379" there would be unequal for ever without anybody noticing.
  if (a !== null && b !== null && nameType(a) !== nameType(b)) {
    return { wrong: `compares ${nameType(a)} with ${nameType(b)}`, next: 'quote both, or none' };
  }
  return { value: isDeepStrictEqual(a, b) === same };
}

function contains(item: Value, list: Value): HelperResult {
  if (!Array.isArray(list)) return { wrong: `wants a list, not ${nameType(list)}`, next: 'write (list "a" "b")' };
  return { value: list.some((each) => isDeepStrictEqual(each, item)) };
}

function measure(list: Value): HelperResult {
  if (Array.isArray(list)) return { value: list.length };
  if (typeof list === 'object' && list !== null) return { value: Object.keys(list).length };
  return { wrong: `wants a list or a map, not ${nameType(list)}` };
}

function join(list: Value, separator: Value): HelperResult {
  if (!Array.isArray(list)) return { wrong: `wants a list, not ${nameType(list)}` };
  if (typeof separator !== 'string') return { wrong: `wants a string between the items, not ${nameType(separator)}` };
  const odd = list.findIndex((item) => item === null || typeof item === 'object');
  if (odd >= 0)
    return { wrong: `wants strings, numbers or booleans, but number ${odd + 1} is ${nameType(list[odd]!)}` };
  return { value: list.join(separator) };
}

function pluck(list: Value, key: Value): HelperResult {
  if (!Array.isArray(list)) return { wrong: `wants a list, not ${nameType(list)}` };
  if (typeof key !== 'string') return { wrong: `wants a key, not ${nameType(key)}` };
  const values: Value[] = [];
  for (const [index, item] of list.entries()) {
    const has = typeof item === 'object' && item !== null && !Array.isArray(item) && Object.hasOwn(item, key);
    if (!has) return { wrong: `does not find its key in item ${index + 1}` };
    values.push((item as { [key: string]: Value })[key]!);
  }
  return { value: values };
}

function lower(value: Value): HelperResult {
  return typeof value === 'string'
    ? { value: value.toLowerCase() }
    : { wrong: `wants a string, not ${nameType(value)}` };
}

function isInRange(versions: Versions, version: Value, range: Value): HelperResult {
  if (typeof range !== 'string' || versions.validRange(range) === null) {
    return { wrong: 'wants a range as its second argument', next: 'write for example ">=3.5.0 <3.7"' };
  }
  if (typeof version !== 'string' || versions.parse(version) === null) {
    return { wrong: `wants a version of three numbers, such as "3.5.21", as its first argument` };
  }
  return { value: versions.satisfies(version, range, { includePrerelease: true }) };
}
