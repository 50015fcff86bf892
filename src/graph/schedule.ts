// schedule: the changing nodes in as few stages as their cross-host edges allow, disruptive ones host by host.
import { serves, tellLost } from '../etcd/quorum.ts';
import type { GraphNode, NodeKey, ScheduleInput, Stage } from './graph.ts';
import { assignLevels } from './levels.ts';
import { sinkPreparations } from './sink.ts';

/**
 * Stages from 1, each with what every host does in it, in the order of the graph. Deterministic.
 *
 * Only what must wait for another host begins a new stage. Where a cluster serves, the nodes that interrupt its members
 * go one host a stage, unhealthy members first, the leader last, and what only prepares such an interruption on a host
 * shares its stage: a roll that stops half-way leaves the hosts whose turn has not come as they were.
 */
export function schedule(input: ScheduleInput): Stage[] {
  const gated = findGated(input);
  const levels = assignLevels(input, gated);
  sinkPreparations(input, gated, levels);

  const numbers = [...new Set(levels.values())].toSorted((a, b) => a - b);
  const stages = new Map(numbers.map((level, index) => [level, emptyStage(index + 1)]));
  for (const key of input.graph.order) {
    const level = levels.get(key);
    if (level === undefined) continue;
    const stage = stages.get(level)!;
    const host = input.hostOf(key);
    const steps = stage.steps.get(host);
    if (steps) steps.push(key);
    else stage.steps.set(host, [key]);
    const cluster = gated.get(key);
    if (cluster === undefined) continue;
    const what = input.graph.nodes.get(key)!.declaration.disrupts!;
    const turn = stage.disrupts.find((each) => each.host === host && each.cluster === cluster);
    if (turn === undefined) stage.disrupts.push({ host, cluster, what });
    // What interrupts both is held to what the member needs.
    else if (what === 'etcd') turn.what = what;
  }
  return [...stages.values()];
}

function emptyStage(number: number): Stage {
  return { number, steps: new Map(), disrupts: [] };
}

/**
 * Nodes that take turns, each with its cluster: they interrupt a member, or an API server beside it, of a cluster that serves
 * or whose quorum is lost.
 */
function findGated({ graph, changing, clusters }: ScheduleInput): Map<NodeKey, string> {
  const gated = new Map<NodeKey, string>();
  for (const key of graph.order) {
    const node = graph.nodes.get(key)!;
    if (!changing.has(key) || !isDisruptive(node) || node.cluster === undefined) continue;
    const view = clusters.get(node.cluster);
    if (view === undefined || serves(view) || tellLost(view) !== undefined) gated.set(key, node.cluster);
  }
  return gated;
}

function isDisruptive(node: GraphNode): boolean {
  return node.declaration.disrupts !== undefined;
}
