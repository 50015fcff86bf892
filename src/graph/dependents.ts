// The edges the other way round: who waits for a node.
import type { Graph, NodeKey } from './graph.ts';

/** For each node that anything waits for, what waits for it directly: once for each edge, in the order of the graph. */
export function dependentsOf(graph: Graph): Map<NodeKey, NodeKey[]> {
  const dependents = new Map<NodeKey, NodeKey[]>();
  for (const key of graph.order) {
    for (const edge of graph.nodes.get(key)!.after) {
      const known = dependents.get(edge.to);
      if (known) known.push(key);
      else dependents.set(edge.to, [key]);
    }
  }
  return dependents;
}
