// From the draft to the inventory: groups inside groups, the precedence of variables, clusters.
// https://docs.ansible.com/ansible/latest/inventory_guide/intro_inventory.html#how-variables-are-merged
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import { dropRepeated } from '../load/repeated.ts';
import type { ValueMap } from '../value.ts';
import { findClusters } from './clusters.ts';
import { isConnectionVariable, readConnection } from './connection.ts';
import type { Draft, DraftGroup, DraftHost, Variable } from './draft.ts';
import type { Host, Inventory } from './inventory.ts';

/** Everything of an inventory but its sources. */
export function resolveDraft(draft: Draft): Attempt<Omit<Inventory, 'sources'>> {
  const { groups } = draft;
  const failures = [...draft.failures];
  const parents = listParents(draft);
  const cycle = findGroupCycle(groups);
  if (cycle !== undefined) return fail(...failures, cycle);

  const order = [...draft.hosts.values()].sort(compareHosts).map((host) => host.name);
  const members = new Map<string, string[]>();
  for (const name of groups.keys()) {
    const held = collectHosts(groups, name);
    members.set(
      name,
      order.filter((host) => held.has(host)),
    );
  }
  const grouped = new Set(
    [...members].filter(([name]) => name !== 'all' && name !== 'ungrouped').flatMap(([, hosts]) => hosts),
  );
  members.set('all', order);
  members.set(
    'ungrouped',
    order.filter((host) => !grouped.has(host)),
  );

  const ranked = rankGroups(groups, parents, failures);
  const clusters = findClusters({ groups, members, hosts: draft.hosts, failures });
  const hosts = new Map<string, Host>();
  for (const name of order) {
    const inside = ranked.filter((group) => members.get(group)!.includes(name));
    const vars = mergeVars(draft, name, inside);
    const named = inside.filter((group) => group !== 'all' && group !== 'ungrouped');
    const cluster = [...clusters.values()].find((each) => each.members.includes(name));
    hosts.set(name, {
      name,
      ...readConnection(name, vars, failures),
      vars: Object.fromEntries(
        [...vars].flatMap(([key, { value }]) => (isConnectionVariable(key) ? [] : [[key, value]])),
      ) as ValueMap,
      groups: named,
      ...(cluster === undefined ? {} : { cluster: cluster.name }),
      place: draft.hosts.get(name)!.place,
    });
  }
  if (failures.length > 0) return fail(...dropRepeated(failures));
  return succeed({ hosts, groups: members, clusters });
}

/** Every group's parents; a group without one is a child of `all`. */
function listParents({ groups }: Draft): Map<string, string[]> {
  const parents = new Map<string, string[]>([...groups.keys()].map((name) => [name, []]));
  for (const group of groups.values()) {
    for (const child of group.children.keys()) parents.get(child)?.push(group.name);
  }
  for (const [name, above] of parents) if (above.length === 0 && name !== 'all') above.push('all');
  return parents;
}

function findGroupCycle(groups: ReadonlyMap<string, DraftGroup>): Failure | undefined {
  const done = new Set<string>();
  function visit(name: string, trail: string[]): Failure | undefined {
    const group = groups.get(name);
    if (group === undefined || done.has(name)) return undefined;
    for (const [child, place] of group.children) {
      const path = [...trail, name, child];
      const start = path.indexOf(child);
      if (start < path.length - 1 || child === 'all') {
        const circle = child === 'all' ? ['all', '…', name, 'all'] : path.slice(start);
        const message = `the group ${child} would be inside itself: ${circle.join(' > ')}`;
        return { reason: 'cycle', message, place, next: 'remove it from the children here' };
      }
      const found = visit(child, [...trail, name]);
      if (found !== undefined) return found;
    }
    done.add(name);
    return undefined;
  }
  for (const name of groups.keys()) {
    const found = visit(name, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

function collectHosts(groups: ReadonlyMap<string, DraftGroup>, name: string, into = new Set<string>()): Set<string> {
  const group = groups.get(name);
  for (const host of group?.hosts ?? []) into.add(host);
  for (const child of group?.children.keys() ?? []) collectHosts(groups, child, into);
  return into;
}

/** Lowest precedence first: by depth, then `ansible_group_priority`, then name. */
function rankGroups(
  groups: ReadonlyMap<string, DraftGroup>,
  parents: ReadonlyMap<string, string[]>,
  failures: Failure[],
): string[] {
  const depths = new Map<string, number>([['all', 0]]);
  function depthOf(name: string): number {
    const known = depths.get(name);
    if (known !== undefined) return known;
    const depth = 1 + Math.max(...(parents.get(name) ?? ['all']).map(depthOf));
    depths.set(name, depth);
    return depth;
  }
  const ranked = [...groups.values()].map((group) => ({
    name: group.name,
    rank: [depthOf(group.name), readPriority(group, failures)] as const,
  }));
  ranked.sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1] || (a.name < b.name ? -1 : 1));
  return ranked.map(({ name }) => name);
}

function readPriority(group: DraftGroup, failures: Failure[]): number {
  const variable = group.vars.get('ansible_group_priority');
  if (variable === undefined) return 1;
  const priority = typeof variable.value === 'string' ? Number(variable.value) : variable.value;
  if (typeof priority === 'number' && Number.isInteger(priority)) return priority;
  const message = `ansible_group_priority of ${group.name} must be a whole number`;
  failures.push({ reason: 'schema', message, place: variable.place, next: 'for example 10' });
  return 1;
}

function mergeVars(draft: Draft, host: string, groups: string[]): Map<string, Variable> {
  const layers = [...groups.map((group) => draft.groups.get(group)?.vars), draft.hosts.get(host)?.vars];
  return new Map(layers.flatMap((layer) => [...(layer ?? [])]));
}

function compareHosts(one: DraftHost, other: DraftHost): number {
  return one.source - other.source || one.place.line - other.place.line || one.place.column - other.place.column;
}
