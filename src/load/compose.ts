// From YAML events to JSON data, with the offset of every key and value; refuses what would silently go wrong.
import {
  boolCoreTag,
  EVENT_ID,
  type Event,
  floatCoreTag,
  getScalarValue,
  intCoreTag,
  type MappingEvent,
  NOT_RESOLVED,
  nullCoreTag,
  SCALAR_STYLE,
  type ScalarEvent,
  type SequenceEvent,
} from 'js-yaml';
import { type Attempt, type Failure, fail, formatPlace, type Place, succeed } from '../failure.ts';
import type { Scalar, Value, ValueMap } from '../value.ts';
import { isMap } from './map.ts';
import { UNQUOTED_TEMPLATE } from './syntax.ts';
import { resolveTag, type Tag } from './tags.ts';

/** Where a node and its key stand in the text, as offsets. */
export interface PlacedNode {
  key?: number;
  value: number;
  /** The source of an unquoted scalar. */
  written?: string;
  children: Map<string | number, PlacedNode>;
}

interface Composition {
  file: string;
  text: string;
  events: readonly Event[];
  locate(offset: number): Place;
}

interface Composed {
  data: Value;
  node: PlacedNode;
  /** How many values it holds, itself included: what an alias to it costs. */
  size: number;
}

/** All aliases of a document together may stand for this many values, else it is a bomb ("billion laughs"). */
const MAX_ALIASED_VALUES = 10_000;

const IMPLICIT_TAGS = [nullCoreTag, boolCoreTag, intCoreTag, floatCoreTag];

/** Builds the data of the only document in `events`, or all failures that could be found. */
export function composeEvents(composition: Composition): Attempt<{ data: Value; root: PlacedNode }> {
  const { text, events, locate } = composition;
  const failures: Failure[] = [];
  const anchors = new Map<string, Composed | 'open'>();
  let aliased = 0;
  let next = 0;

  const documents = events.filter((event) => event.type === EVENT_ID.DOCUMENT);
  const first = documents[0];
  if (first === undefined) return succeed({ data: {}, root: { value: 0, children: new Map() } });
  if (documents.length > 1) return fail(refuseSecondDocument());
  const directive = first.directives.findIndex((each) => each.kind === 'tag');
  if (directive >= 0) {
    refuse('syntax', text.indexOf('%TAG'), 'the directive %TAG is not supported', 'remove it and write tags in full');
  }
  next = 1;
  const empty = isEmptyScalar(events[1]);
  const root = composeNode(0);
  if (failures.length > 0) return fail(...failures);
  return succeed({ data: empty ? {} : root.data, root: root.node });

  function refuse(reason: Failure['reason'], offset: number, message: string, then?: string): void {
    failures.push({ reason, message, place: locate(offset), ...(then === undefined ? {} : { next: then }) });
  }

  function refuseSecondDocument(): Failure {
    const marker = [...text.matchAll(/^---(?=\s|$)/gm)].at(-1);
    return {
      reason: 'syntax',
      message: `the file holds ${documents.length} documents (separated by ---), but one is expected`,
      place: locate(marker?.index ?? 0),
      next: 'put each document into a file of its own',
    };
  }

  /** `fallback`: the offset to blame where the node has no text of its own (an empty value). */
  function composeNode(fallback: number): Composed {
    const event = events[next++]!;
    switch (event.type) {
      case EVENT_ID.ALIAS:
        return composeAlias(text.slice(event.anchorStart, event.anchorEnd), event.anchorStart - 1);
      case EVENT_ID.SCALAR:
        return keepAnchor(event, () => composeScalar(event, fallback));
      case EVENT_ID.SEQUENCE:
        return keepAnchor(event, () => composeSequence(event));
      case EVENT_ID.MAPPING:
        return keepAnchor(event, () => composeMapping(event));
      default:
        throw new Error(`unexpected YAML event ${event.type}`);
    }
  }

  function keepAnchor(event: ScalarEvent | SequenceEvent | MappingEvent, compose: () => Composed): Composed {
    if (event.anchorStart < 0) return compose();
    const name = text.slice(event.anchorStart, event.anchorEnd);
    anchors.set(name, 'open');
    const composed = compose();
    anchors.set(name, composed);
    return composed;
  }

  function composeAlias(name: string, offset: number): Composed {
    const nothing: Composed = { data: null, node: { value: offset, children: new Map() }, size: 1 };
    const target = anchors.get(name);
    if (target === undefined || target === 'open') {
      // Nothing of the text is shown here and below: it may be a secret that somebody forgot to quote.
      const why = target === 'open' ? 'stands inside what it names' : 'names no anchor (&…) above it';
      refuse(
        'unknown',
        offset,
        `the alias (*…) here ${why}`,
        'quote a value that begins with "*", or define its anchor above',
      );
      return nothing;
    }
    const before = aliased;
    aliased += target.size;
    if (aliased <= MAX_ALIASED_VALUES) return { ...target, node: { ...target.node, value: offset } };
    if (before <= MAX_ALIASED_VALUES) {
      refuse(
        'syntax',
        offset,
        `the aliases up to here stand for more than ${MAX_ALIASED_VALUES} values`,
        'use fewer aliases',
      );
    }
    return nothing;
  }

  function composeScalar(event: ScalarEvent, fallback: number): Composed {
    const offset = findStart(event, fallback);
    const node: PlacedNode = { value: offset, children: new Map() };
    const source = event.valueStart < 0 ? '' : getScalarValue(text, event);
    const plain = event.style === SCALAR_STYLE.PLAIN;
    const tag = readTag(event);
    if (tag !== undefined) return { data: applyTag(tag, source, offset), node, size: 1 };
    if (!plain) return { data: source, node, size: 1 };
    node.written = source;
    return { data: resolvePlain(source, offset), node, size: 1 };
  }

  function applyTag(tag: Tag, source: string, offset: number): Value {
    if (tag.kind === 'collection') {
      refuse('schema', offset, `the tag ${tag.name} does not fit a single value`, 'remove the tag');
      return null;
    }
    const resolved = tag.resolve(source);
    if (resolved.ok) return resolved.value;
    failures.push(...resolved.failures);
    return null;
  }

  function resolvePlain(source: string, offset: number): Scalar {
    for (const tag of IMPLICIT_TAGS) {
      const value: unknown = tag.resolve(source, false, tag.tagName);
      if (value === NOT_RESOLVED) continue;
      if (typeof value !== 'number') return value as Scalar;
      const exact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
      if (!exact) refuse('schema', offset, 'the number here cannot be kept exactly', 'write it in quotes');
      return value;
    }
    return source;
  }

  function composeSequence(event: SequenceEvent): Composed {
    const node: PlacedNode = { value: findStart(event, event.start), children: new Map() };
    refuseTagOnCollection(event, '!!seq');
    const data: Value[] = [];
    let size = 1;
    while (events[next]!.type !== EVENT_ID.POP) {
      const item = composeNode(node.value);
      node.children.set(data.length, item.node);
      data.push(item.data);
      size += item.size;
    }
    next++;
    return { data, node, size };
  }

  function composeMapping(event: MappingEvent): Composed {
    const node: PlacedNode = { value: findStart(event, event.start), children: new Map() };
    refuseTagOnCollection(event, '!!map');
    if (text.startsWith('{{', event.start) && events[next]!.type === EVENT_ID.MAPPING) {
      failures.push({ ...UNQUOTED_TEMPLATE, place: locate(event.start) });
      skipToEnd();
      return { data: null, node, size: 1 };
    }
    const data: ValueMap = {};
    const merged: Composed[] = [];
    let size = 1;
    let merges = false;
    while (events[next]!.type !== EVENT_ID.POP) {
      const key = composeKey(node.value);
      const composed = composeNode(key?.offset ?? node.value);
      size += composed.size;
      if (key === undefined) continue;
      if (key.merge) {
        if (merges)
          refuse('duplicate', key.offset, 'the merge key << stands twice in one map', 'merge a list: <<: [*a, *b]');
        merges = true;
        merged.push(...listMerged(composed, key.offset));
        continue;
      }
      const earlier = node.children.get(key.name);
      if (earlier !== undefined) {
        refuse(
          'duplicate',
          key.offset,
          `the key "${key.name}" is already set at ${formatPlace(locate(earlier.key ?? earlier.value))}`,
          'keep one of the two',
        );
        continue;
      }
      data[key.name] = composed.data;
      node.children.set(key.name, { ...composed.node, key: key.offset });
    }
    next++;
    for (const composed of merged) size += mergeInto(data, node, composed);
    return { data, node, size };
  }

  /** The key as a string; undefined, with a failure, if it is none. */
  function composeKey(fallback: number): { name: string; offset: number; merge: boolean } | undefined {
    const known = failures.length;
    const composed = composeNode(fallback);
    const offset = composed.node.value;
    if (typeof composed.data !== 'string') {
      const { written } = composed.node;
      if (written !== undefined && written !== '') {
        refuse(
          'schema',
          offset,
          `the key ${written} is read as ${describeScalar(composed.data)}`,
          `write it in quotes: "${written}"`,
        );
      } else if (failures.length === known) {
        refuse('schema', offset, 'a key must be a single string', 'write it in quotes');
      }
      return undefined;
    }
    if (composed.data === '__proto__') {
      refuse('schema', offset, 'the key "__proto__" is not allowed', 'give it another name');
      return undefined;
    }
    return { name: composed.data, offset, merge: composed.data === '<<' && composed.node.written === '<<' };
  }

  /** What `<<` merges: one map, or several of which the first wins (https://yaml.org/type/merge.html). */
  function listMerged(composed: Composed, offset: number): Composed[] {
    const { data, node } = composed;
    const list = Array.isArray(data)
      ? data.map((item, index) => ({ data: item, node: node.children.get(index)!, size: 1 }))
      : [composed];
    if (list.every((item) => isMap(item.data))) return list;
    refuse('schema', offset, 'the merge key << takes a map or a list of maps', 'use an alias of a map: <<: *name');
    return [];
  }

  function mergeInto(data: ValueMap, node: PlacedNode, from: Composed): number {
    let added = 0;
    for (const [key, value] of Object.entries(from.data as ValueMap)) {
      if (node.children.has(key)) continue;
      data[key] = value;
      node.children.set(key, from.node.children.get(key)!);
      added++;
    }
    return added;
  }

  function skipToEnd(): void {
    for (let depth = 1; depth > 0; next++) {
      const { type } = events[next]!;
      if (type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE) depth++;
      if (type === EVENT_ID.POP) depth--;
    }
  }

  function readTag(event: ScalarEvent | SequenceEvent | MappingEvent): Tag | undefined {
    if (event.tagStart < 0) return undefined;
    const name = text.slice(event.tagStart, event.tagEnd);
    return resolveTag({ name, file: composition.file, place: locate(event.tagStart) });
  }

  function refuseTagOnCollection(event: SequenceEvent | MappingEvent, allowed: string): void {
    const tag = readTag(event);
    if (tag === undefined || tag.name === allowed) return;
    if (tag.kind === 'unknown') applyTag(tag, '', event.tagStart);
    else refuse('schema', event.tagStart, `the tag ${tag.name} does not fit a map or a list`, 'tag each single value');
  }

  function findStart(event: ScalarEvent | SequenceEvent | MappingEvent, fallback: number): number {
    if (event.tagStart >= 0) return event.tagStart;
    if (event.anchorStart >= 0) return event.anchorStart - 1;
    if (event.type !== EVENT_ID.SCALAR) return event.start;
    if (event.valueStart < 0) return fallback;
    if (event.style === SCALAR_STYLE.PLAIN) return event.valueStart;
    if (event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED)
      return event.valueStart - 1;
    const lead = /^\s*/.exec(text.slice(event.valueStart, event.valueEnd))![0].length;
    return event.valueStart + lead < event.valueEnd ? event.valueStart + lead : event.valueStart;
  }
}

function isEmptyScalar(event: Event | undefined): boolean {
  return event?.type === EVENT_ID.SCALAR && event.valueStart < 0 && event.tagStart < 0;
}

function describeScalar(value: Value): string {
  return value === null ? 'null (nothing)' : `a ${typeof value}`;
}
