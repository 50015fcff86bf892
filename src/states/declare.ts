// From states to the declarations of one host: everything that can be settled before the host is asked.
import { type Attempt, type Failure, fail, formatPlace, type Place, succeed } from '../failure.ts';
import type { Value, ValueMap } from '../value.ts';
import type { Declaration, HostDeclarations, Reference, RenderContext, Requisites, Wanted } from './declaration.ts';
import { evaluateRaw, extendScope, isMet, type Scope } from './evaluate.ts';
import type { AnyHelper } from './functions.ts';
import { gather } from './gather.ts';
import { expandStates, type Instance } from './instances.ts';
import { chooseKeys } from './keys.ts';
import { createResolver, type Named } from './references.ts';
import { type PlacedTree, REQUISITES, type Resource } from './resource.ts';
import type { State } from './statefile.ts';
import { fileNamesFacts, renderTemplateFile, type TemplateFile } from './templatefile.ts';
import { renderTree, type Tree, treeNamesFacts } from './tree.ts';

/** A resource of one instance, for one item of its `each`. */
interface Draft extends Named {
  source: Resource;
  scope: Scope;
  identity: ValueMap;
  onlyif: string[];
  unless: string[];
  references: { [kind in (typeof REQUISITES)[number]]: { text: string; place: Place }[] };
}

export function declareHost(
  states: ReadonlyMap<string, State>,
  names: readonly string[],
  context: RenderContext,
  helpers: ReadonlyMap<string, AnyHelper>,
  fullNameOf: (name: string) => string,
): Attempt<HostDeclarations> {
  const host = context.host.name;
  const { instances, absent, failures } = expandStates(states, names, context, helpers);
  const drafts: Draft[] = [];
  for (const instance of instances) {
    for (const resource of instance.state.resources) {
      const drafted = draftResource(resource, instance);
      if (drafted.ok) drafts.push(...drafted.value);
      else failures.push(...drafted.failures.map((failure) => ({ ...failure, host })));
    }
  }
  if (failures.length > 0) return fail(...failures);
  const resolve = createResolver(states, instances, absent, drafts, fullNameOf);
  const declarations = gather(
    drafts.map((draft) => {
      const requisites = resolveRequisites(draft, resolve);
      const wanted = renderEarly(draft, host);
      if (!requisites.ok || wanted?.ok === false) {
        return fail(...[requisites, wanted].flatMap((part) => (part && !part.ok ? part.failures : [])));
      }
      return succeed(declare(draft, requisites.value, host, wanted));
    }),
  );
  if (!declarations.ok) return fail(...declarations.failures.map((failure) => ({ ...failure, host })));
  const rivals = findRivals(declarations.value, host);
  return rivals.length > 0 ? fail(...rivals) : succeed({ host, declarations: declarations.value });
}

function draftResource(resource: Resource, instance: Instance): Attempt<Draft[]> {
  const own = `${instance.name}/${resource.id}`;
  if (resource.each === undefined) return draftOne(resource, instance, own, instance.scope);
  const { list, name } = resource.each;
  const items = evaluateRaw(list.expression, instance.scope);
  if (!items.ok) return items;
  const keyed = chooseKeys(items.value, list);
  if (!keyed.ok) return keyed;
  const drafts = gather(
    keyed.value.map(([key, item]) =>
      draftOne(resource, instance, `${own}[${key}]`, extendScope(instance.scope, [[name, item]])),
    ),
  );
  return drafts.ok ? succeed(drafts.value.flat()) : drafts;
}

/** Nothing, if a `when` that does not depend on facts says no. */
function draftOne(resource: Resource, instance: Instance, id: string, scope: Scope): Attempt<Draft[]> {
  if (resource.when !== undefined && !resource.when.namesFacts) {
    const met = isMet(resource.when, scope);
    if (!met.ok) return met;
    if (!met.value) return succeed([]);
  }
  const rendered = renderParameters(resource.identity, scope);
  const identity = rendered.ok ? resource.parameters.completeIdentity(rendered.value, resource.source) : rendered;
  const onlyif = gather(resource.onlyif.map((command) => renderString(command, scope)));
  const unless = gather(resource.unless.map((command) => renderString(command, scope)));
  const references = REQUISITES.map((kind) =>
    gather(
      resource.requisites[kind].map((requisite): Attempt<{ text: string; place: Place }> => {
        const text = renderString(requisite, scope);
        return text.ok ? succeed({ text: text.value, place: requisite.place }) : text;
      }),
    ),
  );
  const [require, watch, onchanges, onfail] = references.map((list) => (list.ok ? list.value : []));
  if (!identity.ok || !onlyif.ok || !unless.ok || references.some((list) => !list.ok)) {
    return fail(...[identity, onlyif, unless, ...references].flatMap((part) => (part.ok ? [] : part.failures)));
  }
  return succeed([
    {
      id,
      instance,
      resource: resource.id,
      source: resource,
      scope,
      identity: identity.value,
      onlyif: onlyif.value,
      unless: unless.value,
      references: { require: require!, watch: watch!, onchanges: onchanges!, onfail: onfail! },
    },
  ]);
}

function resolveRequisites(draft: Draft, resolve: ReturnType<typeof createResolver>): Attempt<Requisites> {
  const requisites: Requisites = { require: [], watch: [], onchanges: [], onfail: [] };
  const failures: Failure[] = [];
  for (const kind of REQUISITES) {
    for (const { text, place } of draft.references[kind]) {
      const ids = resolve(text, draft.instance, place);
      if (ids.ok) requisites[kind].push({ text, ids: ids.value, place } satisfies Reference);
      else failures.push(...ids.failures);
    }
  }
  return failures.length > 0 ? fail(...failures) : succeed(requisites);
}

/** `wanted`: where it needs no facts, so that it is known already. */
function declare(draft: Draft, requisites: Requisites, host: string, wanted: Attempt<Wanted> | undefined): Declaration {
  const { id, source, instance, identity, onlyif, unless } = draft;
  return {
    id,
    state: instance.state.name,
    ...(instance.cluster === undefined ? {} : { cluster: instance.cluster }),
    module: source.module,
    identity,
    requisites,
    onlyif,
    unless,
    scope: source.scope,
    ...(source.disrupts && { disrupts: source.disrupts }),
    place: source.place,
    render: (facts) => wanted ?? renderFor(draft, host, extendScope(draft.scope, [['facts', facts]])),
  };
}

function renderFor(draft: Draft, host: string, scope: Scope): Attempt<Wanted> {
  const wanted = renderWanted(draft, scope);
  return wanted.ok ? wanted : fail(...wanted.failures.map((failure) => ({ ...failure, host, resource: draft.id })));
}

/**
 * What needs no facts, now: what is wrong with it is wrong input, to be told before any host is asked. Undefined where
 * some of it has to wait for facts; then what need not wait is only checked.
 */
function renderEarly(draft: Draft, host: string): Attempt<Wanted> | undefined {
  const { source, scope } = draft;
  // A host for which it is skipped need not have what it names.
  if (source.when?.namesFacts) return undefined;
  const early = source.rest.filter(([, tree]) => !treeNamesFacts(tree));
  const template = source.template && !fileNamesFacts(source.template) ? source.template : undefined;
  if (early.length === source.rest.length && template === source.template) return renderFor(draft, host, scope);
  const failures = [renderParameters(early, scope), ...(template ? [renderTemplateFile(template, scope)] : [])].flatMap(
    (part) => (part.ok ? [] : part.failures),
  );
  return failures.length > 0 ? fail(...failures.map((each) => ({ ...each, host, resource: draft.id }))) : undefined;
}

function renderWanted({ source, identity }: Draft, scope: Scope): Attempt<Wanted> {
  if (source.when?.namesFacts) {
    const met = isMet(source.when, scope);
    if (!met.ok) return met;
    if (!met.value) return succeed({ skip: true });
  }
  const rest = renderParameters(source.rest, scope);
  const replaced: Attempt<ValueMap> = source.template ? renderParameter(source, source.template, scope) : succeed({});
  if (!rest.ok || !replaced.ok) return fail(...[rest, replaced].flatMap((part) => (part.ok ? [] : part.failures)));
  const want = source.parameters.complete({ ...replaced.value, ...identity, ...rest.value }, source.source);
  return want.ok ? succeed({ skip: false, want: want.value }) : want;
}

/** What stands in place of a template, as far as the module can be told it: a format is nothing to what is no file. */
function renderParameter({ module }: Resource, template: TemplateFile, scope: Scope): Attempt<ValueMap> {
  const rendered = renderTemplateFile(template, scope);
  if (!rendered.ok || 'format' in module.schema.properties) return rendered;
  const { format: _, ...rest } = rendered.value;
  return succeed(rest);
}

function renderParameters(parameters: readonly [string, Tree][], scope: Scope): Attempt<ValueMap> {
  const entries = gather(
    parameters.map(([name, tree]): Attempt<[string, Value]> => {
      const value = renderTree(tree, scope);
      return value.ok ? succeed([name, value.value]) : value;
    }),
  );
  return entries.ok ? succeed(Object.fromEntries(entries.value)) : entries;
}

/** A command or the name in a requisite: shown in plans, so never a secret. */
function renderString({ tree, place }: PlacedTree, scope: Scope): Attempt<string> {
  const value = renderTree(tree, scope);
  if (!value.ok) return value;
  if (typeof value.value === 'string') return succeed(value.value);
  const message = 'this must be a string without secrets, because plans show it';
  return fail({ reason: 'template', message, place, next: 'use another value' });
}

/** Two resources that own one thing would undo each other's work for ever. */
function findRivals(declarations: readonly Declaration[], host: string): Failure[] {
  const owners = new Map<string, Declaration>();
  return declarations.flatMap((declaration): Failure[] => {
    const claim = declaration.module.claims(declaration.identity);
    const owner = claim === undefined ? undefined : owners.get(claim);
    if (claim === undefined) return [];
    if (owner === undefined) {
      owners.set(claim, declaration);
      return [];
    }
    const message = `${declaration.id} and ${owner.id} (${formatPlace(owner.place)}) both claim ${claim}`;
    return [{ reason: 'duplicate', message, place: declaration.place, host, next: 'let one resource have it' }];
  });
}
