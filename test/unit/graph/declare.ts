// Declarations for graph tests: ids and requisites, nothing behind them.
import type { Place } from '../../../src/failure.ts';
import { type Attempt, succeed } from '../../../src/failure.ts';
import { compileGraph } from '../../../src/graph/compile.ts';
import type { Graph } from '../../../src/graph/graph.ts';
import type { Cluster } from '../../../src/inventory/inventory.ts';
import type { AnyModule, ClusterView } from '../../../src/modules/module.ts';
import type { Declaration, Disruption, HostDeclarations } from '../../../src/states/declaration.ts';

export interface Wish {
  require?: string[];
  watch?: string[];
  onchanges?: string[];
  onfail?: string[];
  scope?: 'cluster';
  disrupts?: Disruption;
}

export type Wishes = { [id: string]: Wish };

export function declare(wishes: Wishes): Declaration[] {
  return Object.entries(wishes).map(([id, wish], index) => {
    const place: Place = { file: 'states/s.yaml', line: 10 * (index + 1), column: 3 };
    const refer = (ids: string[] = []) =>
      ids.map((text) => ({ text, ids: [text], place: { ...place, line: place.line + 1 } }));
    return {
      id,
      state: 's',
      module: {} as AnyModule,
      identity: {},
      requisites: {
        require: refer(wish.require),
        watch: refer(wish.watch),
        onchanges: refer(wish.onchanges),
        onfail: refer(wish.onfail),
      },
      onlyif: [],
      unless: [],
      scope: wish.scope ?? 'host',
      ...(wish.disrupts ? { disrupts: wish.disrupts } : {}),
      place,
      render: () => succeed({ skip: true }),
    };
  });
}

/** The same declarations on every host. */
export function onHosts(hosts: string[], wishes: Wishes): HostDeclarations[] {
  return hosts.map((host) => ({ host, declarations: declare(wishes) }));
}

/** The graph where each host is a member of one of `clusters`, or of none. */
export function compileIn(hosts: HostDeclarations[], clusters: Cluster[]): Attempt<Graph> {
  const clusterOf = new Map(clusters.flatMap(({ name, members }) => members.map((member) => [member, name])));
  return compileGraph(
    hosts.map(({ host, declarations }) => {
      const name = clusterOf.get(host);
      return {
        host,
        declarations: declarations.map((each) => (name === undefined ? each : { cluster: name, ...each })),
      };
    }),
  );
}

export function cluster(name: string, members: string[]): Cluster {
  return { name, group: 'masters', members, place: { file: 'inventory.yaml', line: 1, column: 1 } };
}

/** `states`: `up`, `down` or `leader` by host. */
export function view(name: string, states: { [host: string]: 'up' | 'down' | 'leader' }): ClusterView {
  return {
    name,
    members: Object.entries(states).map(([host, state]) => ({
      host,
      reachable: true,
      healthy: state !== 'down',
      leader: state === 'leader',
    })),
  };
}
