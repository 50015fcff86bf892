// What must not go on because something before it failed, and nothing else.
import { quorumOf } from '../etcd/quorum.ts';
import type { Graph, GraphNode, NodeKey } from './graph.ts';

/** How many members must be done before a cluster's own resource: all (bootstrap), or a quorum of them (later). */
export type Barrier = 'all' | 'quorum';

/**
 * Each node that must not go on, with the failed node that is the cause. Follows `require`, `watch` and `onchanges`; a
 * node that stands by with `onfail` goes on just because of the failure. A failure reaches other hosts only through a
 * cluster's node; where a quorum passes that barrier, what comes behind it stays blocked on the members left behind.
 *
 * @param failed nodes that failed, were refused, or whose host cannot be reached
 * @param barrierOf by the cluster's name
 * @param postponed those of `failed` that are only outside the target: a gate (`proves`) judges the cluster without them
 */
export function blockedBy(
  graph: Graph,
  failed: ReadonlySet<NodeKey>,
  barrierOf: (cluster: string) => Barrier,
  postponed: ReadonlySet<NodeKey> = new Set(),
): Map<NodeKey, NodeKey> {
  const blocked = new Map<NodeKey, NodeKey>();
  const leftBehind = new Map<NodeKey, Map<string, NodeKey>>();
  const causeOf = (key: NodeKey) => (failed.has(key) ? key : blocked.get(key));

  for (const key of graph.order) {
    if (failed.has(key)) continue;
    const node = graph.nodes.get(key)!;
    const needs = node.after.filter((edge) => edge.kind !== 'onfail').map((edge) => edge.to);
    let cause: NodeKey | undefined;
    if (node.host === undefined && barrierOf(node.cluster!) === 'quorum') {
      const behind = findLeftBehind(graph, needs, causeOf, leftBehind);
      const waived = node.declaration.module.proves ? [...behind.values()].filter((key) => postponed.has(key)) : [];
      const done = node.declarations.size - behind.size + waived.length;
      const shared = needs.find((need) => graph.nodes.get(need)!.host === undefined && causeOf(need) !== undefined);
      if (shared !== undefined) cause = causeOf(shared);
      else if (done < quorumOf(node.declarations.size)) cause = behind.values().next().value;
      else leftBehind.set(key, behind);
    } else {
      const need = needs.find((need) => causeOf(need) !== undefined || leftBehind.get(need)?.has(node.host ?? ''));
      if (need !== undefined) cause = causeOf(need) ?? leftBehind.get(need)!.get(node.host!);
    }
    if (cause !== undefined) blocked.set(key, cause);
  }
  return blocked;
}

/** Members that are not done with what is needed, each with the cause. */
function findLeftBehind(
  graph: Graph,
  needs: NodeKey[],
  causeOf: (key: NodeKey) => NodeKey | undefined,
  known: ReadonlyMap<NodeKey, ReadonlyMap<string, NodeKey>>,
): Map<string, NodeKey> {
  const behind = new Map<string, NodeKey>();
  for (const need of needs) {
    for (const [host, cause] of known.get(need) ?? []) behind.set(host, cause);
    const { host } = graph.nodes.get(need)! satisfies GraphNode;
    const cause = causeOf(need);
    if (host !== undefined && cause !== undefined) behind.set(host, cause);
  }
  return behind;
}
