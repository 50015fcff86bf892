// recall: what is wanted, completed with what this controller already has. Nothing is made, here or on a host.
import { type Attempt, type Failure, fail } from '../failure.ts';
import type { GraphNode } from '../graph/graph.ts';
import type { Sibling } from '../modules/module.ts';
import type { Declaration } from '../states/declaration.ts';
import type { ValueMap } from '../value.ts';
import { etcdClusters } from './clusters.ts';
import type { RunContext } from './context.ts';
import { controllerFor } from './controller.ts';
import type { Findings, Sightings } from './make-plan.ts';
import { factsFor, type Probe, parseReading } from './probe.ts';

/** The completed parameters of what has something to recall, by {@link recollectionKey}. */
export type Recollections = ReadonlyMap<string, Attempt<ValueMap>>;

export function recollectionKey(host: string, resource: string): string {
  return `${host} ${resource}`;
}

export async function recallAll(context: Pick<RunContext, 'home' | 'loaded'>, found: Findings): Promise<Sightings> {
  const recalled = new Map<string, Attempt<ValueMap>>();
  for (const node of context.loaded.graph.nodes.values()) {
    for (const [host, declaration] of node.declarations) {
      const want = wantedOf(declaration, found.probes.get(host));
      if (declaration.module.recall === undefined || want === undefined) continue;
      const controller = await controllerFor(context, host, declaration);
      const siblings = siblingsOf(node, host, context, found);
      // A fault of a module ends its own resource, not the run.
      const attempt = await declaration.module.recall(want, controller, siblings).catch(crashed);
      recalled.set(recollectionKey(host, declaration.id), attempt);
    }
  }
  return { ...found, recalled };
}

/** Undefined where it is not wanted or cannot be told: the plan says why. */
function wantedOf({ id, cluster, module, render }: Declaration, probe: Probe | undefined): ValueMap | undefined {
  if (module.recall === undefined || probe?.sightings.get(id)?.kind !== 'read') return undefined;
  const wanted = render(factsFor(probe, cluster));
  return wanted.ok && !wanted.value.skip ? wanted.value.want : undefined;
}

function siblingsOf(
  { cluster, declaration: { id, module } }: GraphNode,
  host: string,
  { loaded }: Pick<RunContext, 'loaded'>,
  { probes }: Findings,
): Sibling<unknown>[] {
  const members = cluster === undefined ? [host] : etcdClusters(loaded).get(cluster)!.members;
  return members.flatMap((member): Sibling<unknown>[] => {
    const probe = probes.get(member);
    const sighting = probe?.sightings.get(id);
    // Asked, and not declared there.
    if (probe !== undefined && (sighting === undefined || sighting.kind === 'not-applicable')) return [];
    const seen = sighting?.kind === 'read' ? parseReading(module, sighting.reading) : undefined;
    return [{ host: member, ...(seen === undefined ? {} : { seen }) }];
  });
}

function crashed(error: unknown): { ok: false; failures: Failure[] } {
  const message = `what this controller has for it cannot be read: ${error instanceof Error ? error.message : error}`;
  return fail({ reason: 'unreadable', message, next: 'mend that, then run again' });
}
