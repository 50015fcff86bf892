// What `states list` and `states show` tell.
import { type Attempt, type Failure, fail, type Place, succeed } from '../failure.ts';
import { readDocument, shorten } from '../load/document.ts';
import type { Registry } from '../modules/registry.ts';
import type { Value, ValueMap } from '../value.ts';
import type { Disruption } from './declaration.ts';
import { indexStates, shortName } from './find.ts';
import { loadStates } from './load.ts';
import { REQUISITES, type Resource } from './resource.ts';
import type { State } from './statefile.ts';
import { isFixed } from './tree.ts';

export interface StateSummary {
  name: string;
  /** What it may be called instead. */
  short?: string;
  description: string;
  file: string;
  /** Files of the same name in later directories, which this one hides. */
  shadowed: string[];
}

/** All states, by name. Other YAML files between them (without `description`) are left out; broken ones are failures. */
export async function listStates(directories: string[]): Promise<Attempt<StateSummary[]>> {
  const index = await indexStates(directories);
  const summaries: StateSummary[] = [];
  const failures: Failure[] = [];
  for (const [name, files] of index) {
    const document = await readDocument(files[0]!.file);
    if (!document.ok) {
      failures.push(...document.failures);
      continue;
    }
    const description = describe(document.value.data);
    if (description === undefined) continue;
    const shadowed = files.slice(1).map(({ file }) => shorten(file));
    const short = shortName(index, name);
    summaries.push({ name, ...(short && { short }), description, file: document.value.file, shadowed });
  }
  if (failures.length > 0) return fail(...failures);
  return succeed(summaries.sort((one, other) => (one.name < other.name ? -1 : 1)));
}

function describe(data: Value): string | undefined {
  const { description } = (data ?? {}) as ValueMap;
  return typeof description === 'string' ? description : undefined;
}

interface ResourceDescription {
  id: string;
  module: string;
  /** As written, by kind; kinds without any are left out. */
  requisites: { [kind: string]: string[] };
  when?: string;
  /** `LIST as NAME`. */
  each?: string;
  scope: 'host' | 'cluster';
  disrupts?: Disruption;
  place: Place;
}

interface StateDescription {
  name: string;
  description: string;
  file: string;
  /** A host that is a member of two clusters has it twice. */
  per?: 'cluster';
  include: { state: string; each?: string; when?: string; place: Place }[];
  resources: ResourceDescription[];
}

/** `includes`: the states that it includes, and those that they do, in the order in which they are applied. */
export interface StateTree extends StateDescription {
  includes: StateDescription[];
}

/** What a state declares, before it is rendered for any host. */
export async function describeState(options: {
  directories: string[];
  name: string;
  modules: Registry;
}): Promise<Attempt<StateTree>> {
  const { directories, name, modules } = options;
  const set = await loadStates({ directories, names: [name], modules });
  if (!set.ok) return set;
  const { states, names } = set.value;
  const described = listInOrder(states, names[0]!, new Set()).map(describeOne);
  return succeed({ ...described.at(-1)!, includes: described.slice(0, -1) });
}

function listInOrder(states: ReadonlyMap<string, State>, name: string, seen: Set<string>): State[] {
  if (seen.has(name)) return [];
  seen.add(name);
  const state = states.get(name)!;
  return [...state.include.flatMap((include) => listInOrder(states, include.state, seen)), state];
}

function describeOne({ name, description, sources, perCluster, include, resources }: State): StateDescription {
  return {
    name,
    description,
    file: sources[0]!.file,
    ...(perCluster ? { per: 'cluster' as const } : {}),
    include: include.map(({ state, each, when, place }) => ({ state, ...describeChoice({ each, when }), place })),
    resources: resources.map(describeResource),
  };
}

function describeResource(resource: Resource): ResourceDescription {
  const { id, module, each, when, scope, disrupts, place } = resource;
  const requisites = REQUISITES.map((kind): [string, string[]] => [
    kind,
    resource.requisites[kind].map(({ tree }) => (isFixed(tree) ? String(tree.value) : '{{ … }}')),
  ]);
  return {
    id,
    module: module.name,
    requisites: Object.fromEntries(requisites.filter(([, texts]) => texts.length > 0)),
    ...describeChoice({ each, when }),
    scope,
    ...(disrupts && { disrupts }),
    place,
  };
}

function describeChoice({ each, when }: { each: Resource['each'] | undefined; when: Resource['when'] | undefined }) {
  return { ...(each && { each: `${each.list.text} as ${each.name}` }), ...(when && { when: when.text }) };
}
