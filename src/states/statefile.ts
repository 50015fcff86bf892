// One state file, read and checked: what it includes and what it declares.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import stateSchema from '../../schemas/state.schema.json' with { type: 'json' };
import { type Attempt, type Failure, fail, type Place, succeed } from '../failure.ts';
import type { Source } from '../inventory/inventory.ts';
import { type Document, decodeDocument, shorten } from '../load/document.ts';
import { explainReadError } from '../load/readable.ts';
import type { CheckSchema } from '../load/schema.ts';
import type { AnyModule } from '../modules/module.ts';
import type { Registry } from '../modules/registry.ts';
import type { Value, ValueMap } from '../value.ts';
import { type Each, readCondition, readEach } from './condition.ts';
import type { StateFile } from './find.ts';
import type { Parameters } from './parameters.ts';
import type { Syntax } from './parse.ts';
import { type Resource, type ResourceContext, readResource } from './resource.ts';
import type { Condition } from './template.ts';
import { readTree, type Tree } from './tree.ts';

export interface Include {
  state: string;
  each?: Each;
  with: Tree;
  when?: Condition;
  place: Place;
}

export interface State {
  name: string;
  /** Its file, and those of its templates. */
  sources: Source[];
  description: string;
  /** It is of one cluster: a host that is a member of two has it twice, once with each one's `pillar` and `cluster`. */
  perCluster: boolean;
  include: Include[];
  resources: Resource[];
  place: Place;
}

/** What all files of a run are read with. */
export interface Reading {
  modules: Registry;
  parametersOf(module: AnyModule): Parameters;
  syntax: Syntax;
  check: CheckSchema;
  /** States may be named without `kubernetes.`. */
  fullNameOf(name: string): string;
}

/** What every template may name, besides `facts`. */
const NAMES: ReadonlySet<string> = new Set(['pillar', 'host', 'cluster', 'with']);

export async function readState({ name, file, root }: StateFile, reading: Reading): Promise<Attempt<State>> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    return fail(explainReadError(shorten(file), error));
  }
  const attempt = decodeDocument(file, bytes);
  if (!attempt.ok) return attempt;
  const document = attempt.value;
  const failures = reading.check(document, stateSchema);
  if (failures.length > 0) return fail(...failures);

  const data = document.data as ValueMap;
  const include: Include[] = [];
  for (const [index, item] of ((data.include ?? []) as Value[]).entries()) {
    collect(readInclude(document, index, item, reading), include, failures);
  }
  const resources: Resource[] = [];
  const context: ResourceContext = { ...reading, document, file, root, names: NAMES };
  for (const [id, body] of Object.entries((data.resources ?? {}) as ValueMap)) {
    collect(await readResource(id, body as ValueMap, context), resources, failures);
  }
  if (failures.length > 0) return fail(...failures);
  const own = { file: document.file, sha256: createHash('sha256').update(bytes).digest('hex') };
  return succeed({
    name,
    sources: [own, ...resources.flatMap((resource) => resource.template?.source ?? [])],
    description: data.description as string,
    perCluster: data.per === 'cluster',
    include,
    resources,
    place: document.place([]),
  });
}

function readInclude(
  document: Document,
  index: number,
  item: Value,
  { syntax, fullNameOf }: Reading,
): Attempt<Include> {
  const path = ['include', index];
  const place = document.place(typeof item === 'string' ? path : [...path, 'state']);
  if (typeof item === 'string') {
    return succeed({ state: fullNameOf(item), with: { kind: 'fixed', value: {} }, place });
  }
  const inclusion = item as ValueMap;
  const each =
    inclusion.each === undefined
      ? undefined
      : readEach(document, [...path, 'each'], inclusion.each as string, { names: NAMES, syntax });
  if (each?.ok === false) return each;
  const names = each === undefined ? NAMES : new Set([...NAMES, each.value.name]);
  const grammar = { names, factless: 'which states are included is settled before the hosts are asked' };
  const given = readTree(document, [...path, 'with'], inclusion.with ?? {}, grammar, syntax);
  const when =
    inclusion.when === undefined
      ? undefined
      : readCondition(document, [...path, 'when'], inclusion.when, grammar, syntax);
  if (!given.ok || when?.ok === false) {
    return fail(...[given, when].flatMap((part) => (part === undefined || part.ok ? [] : part.failures)));
  }
  return succeed({
    state: fullNameOf(inclusion.state as string),
    with: given.value,
    place,
    ...(each && { each: each.value }),
    ...(when && { when: when.value }),
  });
}

function collect<T>(attempt: Attempt<T>, values: T[], failures: Failure[]): void {
  if (attempt.ok) values.push(attempt.value);
  else failures.push(...attempt.failures);
}
