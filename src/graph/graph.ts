// One acyclic graph over (host, resource): who must come before whom, also across hosts.
import type { ClusterView } from '../modules/module.ts';
import type { Declaration, Disruption } from '../states/declaration.ts';

/** `host resource` for `scope: host`, `@cluster resource` for `scope: cluster`. */
export type NodeKey = string;

export type RequisiteKind = 'require' | 'watch' | 'onchanges' | 'onfail';

export interface Edge {
  to: NodeKey;
  kind: RequisiteKind;
}

export interface GraphNode {
  key: NodeKey;
  /** The host, or undefined for a resource of scope `cluster`: the plan chooses its runner. */
  host?: string;
  /** The cluster whose resource this is. A host may be a member of two, and have resources of both. */
  cluster?: string;
  /** The host's own; for a resource of scope `cluster` its first member's. */
  declaration: Declaration;
  /** By host, as each renders it: one for `scope: host`; for `scope: cluster` each member's, in the order of the hosts. */
  declarations: Map<string, Declaration>;
  /** What this node waits for. A cluster's node waits for the declarations on every member. */
  after: Edge[];
}

export interface Graph {
  nodes: Map<NodeKey, GraphNode>;
  /** All keys, every node after all that it waits for; otherwise in the order of the files and of the inventory. */
  order: NodeKey[];
}

/** What each host does in one stage, in order. Hosts of one stage work side by side. */
export interface Stage {
  /** From 1. */
  number: number;
  steps: Map<string, NodeKey[]>;
  /**
   * The turns of this stage, at most one a cluster while it serves. One that interrupts the etcd member is gated before and
   * after.
   */
  disrupts: { host: string; cluster: string; what: Disruption }[];
}

export interface ScheduleInput {
  graph: Graph;
  /** The nodes that will write or react. */
  changing: ReadonlySet<NodeKey>;
  /** Which host runs a node: its own, or the runner of a cluster's node. */
  hostOf(key: NodeKey): string;
  /** Views of the clusters, by name. A cluster without one is taken to serve: nobody has seen that it does not. */
  clusters: ReadonlyMap<string, ClusterView>;
}

export function hostKey(host: string, resource: string): NodeKey {
  return `${host} ${resource}`;
}

export function clusterKey(cluster: string, resource: string): NodeKey {
  return `@${cluster} ${resource}`;
}
