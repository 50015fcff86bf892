// Requisites: what the names in `require`, `watch`, `onchanges` and `onfail` mean.
import { type Attempt, type Failure, fail, type Place, succeed } from '../failure.ts';
import { suggest } from '../load/nearest.ts';
import { fullName, type StateIndex } from './find.ts';
import type { Instance } from './instances.ts';
import { REQUISITES } from './resource.ts';
import type { State } from './statefile.ts';
import { isFixed } from './tree.ts';

/** A declaration by all that its names are made of. */
export interface Named {
  id: string;
  instance: Instance;
  resource: string;
}

/**
 * Finds, before any host is known, the requisites that nothing can fulfil. `index`: all states there are, for
 * those who forgot to include one.
 */
export function checkReferences(states: ReadonlyMap<string, State>, index: StateIndex): Failure[] {
  const everywhere = new Set([...states.values()].flatMap(listNames));
  return [...states.values()].flatMap((state) => {
    const known = new Set([...state.resources.map(({ id }) => id), ...everywhere]);
    return state.resources.flatMap((resource) =>
      REQUISITES.flatMap((kind) => resource.requisites[kind]).flatMap(({ tree, place }): Failure[] => {
        if (!isFixed(tree)) return [];
        const text = tree.value as string;
        const full = expand(text, (name) => fullName(index, name));
        if (known.has(stripKeys(text)) || known.has(stripKeys(full))) return [];
        return [explainUnknown(full, known, place, index)];
      }),
    );
  });
}

/** From names to ids, on one host. */
export function createResolver(
  states: ReadonlyMap<string, State>,
  instances: readonly Instance[],
  absent: ReadonlySet<string>,
  named: readonly Named[],
  fullNameOf: (name: string) => string,
): (text: string, from: Instance, place: Place) => Attempt<string[]> {
  const ids = new Map<string, Set<string>>();
  // What a name without a key means among the states of the cluster of events; the rest means there what it means elsewhere.
  const ofEvents = new Map<string, Set<string>>();
  const add = (name: string, found: Iterable<string>, into = ids) => {
    const set = into.get(name) ?? new Set();
    for (const id of found) set.add(id);
    into.set(name, set);
  };
  // What a `when` leaves out is known, and means nothing here.
  for (const state of states.values()) for (const name of listNames(state)) add(name, []);
  for (const name of absent) {
    add(name, []);
    for (const { id } of states.get(stripKeys(name))!.resources) add(`${name}/${id}`, []);
  }
  for (const instance of instances) {
    if (instance.events) for (const { id } of instance.state.resources) add(`${instance.name}/${id}`, []);
  }
  const addNamed = (name: string, instance: Instance, ids: Iterable<string>, below = '') => {
    add(`${instance.name}${below}`, ids);
    add(`${name}${below}`, ids, instance.events ? ofEvents : undefined);
  };
  for (const { id, instance, resource } of named) {
    const { name } = instance.state;
    add(id, [id]);
    addNamed(name, instance, [id]);
    addNamed(name, instance, [id], `/${resource}`);
    addNamed(name, instance, [id], `/${id.slice(instance.name.length + 1)}`);
  }
  // A state means also what it includes: else a state that only includes others would mean nothing. What is included for
  // the cluster of events is meant by that cluster's own states alone: main must never wait for it.
  for (const instance of instances) {
    for (const included of instance.includes) {
      if (included.events && !instance.events) continue;
      addNamed(instance.state.name, instance, ids.get(included.name) ?? []);
    }
  }

  return (text, from, place) => {
    const full = expand(text, fullNameOf);
    const found =
      ids.get(`${from.name}/${text}`) ??
      (from.events ? (ofEvents.get(text) ?? ofEvents.get(full)) : undefined) ??
      ids.get(text) ??
      ids.get(full);
    if (found !== undefined) return succeed([...found]);
    const own = from.state.resources.map(({ id }) => id);
    const stripped = stripKeys(text);
    const base = ids.get(`${from.name}/${stripped}`) ?? ids.get(stripped);
    // The state or list that the key belongs to is not there at all.
    if (base?.size === 0 && stripped !== text) return succeed([]);
    return fail(explainUnknown(text, new Set([...own, ...ids.keys()]), place, new Map()));
  };
}

function listNames(state: State): string[] {
  return [state.name, ...state.resources.map(({ id }) => `${state.name}/${id}`)];
}

/** `etcd.configured[main]/unit` with the full name of the state. */
function expand(text: string, fullNameOf: (name: string) => string): string {
  return text.replace(/^[^[/]+/, fullNameOf);
}

function stripKeys(text: string): string {
  return text.replace(/\[[^\]]*\]/g, '');
}

function explainUnknown(
  text: string,
  known: ReadonlySet<string>,
  place: Place,
  existing: Pick<StateIndex, 'has'>,
): Failure {
  const [state = ''] = stripKeys(text).split('/');
  if (existing.has(state) && !known.has(state)) {
    return {
      reason: 'unknown',
      message: `${text} names a state that is not included`,
      place,
      next: `add ${state} to include`,
    };
  }
  return {
    reason: 'unknown',
    message: `${text} is neither a resource nor a state here`,
    place,
    next: suggest(text, known),
  };
}
