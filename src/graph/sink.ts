// Sinking: what only prepares a host's interruption is done in the same stage as it.
import type { NodeKey, ScheduleInput } from './graph.ts';

/** What the changing nodes behind a node have in common. */
interface Behind {
  /** All of them are on this host; undefined: on several. */
  host: string | undefined;
  /** All of them interrupt the member, prepare its interruption, or come after it. */
  bound: boolean;
  /** One of them interrupts the member or prepares it. */
  leads: boolean;
  /** The earliest of their stages. */
  level: number;
}

/**
 * Moves changing nodes to the stage of the interruption that they lead to: all that changes because of such a node is on
 * its own host, and is that interruption, another preparation of it, or comes after it. So a watched file of a host
 * whose turn has not come is not written yet. Changes `levels`.
 */
export function sinkPreparations(
  input: ScheduleInput,
  gated: ReadonlyMap<NodeKey, string>,
  levels: Map<NodeKey, number>,
): void {
  if (gated.size === 0) return;
  const { graph } = input;
  const after = findAfterwards(input, gated);
  const behind = new Map<NodeKey, Behind>();
  for (const key of graph.order.toReversed()) {
    let shown = behind.get(key);
    const level = levels.get(key);
    if (level !== undefined) {
      const host = input.hostOf(key);
      const sinks = !gated.has(key) && shown !== undefined && shown.bound && shown.leads && shown.host === host;
      if (sinks) levels.set(key, shown!.level);
      const leads = gated.has(key) || sinks;
      shown = { host, bound: leads || after.has(key), leads, level: levels.get(key)! };
    }
    if (shown === undefined) continue;
    for (const edge of graph.nodes.get(key)!.after) behind.set(edge.to, joinBehind(behind.get(edge.to), shown));
  }
}

function joinBehind(a: Behind | undefined, b: Behind): Behind {
  if (a === undefined) return b;
  return {
    host: a.host === b.host ? a.host : undefined,
    bound: a.bound && b.bound,
    leads: a.leads || b.leads,
    level: Math.min(a.level, b.level),
  };
}

/** Nodes that come after an interruption of their own host, by way of that host alone. */
function findAfterwards(input: ScheduleInput, gated: ReadonlyMap<NodeKey, string>): Set<NodeKey> {
  const found = new Set<NodeKey>();
  for (const key of input.graph.order) {
    const host = input.hostOf(key);
    const follows = input.graph.nodes
      .get(key)!
      .after.some(({ to }) => (gated.has(to) || found.has(to)) && input.hostOf(to) === host);
    if (follows) found.add(key);
  }
  return found;
}
