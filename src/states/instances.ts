// The states of one host: includes followed, conditions decided, lists gone through.
import { isDeepStrictEqual } from 'node:util';
import { type Failure, formatPlace, type Place } from '../failure.ts';
import type { Value, ValueMap } from '../value.ts';
import type { RenderContext } from './declaration.ts';
import { evaluateRaw, extendScope, isMet, revealAll, type Scope } from './evaluate.ts';
import type { AnyHelper } from './functions.ts';
import { chooseKeys } from './keys.ts';
import type { Include, State } from './statefile.ts';
import { renderTree } from './tree.ts';

/** A state as it is included once: `kubernetes.etcd.member[main]`. */
export interface Instance {
  name: string;
  state: State;
  /** It is the second one of a state that is there for each cluster: `kubernetes.etcd.configured[events]`. */
  events: boolean;
  /** The cluster that its resources belong to. */
  cluster?: string;
  scope: Scope;
  given: ValueMap;
  /** Where it was included; undefined if the operator asked for it. */
  place?: Place;
  includes: Instance[];
}

export interface Expansion {
  /** Included ones before those that include them, each once. */
  instances: Instance[];
  /** Names of instances whose `when` is false. */
  absent: Set<string>;
  failures: Failure[];
}

export function expandStates(
  states: ReadonlyMap<string, State>,
  names: readonly string[],
  context: RenderContext,
  helpers: ReadonlyMap<string, AnyHelper>,
): Expansion {
  const known = new Map<string, Instance>();
  const instances: Instance[] = [];
  const absent = new Set<string>();
  const failures: Failure[] = [];
  const host = context.host.name;
  const base: Scope = { host, helpers, names: new Map(namesOf(context)) };
  const ofEvents = context.events && extendScope(base, namesOf({ ...context, ...context.events }));
  for (const name of names) enterAll(name, states.get(name)!, { given: {}, events: false });
  return { instances, absent, failures };

  /** A state that is there for each cluster comes with the one for events, except where that alone is gone through. */
  function enterAll(name: string, state: State, how: Entry): Instance[] {
    const forEvents = `${name}[events]`;
    if (!state.perCluster) return [enter(name, state, { ...how, events: false })];
    if (how.events) return [enter(forEvents, state, how)];
    const main = enter(name, state, how);
    if (ofEvents) return [main, enter(forEvents, state, { ...how, events: true })];
    absent.add(forEvents);
    return [main];
  }

  function enter(name: string, state: State, { given, place, events }: Entry): Instance {
    const earlier = known.get(name);
    if (earlier !== undefined) {
      if (!isDeepStrictEqual(revealAll(earlier.given), revealAll(given))) failures.push(refuseSecond(earlier, place));
      return earlier;
    }
    const scope = extendScope(events ? ofEvents! : base, [['with', given]]);
    const cluster = (events ? context.events! : context).cluster?.name;
    const instance: Instance = {
      name,
      state,
      events,
      ...(cluster === undefined ? {} : { cluster }),
      scope,
      given,
      ...(place && { place }),
      includes: [],
    };
    known.set(name, instance);
    for (const include of state.include) instance.includes.push(...follow(include, scope, events));
    instances.push(instance);
    return instance;
  }

  function follow(include: Include, scope: Scope, events: boolean): Instance[] {
    const state = states.get(include.state)!;
    if (include.each === undefined) return followOne(include, state, include.state, scope, events);
    const { list, name } = include.each;
    const items = evaluateRaw(list.expression, scope);
    if (!items.ok) return refuse(items.failures);
    const keyed = chooseKeys(items.value, list);
    if (!keyed.ok) return refuse(keyed.failures);
    return keyed.value.flatMap(([key, item]) =>
      followOne(include, state, `${include.state}[${key}]`, extendScope(scope, [[name, item]]), events),
    );
  }

  function followOne(include: Include, state: State, name: string, scope: Scope, events: boolean): Instance[] {
    const met = include.when === undefined || isMet(include.when, scope);
    if (met !== true && !met.ok) return refuse(met.failures);
    if (met !== true && !met.value) {
      if (!events || !state.perCluster) absent.add(name);
      if (state.perCluster) absent.add(`${name}[events]`);
      return [];
    }
    const given = renderTree(include.with, scope, 'inside');
    if (!given.ok) return refuse(given.failures);
    return enterAll(name, state, { given: given.value as ValueMap, place: include.place, events });
  }

  function refuse(found: Failure[]): [] {
    failures.push(...found.map((failure) => ({ ...failure, host })));
    return [];
  }

  function refuseSecond(earlier: Instance, place: Place | undefined): Failure {
    const before =
      earlier.place === undefined ? 'asked for without `with`' : `included at ${formatPlace(earlier.place)}`;
    return {
      reason: 'duplicate',
      message: `${earlier.name} is already ${before} with other values`,
      host,
      ...(place ? { place } : earlier.place ? { place: earlier.place } : {}),
      next: 'include it by each, so that every instance has a key of its own, or with the same values',
    };
  }
}

/** With what a state is included, and whether for the cluster of events. */
interface Entry {
  given: ValueMap;
  place?: Place;
  events: boolean;
}

function namesOf({ pillar, host, cluster }: RenderContext): [string, Value][] {
  return [
    ['pillar', pillar],
    ['host', host],
    // Its members are declared by an interface, which TypeScript does not take for an index signature.
    ...(cluster ? [['cluster', { ...cluster }] as [string, Value]] : []),
  ];
}
