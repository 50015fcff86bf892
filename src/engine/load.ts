// load: from the files that a person wrote to the graph of a run. Nothing is connected to.

import { bracketed, etcdServers, eventsOverride, type Server } from '../etcd/servers.ts';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import { compileGraph } from '../graph/compile.ts';
import type { Graph } from '../graph/graph.ts';
import type { Inventory, Source } from '../inventory/inventory.ts';
import { readInventory } from '../inventory/read.ts';
import { selectHosts } from '../inventory/target.ts';
import { modules } from '../modules/registry.ts';
import type { PillarSet } from '../pillar/pillar.ts';
import { proxyVariables } from '../pillar/proxy.ts';
import { readPillar } from '../pillar/read.ts';
import type { ClusterContext, HostDeclarations, RenderContext } from '../states/declaration.ts';
import { loadStates } from '../states/load.ts';
import type { Value, ValueMap } from '../value.ts';
import { clustersOf, type EtcdCluster, etcdClusters, memberPillar } from './clusters.ts';
import { isLeftOut, type LeftOut, leaveOut } from './left-out.ts';
import { type LimitSeconds, type Limits, resolveLimits } from './limits.ts';

export interface LoadOptions {
  inventory: string;
  /** Ansible's pattern language. */
  target: string;
  /** Directory of pillar layers; absent: the schema's defaults alone. */
  pillar?: string;
  /** Where states are looked for, the operator's own first. */
  stateDirectories: string[];
  states: string[];
  /** From flags: they win over the pillar key `limits`. */
  limits: LimitSeconds;
  /** Pillar keys that a procedure sets for all its hosts, in place of what the layers say. */
  given?: ValueMap;
  /** Hosts that a restore does without. */
  leftOut?: LeftOut;
  /** The cluster of events that all states are about, in place of the one whose events it carries. */
  about?: string;
  /** Hosts of the target that are only asked. */
  spared?: readonly string[];
}

/** All that a run knows before it has seen a host. */
export interface Loaded {
  inventory: Inventory;
  pillars: PillarSet;
  states: string[];
  /** Hosts that may be written to, in inventory order. */
  targets: string[];
  /** The targets and every other member of their clusters, which are only asked. */
  hosts: string[];
  graph: Graph;
  sources: Source[];
  limits: Limits;
}

/** Takes every failure it can find, so that one reading of the messages mends the files. */
export async function load(options: LoadOptions): Promise<Attempt<Loaded>> {
  const scope = await loadScope(options);
  return scope.ok ? loadWithin(scope.value, options) : scope;
}

/** {@link load} for a scope that is there already: hosts and pillar are the same for all states. */
export async function loadWithin(
  scope: Scope,
  options: Pick<LoadOptions, 'states' | 'stateDirectories' | 'about'>,
): Promise<Attempt<Loaded>> {
  const { inventory, pillars, targets, hosts, limits } = scope;

  const states = await loadStates({ directories: options.stateDirectories, names: options.states, modules });
  if (!states.ok) return states;

  const declared: HostDeclarations[] = [];
  const failures: Failure[] = [];
  for (const host of hosts) {
    // What is left out of one cluster is only asked about the other.
    if (isLeftOut(inventory, host)) continue;
    const attempt = states.value.declare(renderContext(scope, host, options.about));
    if (attempt.ok) declared.push(attempt.value);
    else failures.push(...attempt.failures);
  }
  if (failures.length > 0) return fail(...unique(failures));

  const graph = compileGraph(declared);
  if (!graph.ok) return graph;
  return succeed({
    inventory,
    pillars,
    states: states.value.names,
    targets,
    hosts,
    graph: graph.value,
    sources: [...inventory.sources, ...pillars.sources, ...states.value.sources],
    limits,
  });
}

/** The part of {@link Loaded} that commands without states need (`facts`, `lock`, `pillar show`). */
export type Scope = Omit<Loaded, 'graph' | 'states'>;

export async function loadScope(options: Omit<LoadOptions, 'states' | 'stateDirectories'>): Promise<Attempt<Scope>> {
  const read = await readInventory(options.inventory);
  if (!read.ok) return read;
  const pillars = await readPillar({
    inventory: read.value,
    ...(options.pillar === undefined ? {} : { directory: options.pillar }),
  });
  const selected = selectHosts(read.value, options.target);
  if (!pillars.ok) return selected.ok ? pillars : fail(...pillars.failures, ...selected.failures);
  if (!selected.ok) return selected;

  const inventory = withoutHosts(read.value, options.leftOut);
  const targets = selected.value.filter((host) => !isLeftOut(inventory, host) && !options.spared?.includes(host));
  const scope = { inventory, pillars: withGiven(pillars.value, options.given) };
  return succeed({
    ...scope,
    targets,
    hosts: withPeers(inventory, targets).filter(
      (host) => !isLeftOut(inventory, host) || clustersOf(scope, host).length > 0,
    ),
    sources: [...inventory.sources, ...pillars.value.sources],
    limits: resolveLimits(pillarLimits(pillars.value, targets), options.limits),
  });
}

function withoutHosts(inventory: Inventory, leftOut: LeftOut | undefined): Inventory {
  const group = inventory.hosts.get(leftOut?.hosts[0] ?? '')?.cluster;
  return leftOut && group !== undefined ? leaveOut(inventory, group, leftOut) : inventory;
}

function withGiven(pillars: PillarSet, given: ValueMap | undefined): PillarSet {
  if (given === undefined) return pillars;
  return {
    ...pillars,
    of(host) {
      const pillar = pillars.of(host);
      return { ...pillar, data: { ...pillar.data, ...given } };
    },
  };
}

function withPeers(inventory: Inventory, targets: string[]): string[] {
  const wanted = new Set(targets);
  for (const cluster of inventory.clusters.values()) {
    if (cluster.members.some((member) => wanted.has(member))) for (const member of cluster.members) wanted.add(member);
  }
  return [...inventory.hosts.keys()].filter((host) => wanted.has(host));
}

function renderContext(scope: RenderScope, name: string, about: string | undefined): RenderContext {
  const host = scope.inventory.hosts.get(name)!;
  const clusters = clustersOf(scope, name);
  const only = clusters.find((cluster) => cluster.name === about);
  const [main, events] = only ? [only] : clusters;
  const data = only ? memberPillar(scope, name, only) : scope.pillars.of(name).data;
  const peers = (main?.members ?? [name]).map((member) => scope.inventory.hosts.get(member)!.address);
  const proxy = proxyVariables(data, peers);
  return {
    pillar: data,
    host: { name, address: host.address, groups: host.groups, vars: host.vars, ...(proxy ? { proxy } : {}) },
    ...(main ? { cluster: clusterContext(scope, main) } : {}),
    ...(events
      ? { events: { pillar: memberPillar(scope, name, events), cluster: clusterContext(scope, events) } }
      : {}),
  };
}

type RenderScope = Pick<Scope, 'inventory' | 'pillars'>;

/** Names and addresses of peers come from inventory and pillar only: a dead peer never changes what a live host renders. */
function clusterContext(scope: RenderScope, cluster: EtcdCluster): ClusterContext {
  const { name, service, eventsOf } = cluster;
  const members = cluster.members.map((member) => ({
    name: member,
    address: scope.inventory.hosts.get(member)!.address,
    pillar: memberPillar(scope, member, cluster),
  }));
  const events = [...etcdClusters(scope).values()].find((each) => each.eventsOf === name);
  return {
    name,
    service,
    events: eventsOf !== undefined,
    etcd_servers: etcdServers(serversOf(scope, cluster)),
    ...(events ? { etcd_servers_overrides: eventsOverride(serversOf(scope, events)) } : {}),
    api_servers: members.map(({ address, pillar }) => `${bracketed(address)}:${pillar.apiserver_port}`),
    nodes: members.map(({ name, pillar }) =>
      typeof pillar.node_name === 'string' ? pillar.node_name : name.toLowerCase(),
    ),
    members,
  };
}

function serversOf(scope: RenderScope, cluster: EtcdCluster): Server[] {
  return cluster.members.map((host) => ({
    address: scope.inventory.hosts.get(host)!.address,
    clientPort: memberPillar(scope, host, cluster).etcd_client_port as number,
  }));
}

/** A run has one set of limits: where hosts disagree, the longest wait, so that nobody's is cut short. */
function pillarLimits(pillars: PillarSet, hosts: string[]): LimitSeconds {
  const longest: LimitSeconds = {};
  for (const host of hosts) {
    const limits = pillars.of(host).data.limits as { [name: string]: Value } | undefined;
    for (const [name, seconds] of Object.entries(limits ?? {})) {
      if (typeof seconds !== 'number') continue;
      const key = name as keyof Limits;
      longest[key] = Math.max(longest[key] ?? 0, seconds);
    }
  }
  return longest;
}

/** The same fault of a shared file is found once a host; it is told once, and then of no host in particular. */
function unique(failures: Failure[]): Failure[] {
  const told = new Map<string, Failure>();
  for (const failure of failures) {
    const { host, ...rest } = failure;
    const key = JSON.stringify(rest);
    const before = told.get(key);
    told.set(key, before && before.host !== host ? rest : failure);
  }
  return [...told.values()];
}
