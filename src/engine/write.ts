// Write programs: what one host does in one stage, from the work of the plan.
import type { Graph, GraphNode, NodeKey } from '../graph/graph.ts';
import type { ClusterView } from '../modules/module.ts';
import type { Part, Program } from '../shell/program.ts';
import { quote } from '../shell/quote.ts';
import type { Declaration } from '../states/declaration.ts';
import { pendingName, writePrelude } from './host-prelude.ts';
import type { Work } from './make-plan.ts';

export interface WriteOptions {
  run: string;
  graph: Graph;
  /** Everything that the run changes, on any host: whom a change has to wake. */
  all: ReadonlyMap<NodeKey, Work>;
  /** The cluster that a resource belongs to, as the plan saw it. */
  viewOf?: (declaration: Declaration) => ClusterView | undefined;
}

/** The work of one host in one stage, in order. */
export function writeProgram(work: Work[], options: WriteOptions): Program & { kind: 'write' } {
  const parts: Part[] = [];
  const inProgram = new Map(work.map((item) => [item.key, item]));
  for (const item of work) {
    parts.push(writePart(item, inProgram, options), readBack(item));
  }
  return { kind: 'write', prelude: writePrelude(options.run), parts };
}

function writePart(item: Work, inProgram: ReadonlyMap<NodeKey, Work>, options: WriteOptions): Part {
  const { declaration, want, changes, react, seen } = item;
  const { module, id } = declaration;
  const cluster = options.viewOf?.(declaration);
  const written = module.write(want, changes, { run: options.run, react, ...(cluster ? { cluster } : {}) });
  const node = options.graph.nodes.get(item.key)!;
  return {
    id,
    script: journalled(id, written.script, wakes(item, options)),
    ...(written.inputs ? { inputs: written.inputs } : {}),
    needs: inProgramBefore(node, options.graph, inProgram),
    ...(item.conditional ? { onfail: standsBy(node, inProgram) } : {}),
    guard: { read: module.read(declaration.identity), fingerprint: module.fingerprint(seen) },
  };
}

function readBack({ declaration }: Work): Part {
  return { id: readBackId(declaration.id), script: declaration.module.read(declaration.identity) };
}

export function readBackId(resource: string): string {
  return `after ${resource}`;
}

/**
 * The reaction is recorded before the write that it reacts to, and forgotten only when it has succeeded: a crash at
 * any moment in between leaves it pending for the next run.
 */
function journalled(id: string, script: string, reactors: string[]): string {
  const line = (event: string) => quote(`"resource":${JSON.stringify(id)},"event":"${event}"`);
  const pend =
    reactors.length > 0 ? `q_pend ${reactors.map((reactor) => quote(pendingName(reactor))).join(' ')} || exit 1` : ':';
  return `
q_keep_home && q_journal ${line('begin')} || exit 1
${pend}
(
${script}
)
q_status=$?
[ "$q_status" != 0 ] || q_unpend ${quote(pendingName(id))}
q_journal ${line('end')}",\\"status\\":$q_status"
exit "$q_status"`;
}

/** The resources that watch this one and will react in this run: on this host, or once for the cluster. */
function wakes(item: Work, { graph, all }: WriteOptions): string[] {
  if (item.changes.length === 0) return [];
  const reactors = new Set<string>();
  for (const other of all.values()) {
    const edges = graph.nodes.get(other.key)!.after;
    const woken = edges.some((edge) => edge.to === item.key && (edge.kind === 'watch' || edge.kind === 'onchanges'));
    if (woken) reactors.add(other.declaration.id);
  }
  return [...reactors];
}

/** What must have succeeded in this same program: requisites, also through resources that do not change. */
function inProgramBefore(node: GraphNode, graph: Graph, inProgram: ReadonlyMap<NodeKey, Work>): string[] {
  const found = new Set<string>();
  const visited = new Set<NodeKey>();
  const queue = [node];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const edge of next.after) {
      if (edge.kind === 'onfail' || visited.has(edge.to)) continue;
      visited.add(edge.to);
      const work = inProgram.get(edge.to);
      if (work) found.add(work.declaration.id);
      else queue.push(graph.nodes.get(edge.to)!);
    }
  }
  return [...found];
}

function standsBy(node: GraphNode, inProgram: ReadonlyMap<NodeKey, Work>): string[] {
  return node.after
    .filter((edge) => edge.kind === 'onfail')
    .flatMap((edge) => inProgram.get(edge.to)?.declaration.id ?? []);
}
