// compile: declarations of all hosts become one graph, or the cycles that forbid it.
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Declaration, HostDeclarations } from '../states/declaration.ts';
import {
  clusterKey,
  type Edge,
  type Graph,
  type GraphNode,
  hostKey,
  type NodeKey,
  type RequisiteKind,
} from './graph.ts';
import { orderNodes } from './order.ts';

const KINDS: readonly RequisiteKind[] = ['require', 'watch', 'onchanges', 'onfail'];

/**
 * One node for each resource of each host, and one for each `scope: cluster` resource of a cluster: that one waits for
 * what it requires on all members among `hosts`, and whatever requires it, on any of them, waits for that one.
 *
 * Fails with `schema` (scope cluster outside a cluster), `unknown` (a requisite that is not on the host) or `cycle`.
 */
export function compileGraph(hosts: HostDeclarations[]): Attempt<Graph> {
  const failures: Failure[] = [];
  const nodes = new Map<NodeKey, GraphNode>();
  const keys = new Map<string, Map<string, NodeKey>>();

  for (const { host, declarations } of hosts) {
    const own = new Map<string, NodeKey>();
    keys.set(host, own);
    for (const declaration of declarations) {
      const { cluster } = declaration;
      if (declaration.scope === 'cluster' && cluster === undefined) {
        failures.push(outsideCluster(host, declaration));
        continue;
      }
      const shared = declaration.scope === 'cluster';
      const key = shared ? clusterKey(cluster!, declaration.id) : hostKey(host, declaration.id);
      own.set(declaration.id, key);
      const node = nodes.get(key);
      if (node) node.declarations.set(host, declaration);
      else nodes.set(key, createNode(key, shared ? undefined : host, cluster, host, declaration));
    }
  }
  if (failures.length > 0) return fail(...failures);

  for (const node of nodes.values()) {
    for (const [host, declaration] of node.declarations) linkNode(node, host, declaration, keys.get(host)!, failures);
  }
  if (failures.length > 0) return fail(...failures);

  const order = orderNodes(nodes);
  return order.ok ? succeed({ nodes, order: order.value }) : order;
}

function createNode(
  key: NodeKey,
  host: string | undefined,
  cluster: string | undefined,
  member: string,
  declaration: Declaration,
): GraphNode {
  return {
    key,
    ...(host === undefined ? {} : { host }),
    ...(cluster === undefined ? {} : { cluster }),
    declaration,
    declarations: new Map([[member, declaration]]),
    after: [],
  };
}

function linkNode(
  node: GraphNode,
  host: string,
  declaration: Declaration,
  keys: ReadonlyMap<string, NodeKey>,
  failures: Failure[],
): void {
  const known = new Set(node.after.map(edgeText));
  for (const kind of KINDS) {
    for (const reference of declaration.requisites[kind]) {
      for (const id of reference.ids) {
        const to = keys.get(id);
        if (to === undefined) {
          failures.push(notOnHost(host, declaration, kind, id, reference.place));
          continue;
        }
        const edge: Edge = { to, kind };
        if (known.has(edgeText(edge))) continue;
        known.add(edgeText(edge));
        node.after.push(edge);
      }
    }
  }
}

function edgeText(edge: Edge): string {
  return `${edge.kind} ${edge.to}`;
}

function outsideCluster(host: string, declaration: Declaration): Failure {
  return {
    reason: 'schema',
    host,
    resource: declaration.id,
    place: declaration.place,
    message: `${declaration.id} has \`scope: cluster\`, but ${host} is in no cluster`,
    next: `mark a group of ${host} with etcd_cluster in the inventory, or leave ${host} out of the target`,
  };
}

function notOnHost(host: string, declaration: Declaration, kind: string, id: string, place: Failure['place']): Failure {
  return {
    reason: 'unknown',
    host,
    resource: declaration.id,
    ...(place ? { place } : {}),
    message: `${declaration.id} has \`${kind}: ${id}\`, which is not declared on ${host}`,
    next: 'include the state that declares it, or give both the same `when`',
  };
}
