// The states of one host: includes followed, conditions decided, lists gone through.
import { isDeepStrictEqual } from 'node:util';
import { type Failure, formatPlace, type Place } from '../failure.ts';
import type { Value, ValueMap } from '../value.ts';
import type { RenderContext } from './declaration.ts';
import { evaluateRaw, extendScope, isMet, revealAll, type Scope } from './evaluate.ts';
import type { AnyHelper } from './helpers.ts';
import { chooseKeys } from './keys.ts';
import type { Include, State } from './statefile.ts';
import { renderTree } from './tree.ts';

/** A state as it is included once: `kubernetes.etcd.member[main]`. */
export interface Instance {
  name: string;
  state: State;
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
  const base: Scope = {
    host,
    helpers,
    names: new Map<string, Value>([
      ['pillar', context.pillar],
      ['host', context.host],
      // Its members are declared by an interface, which TypeScript does not take for an index signature.
      ...(context.cluster ? [['cluster', { ...context.cluster }] as [string, Value]] : []),
    ]),
  };
  for (const name of names) enter(name, states.get(name)!, {}, undefined);
  return { instances, absent, failures };

  function enter(name: string, state: State, given: ValueMap, place: Place | undefined): Instance {
    const earlier = known.get(name);
    if (earlier !== undefined) {
      if (!isDeepStrictEqual(revealAll(earlier.given), revealAll(given))) failures.push(refuseSecond(earlier, place));
      return earlier;
    }
    const scope = extendScope(base, [['with', given]]);
    const instance: Instance = { name, state, scope, given, ...(place && { place }), includes: [] };
    known.set(name, instance);
    for (const include of state.include) instance.includes.push(...follow(include, scope));
    instances.push(instance);
    return instance;
  }

  function follow(include: Include, scope: Scope): Instance[] {
    const state = states.get(include.state)!;
    if (include.each === undefined) return followOne(include, state, include.state, scope);
    const { list, name } = include.each;
    const items = evaluateRaw(list.expression, scope);
    if (!items.ok) return refuse(items.failures);
    const keyed = chooseKeys(items.value, list);
    if (!keyed.ok) return refuse(keyed.failures);
    return keyed.value.flatMap(([key, item]) =>
      followOne(include, state, `${include.state}[${key}]`, extendScope(scope, [[name, item]])),
    );
  }

  function followOne(include: Include, state: State, name: string, scope: Scope): Instance[] {
    const met = include.when === undefined || isMet(include.when, scope);
    if (met !== true && !met.ok) return refuse(met.failures);
    if (met !== true && !met.value) {
      absent.add(name);
      return [];
    }
    const given = renderTree(include.with, scope, 'inside');
    if (!given.ok) return refuse(given.failures);
    return [enter(name, state, given.value as ValueMap, include.place)];
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
