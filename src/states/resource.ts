// One resource of a state file, read: its parameters as templates, its condition, requisites and commands.
import { type Attempt, type Failure, fail, type Place, succeed } from '../failure.ts';
import type { Document } from '../load/document.ts';
import { suggest } from '../load/nearest.ts';
import type { AnyModule } from '../modules/module.ts';
import type { Registry } from '../modules/registry.ts';
import type { Path, Value, ValueMap } from '../value.ts';
import { type Each, readCondition, readEach } from './condition.ts';
import type { Disruption } from './declaration.ts';
import { gather } from './gather.ts';
import type { ParameterSource, Parameters } from './parameters.ts';
import type { Syntax } from './parse.ts';
import type { Condition, Grammar } from './template.ts';
import { readTemplateFile, type TemplateFile } from './templatefile.ts';
import { isFixed, readTree, type Tree } from './tree.ts';

export const REQUISITES = ['require', 'watch', 'onchanges', 'onfail'] as const;

/** A string that may be a template, with its place. */
export interface PlacedTree {
  tree: Tree;
  place: Place;
}

export interface Resource {
  id: string;
  module: AnyModule;
  parameters: Parameters;
  source: ParameterSource;
  identity: [name: string, tree: Tree][];
  rest: [name: string, tree: Tree][];
  template?: TemplateFile;
  each?: Each;
  when?: Condition;
  requisites: { [kind in (typeof REQUISITES)[number]]: PlacedTree[] };
  onlyif: PlacedTree[];
  unless: PlacedTree[];
  scope: 'host' | 'cluster';
  disrupts?: Disruption;
  place: Place;
}

/** What reading a resource needs to know of its surroundings. */
export interface ResourceContext {
  document: Document;
  /** The path of the file as it can be opened, and the directory of states it is in. */
  file: string;
  root: string;
  names: ReadonlySet<string>;
  modules: Registry;
  parametersOf(module: AnyModule): Parameters;
  syntax: Syntax;
}

const ID = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

/** `body` has the form of schemas/state.schema.json. */
export async function readResource(id: string, body: ValueMap, context: ResourceContext): Promise<Attempt<Resource>> {
  const { document, syntax } = context;
  const path = ['resources', id];
  const place = document.place(path, 'key');
  if (!ID.test(id)) {
    const message = `${JSON.stringify(id)} is not an id: expected letters, digits, _ and -, the first a letter or digit`;
    return fail({ reason: 'schema', message, place, next: 'rename the resource' });
  }
  const found = await findModule(id, body, context);
  if (!found.ok) return found;
  const { module, key } = found.value;
  const each =
    body.each === undefined ? undefined : readEach(document, [...path, 'each'], body.each as string, context);
  if (each?.ok === false) return each;
  const names = each === undefined ? context.names : new Set([...context.names, each.value.name]);
  const before = (factless: string): Grammar => ({ names, factless });

  const when =
    body.when === undefined ? undefined : readCondition(document, [...path, 'when'], body.when, { names }, syntax);
  const shell = {
    ...before('its commands run before anything is known of the host'),
    formats: new Set(['plain', 'sh']),
  };
  const onlyif = readStrings(document, [...path, 'onlyif'], body.onlyif, shell, syntax);
  const unless = readStrings(document, [...path, 'unless'], body.unless, shell, syntax);
  const requisites = REQUISITES.map((kind) =>
    readStrings(
      document,
      [...path, kind],
      body[kind],
      before('the order is settled before the hosts are asked'),
      syntax,
    ),
  );
  const parameters = await readBody(module, [...path, key], (body[key] ?? {}) as ValueMap, names, context);
  const failures = [when, onlyif, unless, ...requisites, parameters].flatMap((part) =>
    part === undefined || part.ok ? [] : part.failures,
  );
  const guard = checkGuard(module, body, key, document.place([...path, key], 'key'));
  if (guard !== undefined) failures.push(guard);
  if (failures.length > 0 || !parameters.ok || !onlyif.ok || !unless.ok || when?.ok === false) return fail(...failures);

  const lists = requisites.map((list) => (list.ok ? list.value : []));
  return succeed({
    id,
    module,
    ...parameters.value,
    ...(each && { each: each.value }),
    ...(when && { when: when.value }),
    requisites: { require: lists[0]!, watch: lists[1]!, onchanges: lists[2]!, onfail: lists[3]! },
    onlyif: onlyif.value,
    unless: unless.value,
    scope: body.scope === 'cluster' ? 'cluster' : 'host',
    ...(body.disrupts !== undefined && { disrupts: body.disrupts as Disruption }),
    place,
  });
}

async function findModule(
  id: string,
  body: ValueMap,
  { document, modules }: ResourceContext,
): Promise<Attempt<{ module: AnyModule; key: string }>> {
  const path = ['resources', id];
  const [key, second] = Object.keys(body).filter((each) => each.includes('.'));
  if (key === undefined) {
    const message = `the resource ${id} has no module`;
    const next = `add one of: ${[...modules.keys()].join(', ')}`;
    return fail({ reason: 'schema', message, place: document.place(path, 'key'), next });
  }
  if (second !== undefined) {
    const message = `the resource ${id} has two modules: ${key} and ${second}`;
    const next = 'make two resources of them';
    return fail({ reason: 'schema', message, place: document.place([...path, second], 'key'), next });
  }
  const load = modules.get(key);
  if (load !== undefined) return succeed({ module: await load(), key });
  const place = document.place([...path, key], 'key');
  return fail({ reason: 'unknown', message: `unknown module ${key}`, place, next: suggest(key, modules.keys()) });
}

type Body = Pick<Resource, 'parameters' | 'source' | 'identity' | 'rest' | 'template'>;

/** Everything under the module's key. */
async function readBody(
  module: AnyModule,
  path: Path,
  body: ValueMap,
  names: ReadonlySet<string>,
  context: ResourceContext,
): Promise<Attempt<Body>> {
  const { document, syntax } = context;
  const parameters = context.parametersOf(module);
  const source: ParameterSource = {
    place: (below, at) => document.place([...path, ...below], below.length === 0 ? 'key' : at),
    written: (below) => document.written([...path, ...below]),
  };
  const failures = parameters.checkNames(Object.keys(body), source);
  const { properties } = module.schema;
  const trees: [string, Tree][] = [];
  let template: TemplateFile | undefined;
  for (const [name, value] of Object.entries(body)) {
    const property = properties[name];
    if (property === undefined) continue;
    if (property['x-template']) {
      const file = await readTemplateParameter(name, value, path, names, context);
      if (file.ok) template = file.value;
      else failures.push(...file.failures);
      continue;
    }
    const tree = readTree(document, [...path, name], value, parameterGrammar(name, module, names), syntax);
    if (tree.ok) trees.push([name, tree.value]);
    else failures.push(...tree.failures);
  }
  const rival = ['content', 'document'].find((name) => name in body && name in properties);
  if (template !== undefined && rival !== undefined) {
    const message = `${module.name} has both a template and ${rival}`;
    failures.push({ reason: 'schema', message, place: source.place([rival], 'key'), next: 'keep one of the two' });
  }
  if (failures.length > 0) return fail(...failures);

  const fixed = trees.flatMap(([name, tree]): [string, Value][] => (isFixed(tree) ? [[name, tree.value]] : []));
  const complete = fixed.length === Object.keys(body).length;
  const wrong = parameters.checkFixed(Object.fromEntries(fixed), complete, source);
  if (wrong.length > 0) return fail(...wrong);
  return succeed({
    parameters,
    source,
    identity: trees.filter(([name]) => properties[name]!['x-identity']),
    rest: trees.filter(([name]) => !properties[name]!['x-identity']),
    ...(template && { template }),
  });
}

function parameterGrammar(name: string, module: AnyModule, names: ReadonlySet<string>): Grammar {
  const property = module.schema.properties[name]!;
  return {
    names,
    ...(property['x-identity'] && {
      factless: `${module.name} needs ${name} to read the host, before it knows any facts`,
    }),
    ...(property['x-shell'] === true && { formats: new Set(['plain', 'sh']) }),
  };
}

async function readTemplateParameter(
  name: string,
  value: Value,
  path: Path,
  names: ReadonlySet<string>,
  context: ResourceContext,
): Promise<Attempt<TemplateFile>> {
  const place = context.document.place([...path, name]);
  if (typeof value !== 'string' || value === '' || value.includes('{{')) {
    const message = `${name} must be the path of a file, written out, because it is read before any pillar is`;
    return fail({ reason: 'schema', message, place, next: 'for example templates/etcd.service.hbs' });
  }
  const use = { path: value, place, stateFile: context.file, root: context.root };
  return readTemplateFile(use, { names }, context.syntax);
}

function readStrings(
  document: Document,
  path: Path,
  value: Value | undefined,
  grammar: Grammar,
  syntax: Syntax,
): Attempt<PlacedTree[]> {
  const strings: [Path, Value][] = Array.isArray(value)
    ? value.map((item, index) => [[...path, index], item])
    : value === undefined
      ? []
      : [[path, value]];
  return gather(
    strings.map(([at, item]): Attempt<PlacedTree> => {
      const tree = readTree(document, at, item, grammar, syntax);
      return tree.ok ? succeed({ tree: tree.value, place: document.place(at) }) : tree;
    }),
  );
}

/** Without one of these, nobody can say whether such a resource is done. */
function checkGuard(module: AnyModule, body: ValueMap, key: string, place: Place): Failure | undefined {
  if (!module.needsGuard) return undefined;
  const parameters = Object.keys((body[key] ?? {}) as ValueMap).filter((name) =>
    ['creates', 'unless', 'onlyif'].includes(name),
  );
  const around = ['unless', 'onlyif', 'onchanges', 'watch'].filter((name) => name in body);
  if (parameters.length + around.length > 0) return undefined;
  const message = `${module.name} needs creates, unless, onlyif or onchanges: otherwise nobody can say when it is done`;
  return { reason: 'schema', message, place, next: 'add one of them' };
}
