// What expressions may call. All are pure, and none puts a value into its message: it could be a secret.
import { isIP, isIPv6 } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { addressIn, parseCidr } from '../cidr.ts';
import { chooseListenAddress } from '../etcd/listen.ts';
import { isMap } from '../load/map.ts';
import { countUnits, parseQuantity } from '../quantity.ts';
import type { Value, ValueMap } from '../value.ts';
import { FORMATS, type Format } from './formats.ts';
import { isTrue, nameType } from './value-kinds.ts';

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

/**
 * `and`, `or`: stop at the first that decides; `choose`: looks at the chosen one alone. `default`, `defined`, `needed`: the
 * only ones for which a path may be undefined.
 */
export interface LazyHelper extends Helper {
  lazy: 'and' | 'or' | 'choose' | 'default' | 'defined' | 'needed';
}

/** Says where a value goes, and is no value itself: the tree of the document sees to it. */
export interface PlaceHelper extends Helper {
  /** `items`: into the list around it; `key`: to its key, or the key is left out. */
  place: 'items' | 'key';
}

interface PureHelper extends Helper {
  /** The arguments hold no {@link Sensitive}: a result made from one is wrapped by the caller. */
  call(args: Value[]): HelperResult;
}

interface FormatHelper extends Helper {
  format: Format;
}

export type AnyHelper = LazyHelper | PlaceHelper | PureHelper | FormatHelper;

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
  choose: {
    usage: 'choose TEST A B',
    does: 'A if TEST is true, else B; the other one need not exist',
    takes: [3, 3],
    lazy: 'choose',
  },
  default: {
    usage: 'default PATH B',
    does: 'the value at PATH, or B where it is not set or null',
    takes: [2, 2],
    lazy: 'default',
  },
  defined: { usage: 'defined PATH', does: 'true if PATH is set and not null', takes: [1, 1], lazy: 'defined' },
  needed: {
    usage: 'needed PATH WHY',
    does: 'the value at PATH; where it is not set or null, the error ends with WHY',
    takes: [2, 2],
    lazy: 'needed',
  },
};

const PLACES: { [name: string]: PlaceHelper } = {
  splice: {
    usage: 'splice LIST',
    does: 'as an item of a list in a document: the items of LIST in its place',
    takes: [1, 1],
    place: 'items',
  },
  some: {
    usage: 'some A',
    does: 'as the value of a key in a document: A; where A is an empty list or map, the key is left out',
    takes: [1, 1],
    place: 'key',
  },
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
  map: {
    usage: 'map KEY A KEY B …',
    does: 'a map of its arguments',
    takes: [0, ANY],
    call: makeMap,
  },
  merge: {
    usage: 'merge MAP MAP …',
    does: 'one map of several; where two have a key, the later one wins',
    takes: [1, ANY],
    call: mergeMaps,
  },
  flags: {
    usage: 'flags MAP',
    does: 'the list of `--KEY=VALUE` of the map',
    takes: [1, 1],
    call: ([map]) => listFlags(map!),
  },
  variables: {
    usage: 'variables MAP',
    does: "the list of `name` and `value` of the map, as a container's `env` has it",
    takes: [1, 1],
    call: ([map]) => listVariables(map!),
  },
  unite: {
    usage: 'unite LIST LIST …',
    does: 'one list of several, in which nothing stands twice',
    takes: [1, ANY],
    call: unite,
  },
  cpus: {
    usage: 'cpus QUANTITY',
    does: 'how many whole CPUs hold a quantity of Kubernetes such as 1500m: 2',
    takes: [1, 1],
    call: ([quantity]) => measureIn(quantity!, 10n ** 9n),
  },
  cpupercent: {
    usage: 'cpupercent QUANTITY',
    does: 'the same in percent of one CPU: 150',
    takes: [1, 1],
    call: ([quantity]) => measureIn(quantity!, 10n ** 7n),
  },
  bytes: {
    usage: 'bytes QUANTITY',
    does: 'the bytes of a quantity of Kubernetes such as 2Gi',
    takes: [1, 1],
    call: ([quantity]) => measureIn(quantity!, 10n ** 9n),
  },
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
  hostport: {
    usage: 'hostport HOST PORT',
    does: '`HOST:PORT`, an IPv6 address in brackets',
    takes: [2, 2],
    call: ([host, port]) => joinHostPort(host!, port!),
  },
  hostname: {
    usage: 'hostname ENDPOINT',
    does: 'the host of `HOST:PORT`, an IPv6 address without its brackets',
    takes: [1, 1],
    call: ([endpoint]) => takeHost(endpoint!),
  },
  nth: {
    usage: 'nth N NETWORK',
    does: 'the address at N, counted from 0, of a network such as 10.96.0.0/12',
    takes: [2, 2],
    call: ([n, network]) => takeAddress(n!, network!),
  },
  listen: {
    usage: 'listen ADDRESS INTERFACES NAME',
    does: "the address to listen on of the interface NAME of `facts.interfaces`: ADDRESS, the host's in the inventory, must be one of it; if that is a name, the first IPv4 address there",
    takes: [3, 3],
    call: ([address, interfaces, name]) => listenOn(address!, interfaces!, name!),
  },
  ip: {
    usage: 'ip A',
    does: 'true if A is an IPv4 or IPv6 address rather than a name',
    takes: [1, 1],
    call: ([a]) => ({ value: typeof a === 'string' && isIP(a) !== 0 }),
  },
  given: {
    usage: 'given MAP',
    does: 'the map without what is null in it, at any depth',
    takes: [1, 1],
    call: ([a]) => (isMap(a) ? { value: withoutNulls(a) } : { wrong: `wants a map, not ${nameType(a!)}` }),
  },
  lower: { usage: 'lower A', does: 'the string in small letters', takes: [1, 1], call: ([a]) => lower(a!) },
  json: {
    usage: 'json A',
    does: 'the data as JSON text',
    takes: [1, 1],
    call: ([a]) => ({ value: JSON.stringify(a) }),
  },
};

/** All functions by name: Handlebars calls them helpers. */
export function createHelpers(versions: Versions): ReadonlyMap<string, AnyHelper> {
  const semver: PureHelper = {
    usage: 'semver VERSION RANGE',
    does: 'true if VERSION is in RANGE, as in `semver facts.etcd.version ">=3.5.0"`',
    takes: [2, 2],
    call: ([version, range]) => isInRange(versions, version!, range!),
  };
  return new Map<string, AnyHelper>([
    ...Object.entries({ ...LAZY, ...PLACES, ...PURE, semver }),
    ...Object.entries(FORMATS),
  ]);
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

function makeMap(args: Value[]): HelperResult {
  const entries: [string, Value][] = [];
  for (let index = 0; index < args.length; index += 2) {
    const key = args[index]!;
    if (typeof key !== 'string') return { wrong: `wants a key, not ${nameType(key)}, as value ${index + 1}` };
    if (index + 1 === args.length) return { wrong: 'has a key without a value' };
    entries.push([key, args[index + 1]!]);
  }
  return { value: Object.fromEntries(entries) };
}

function mergeMaps(maps: Value[]): HelperResult {
  const odd = maps.find((map) => !isMap(map));
  return odd === undefined
    ? { value: Object.fromEntries(maps.flatMap((map) => Object.entries(map as ValueMap))) }
    : { wrong: `wants maps, not ${nameType(odd)}` };
}

function listFlags(map: Value): HelperResult {
  if (!isMap(map)) return { wrong: `wants a map, not ${nameType(map)}` };
  const entries = Object.entries(map);
  const odd = entries.findIndex(([, value]) => value === null || typeof value === 'object');
  if (odd >= 0) {
    return { wrong: `wants strings, numbers or booleans, but number ${odd + 1} is ${nameType(entries[odd]![1])}` };
  }
  return { value: entries.map(([name, value]) => `--${name}=${value}`) };
}

function listVariables(map: Value): HelperResult {
  if (!isMap(map)) return { wrong: `wants a map, not ${nameType(map)}` };
  return { value: Object.entries(map).map(([name, value]) => ({ name, value })) };
}

function unite(lists: Value[]): HelperResult {
  const odd = lists.find((list) => !Array.isArray(list));
  if (odd !== undefined) return { wrong: `wants lists, not ${nameType(odd)}` };
  return { value: [...new Set((lists as Value[][]).flat())] };
}

function measureIn(quantity: Value, unit: bigint): HelperResult {
  const parsed = typeof quantity === 'string' ? parseQuantity(quantity) : undefined;
  return parsed === undefined
    ? { wrong: 'wants a quantity, such as 1500m or 2Gi' }
    : { value: countUnits(parsed, unit) };
}

function joinHostPort(host: Value, port: Value): HelperResult {
  if (typeof host !== 'string') return { wrong: `wants a host, not ${nameType(host)}` };
  if (typeof port !== 'number') return { wrong: `wants a port, not ${nameType(port)}` };
  return { value: `${isIPv6(host) ? `[${host}]` : host}:${port}` };
}

function takeHost(endpoint: Value): HelperResult {
  const [, six, host] = /^(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(String(endpoint)) ?? [];
  return (six ?? host) === undefined ? { wrong: 'wants HOST:PORT' } : { value: (six ?? host)! };
}

function takeAddress(n: Value, network: Value): HelperResult {
  const cidr = typeof network === 'string' ? parseCidr(network) : undefined;
  if (typeof n !== 'number' || cidr === undefined)
    return { wrong: 'wants a number and a network, such as 10.96.0.0/12' };
  const address = addressIn(cidr, n);
  return address === undefined ? { wrong: `wants an address that the network does not have` } : { value: address };
}

function listenOn(address: Value, interfaces: Value, name: Value): HelperResult {
  if (!isMap(interfaces) || typeof name !== 'string' || typeof address !== 'string')
    return { wrong: 'wants an address, the interfaces of the host and the name of one' };
  const known = new Map(Object.entries(interfaces).map(([each, has]) => [each, has as string[]]));
  const chosen = chooseListenAddress(known, name, address);
  return 'address' in chosen
    ? { value: chosen.address }
    : { wrong: 'finds no such address there', next: 'correct bind_interface, or the address in the inventory' };
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

function withoutNulls(value: Value): Value {
  if (!isMap(value)) return value;
  const entries = Object.entries(value).flatMap(([key, each]) => (each === null ? [] : [[key, withoutNulls(each)]]));
  return Object.fromEntries(entries);
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
