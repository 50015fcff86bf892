// The turns of a roll as the plan sees them: one that would cost the quorum is refused before anybody says yes to it.
import { findTrouble } from '../etcd/health.ts';
import { checkDisruption } from '../etcd/quorum.ts';
import type { Failure } from '../failure.ts';
import type { Graph, NodeKey, Stage } from '../graph/graph.ts';
import type { ClusterView } from '../modules/module.ts';

export interface TurnedAway {
  verdict: 'refused' | 'blocked';
  why: Failure;
}

/** Walks the turns in their order, each member taken to serve again after its own. What must not be done, by node. */
export function refuseTurns(
  graph: Graph,
  stages: Stage[],
  clusters: ReadonlyMap<string, ClusterView>,
): Map<NodeKey, TurnedAway> {
  const views = new Map(clusters);
  const refused = new Map<NodeKey, TurnedAway>();
  const changing = new Set(stages.flatMap(({ steps }) => [...steps.values()].flat()));
  for (const { host, cluster, what, keys } of stages.flatMap(turnsOf)) {
    const view = views.get(cluster);
    if (view === undefined || what !== 'etcd') continue;
    const refusal = findTrouble(view) ?? checkDisruption(view, host);
    if (!refusal) {
      views.set(cluster, {
        ...view,
        members: view.members.map((m) => (m.host === host ? { ...m, healthy: true } : m)),
      });
      continue;
    }
    const why: Failure = { reason: 'quorum', message: refusal.refused, next: refusal.next };
    for (const key of [...partsOfTurn(graph, keys, cluster), ...watchedBy(graph, keys, cluster, changing)]) {
      refused.set(key, { verdict: takesTurn(graph, key, cluster) ? 'refused' : 'blocked', why });
    }
  }
  return refused;
}

function turnsOf(stage: Stage) {
  return stage.disrupts.map((turn) => ({ ...turn, keys: stage.steps.get(turn.host)! }));
}

/** A change that the interruption reacts to, also in an earlier stage: written, it would leave a restart owing. */
function watchedBy(graph: Graph, keys: NodeKey[], cluster: string, changing: ReadonlySet<NodeKey>): NodeKey[] {
  return keys
    .filter((key) => interruptsMember(graph, key, cluster))
    .flatMap((key) => graph.nodes.get(key)!.after)
    .filter(({ to, kind }) => kind === 'watch' && changing.has(to) && belongsTo(graph, to, cluster))
    .map(({ to }) => to);
}

/**
 * What a refused turn leaves alone: what interrupts something, and what in this stage only leads up to it. What another
 * cluster on the host has in common with this one (the programs, the CA) is that one's, and not held up by this.
 */
export function partsOfTurn(graph: Graph, keys: NodeKey[], cluster: string): Set<NodeKey> {
  const turn = new Set<NodeKey>();
  for (const key of keys.toReversed()) {
    if (!takesTurn(graph, key, cluster) && !turn.has(key)) continue;
    turn.add(key);
    for (const { to } of graph.nodes.get(key)!.after) {
      if (keys.includes(to) && belongsTo(graph, to, cluster)) turn.add(to);
    }
  }
  return turn;
}

/** Whether it has its turn in the order of `cluster`, whatever it interrupts. */
export function takesTurn(graph: Graph, key: NodeKey, cluster: string): boolean {
  return graph.nodes.get(key)!.declaration.disrupts !== undefined && belongsTo(graph, key, cluster);
}

/** Whether it interrupts the host's member of `cluster`. */
export function interruptsMember(graph: Graph, key: NodeKey, cluster: string): boolean {
  return graph.nodes.get(key)!.declaration.disrupts === 'etcd' && belongsTo(graph, key, cluster);
}

function belongsTo(graph: Graph, key: NodeKey, cluster: string): boolean {
  return graph.nodes.get(key)!.cluster === cluster;
}
