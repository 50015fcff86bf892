// Levels: the earliest stage that each changing node may be in.
import { rollOrder } from '../etcd/quorum.ts';
import { dependentsOf } from './dependents.ts';
import type { NodeKey, ScheduleInput } from './graph.ts';

/**
 * The latest level among what lies before a node, and the host that reaches it (undefined: several do). A node on that
 * host may share the level, any other must take the next one. Nodes that do not change only hand it on.
 */
interface Front {
  level: number;
  host: string | undefined;
}

const START: Front = { level: 0, host: undefined };

/**
 * Walks the graph as far as it comes without interrupting a member. Then each serving cluster gives the next turn to the
 * first host in its roll order that waits for one, and the walk goes on. A turn comes after the one before it: in a later
 * stage, unless both are the same host's.
 *
 * @param gated nodes that take turns, each with its cluster
 */
export function assignLevels(input: ScheduleInput, gated: ReadonlyMap<NodeKey, string>): Map<NodeKey, number> {
  const { graph, changing } = input;
  const levels = new Map<NodeKey, number>();
  const fronts = new Map<NodeKey, Front>();
  const lastTurns = new Map<string, Front>();
  const waiting = new Map<string, NodeKey[]>();
  const missing = new Map(graph.order.map((key) => [key, graph.nodes.get(key)!.after.length]));
  const dependents = dependentsOf(graph);
  const ready = graph.order.filter((key) => missing.get(key) === 0);

  const place = (key: NodeKey) => {
    const cluster = gated.get(key);
    let front = graph.nodes.get(key)!.after.reduce((sum, edge) => joinFronts(sum, fronts.get(edge.to)!), START);
    if (cluster !== undefined) front = joinFronts(front, lastTurns.get(cluster) ?? START);
    if (changing.has(key)) {
      const host = input.hostOf(key);
      front = { level: levelOn(host, front), host };
      levels.set(key, front.level);
    }
    if (cluster !== undefined) lastTurns.set(cluster, front);
    fronts.set(key, front);
    for (const dependent of dependents.get(key) ?? []) {
      const left = missing.get(dependent)! - 1;
      missing.set(dependent, left);
      if (left === 0) ready.push(dependent);
    }
  };

  let walked = 0;
  const walk = () => {
    while (walked < ready.length) {
      const key = ready[walked++]!;
      const cluster = gated.get(key);
      if (cluster === undefined) place(key);
      else waiting.set(cluster, [...(waiting.get(cluster) ?? []), key]);
    }
  };

  walk();
  while (waiting.size > 0) {
    for (const [cluster, keys] of [...waiting]) {
      const host = chooseTurn(input, cluster, keys);
      const later = keys.filter((key) => input.hostOf(key) !== host);
      if (later.length > 0) waiting.set(cluster, later);
      else waiting.delete(cluster);
      for (const key of keys) if (!later.includes(key)) place(key);
    }
    walk();
  }
  return levels;
}

/** A host that the view does not know is nobody's voter yet, so it goes first. */
function chooseTurn(input: ScheduleInput, cluster: string, waiting: NodeKey[]): string {
  const roll = rollOrder(input.clusters.get(cluster)?.members ?? []).map((member) => member.host);
  const hosts = waiting.map((key) => input.hostOf(key));
  return hosts.reduce((first, host) => (roll.indexOf(host) < roll.indexOf(first) ? host : first));
}

function levelOn(host: string, front: Front): number {
  if (front.level === 0) return 1;
  return front.host === host ? front.level : front.level + 1;
}

function joinFronts(a: Front, b: Front): Front {
  if (a.level !== b.level) return a.level > b.level ? a : b;
  return a.host === b.host ? a : { level: a.level, host: undefined };
}
