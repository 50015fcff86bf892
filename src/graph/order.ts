// The topological order of the nodes, or the cycles in their way: one depth-first walk finds both.
import { type Attempt, type Failure, fail, formatPlace, succeed } from '../failure.ts';
import type { GraphNode, NodeKey } from './graph.ts';

/** So many cycles are told at once; mending one often mends others. */
const MOST_CYCLES = 10;

/**
 * Every node after all that it waits for, and otherwise as they come in `nodes`. Fails with `cycle`, once for each
 * cycle of resources (the same one on three hosts is one). Walks with its own stack, so that depth costs no call frames.
 */
export function orderNodes(nodes: ReadonlyMap<NodeKey, GraphNode>): Attempt<NodeKey[]> {
  const order: NodeKey[] = [];
  const cycles = new Map<string, Failure>();
  const state = new Map<NodeKey, 'open' | 'done'>();

  for (const start of nodes.keys()) {
    if (state.has(start)) continue;
    const path: { node: GraphNode; next: number }[] = [{ node: nodes.get(start)!, next: 0 }];
    state.set(start, 'open');
    while (path.length > 0) {
      const top = path.at(-1)!;
      const edge = top.node.after[top.next++];
      if (edge === undefined) {
        state.set(top.node.key, 'done');
        order.push(top.node.key);
        path.pop();
        continue;
      }
      const seen = state.get(edge.to);
      if (seen === undefined) {
        state.set(edge.to, 'open');
        path.push({ node: nodes.get(edge.to)!, next: 0 });
      } else if (seen === 'open') {
        const from = path.findLastIndex((entry) => entry.node.key === edge.to);
        const failure = describeCycle(path.slice(from).map((entry) => entry.node));
        if (!cycles.has(failure.message)) cycles.set(failure.message, failure);
        if (cycles.size === MOST_CYCLES) return fail(...cycles.values());
      }
    }
  }
  return cycles.size > 0 ? fail(...cycles.values()) : succeed(order);
}

/** `ring`: each waits for the next, the last for the first. */
function describeCycle(ring: GraphNode[]): Failure {
  const first = ring[0]!.declaration;
  const ids = [...ring, ring[0]!].map((node) => node.declaration.id);
  const places = ring.map((node) => `${node.declaration.id} at ${formatPlace(node.declaration.place)}`);
  return {
    reason: 'cycle',
    resource: first.id,
    place: placeOfRequisite(ring) ?? first.place,
    message: `these wait for each other: ${ids.join(' → ')} (${places.join(', ')})`,
    next: 'take away one of these requisites, so that one of them can be first',
  };
}

/** Where the first of the ring names the second. */
function placeOfRequisite(ring: GraphNode[]) {
  const wanted = (ring[1] ?? ring[0]!).declaration.id;
  for (const declaration of ring[0]!.declarations.values()) {
    const { require, watch, onchanges, onfail } = declaration.requisites;
    const found = [...require, ...watch, ...onchanges, ...onfail].find((reference) => reference.ids.includes(wanted));
    if (found) return found.place;
  }
  return undefined;
}
