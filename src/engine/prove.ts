// prove: the hosts that were written to are asked once more, and nothing may be left to do.
import type { Failure } from '../failure.ts';
import type { NodeKey } from '../graph/graph.ts';
import { quote } from '../shell/quote.ts';
import type { Applied } from './apply.ts';
import { isFounded, withEtcdFacts } from './beginning.ts';
import { clustersOf, memberPillar } from './clusters.ts';
import { inParallel } from './connections.ts';
import type { LiveContext } from './context.ts';
import type { Result } from './events.ts';
import { pendingName, writePrelude } from './host-prelude.ts';
import { wishFor } from './look.ts';
import { type Findings, type Intent, makePlan, type Work } from './make-plan.ts';
import { memberGateScript } from './member.ts';
import { failureOf, unproven } from './outcome.ts';
import type { PlanEntry } from './plan.ts';
import { parseProbe, probeParts } from './probe.ts';
import { recallAll } from './recall.ts';
import { interruptsMember } from './turns.ts';

/**
 * Turns what does not prove into failures, in `applied`. `seen` is what the plan was made from: also its judgements, so
 * that the proof is held against the same beginning. Gives what the hosts say now; undefined where none had to be asked.
 */
export async function prove(
  context: LiveContext,
  intent: Intent,
  seen: Findings,
  applied: Applied,
): Promise<Findings | undefined> {
  const hosts = hostsToProve(context, intent, seen, applied);
  if (hosts.length === 0) return undefined;
  context.emit({ type: 'proving', at: new Date(), hosts });

  const probes = new Map(seen.probes);
  const failures = new Map(seen.failures);
  await inParallel(hosts, context.parallel, async (host) => {
    const session = context.connections.sessions.get(host)!;
    const gates = foundingGates(context, intent, applied, host);
    const parts = [...forget(host, intent, applied), ...gates, ...probeParts(wishFor(context.loaded, host))];
    const { answers, failure } = await session.write(
      { kind: 'write', prelude: writePrelude(context.run), parts },
      {
        signal: context.kill,
        limitMs: context.loaded.limits.program + gates.length * context.loaded.limits.stage,
      },
    );
    if (failure) {
      probes.delete(host);
      failures.set(host, failure);
    } else {
      probes.set(host, parseProbe(host, answers));
    }
  });

  const now = withEtcdFacts(context.loaded, { ...seen, probes, failures });
  const again = makePlan(context.run, context.loaded, await recallAll(context, now));
  for (const [key, before] of applied.results) {
    if (!concerns(context, key, hosts) || (before.outcome !== 'changed' && before.outcome !== 'ok')) continue;
    // A gate that waited has proved it, with what it saw itself; others were not asked again.
    if (before.outcome === 'changed' && context.loaded.graph.nodes.get(key)!.declaration.module.proves) continue;
    const why = whyUnproven(key, intent, again, failures);
    if (!why) continue;
    const settled: Result = { ...before, outcome: 'failed', why };
    applied.results.set(key, settled);
    context.emit({ type: 'resource-finished', at: new Date(), stage: intent.plan.stages.length, result: settled });
  }
  return now;
}

/** A member of a cluster that is just being founded is waited for, or its proof would come before it serves. */
function foundingGates({ loaded }: LiveContext, intent: Intent, applied: Applied, host: string) {
  return clustersOf(loaded, host).flatMap((cluster) => {
    const view = intent.plan.clusters.find(({ name }) => name === cluster.name);
    if (!view || !isFounded(loaded.graph, view)) return [];
    const started = [...applied.results].some(
      ([key, result]) =>
        result.host === host && result.outcome === 'changed' && interruptsMember(loaded.graph, key, cluster.name),
    );
    const script = started
      ? memberGateScript(memberPillar(loaded, host, cluster), loaded.limits.stage / 1000)
      : undefined;
    return script === undefined ? [] : [{ id: `gate ${cluster.name}`, script }];
  });
}

/** A cluster's own resource is about all its members: it may be another one that has changed. */
function concerns({ loaded }: LiveContext, key: NodeKey, asked: string[]): boolean {
  const { declarations } = loaded.graph.nodes.get(key)!;
  return asked.some((host) => declarations.has(host));
}

function whyUnproven(
  key: NodeKey,
  intent: Intent,
  again: Intent,
  failures: ReadonlyMap<string, Failure>,
): Failure | undefined {
  const left = again.work.get(key);
  const work = intent.work.get(key);
  if (left && !left.conditional) {
    const paths = left.changes.map((change) => change.path).join(', ') || 'it has to react once more';
    return work ? unproven(left, `was changed and has changed back since: ${paths}`) : madeDue(left, paths);
  }
  const entry = again.entries.get(key);
  if (entry && work && DENIED.has(entry.verdict) && entry.changes.length > 0) {
    return unproven(
      work,
      `was changed and has changed back since: ${entry.changes.map(({ path }) => path).join(', ')}`,
    );
  }
  if (entry?.verdict !== 'unreachable' || !work) return undefined;
  const { host } = work;
  return {
    ...failures.get(host)!,
    host,
    resource: entry.resource,
    message: `was written, but could not be proved: ${failures.get(host)?.message}`,
  };
}

/** Something is left to do, and would not be done now. */
const DENIED: ReadonlySet<PlanEntry['verdict']> = new Set(['refused', 'blocked']);

/** It was as wanted when the plan was made, and is no longer: most often the run's own doing. */
function madeDue(left: Work, paths: string): Failure {
  return failureOf(
    left,
    'unproven',
    `was as wanted before this run and is not any more: ${paths}`,
    'run again; if another resource brings it about, let this one `watch` that, and one run will do',
  );
}

/** Those that were written to, and those where an earlier run recorded what has been done on another member now. */
function hostsToProve(context: LiveContext, intent: Intent, seen: Findings, applied: Applied): string[] {
  const done = clusterReactions(intent, applied);
  return [...context.connections.sessions.keys()].filter((host) => {
    const pending = seen.probes.get(host)?.pending;
    return (
      applied.written.has(host) ||
      done.some((work) => work.host !== host && pending?.has(pendingName(work.declaration.id)))
    );
  });
}

/** A cluster's reaction was done on one member; the others recorded it too, and forget it here. */
function forget(host: string, intent: Intent, applied: Applied): { id: string; script: string }[] {
  const done = clusterReactions(intent, applied).filter((work) => work.host !== host);
  if (done.length === 0) return [];
  return [
    { id: 'forget', script: `q_unpend ${done.map((work) => quote(pendingName(work.declaration.id))).join(' ')}` },
  ];
}

/** `ok` too: it reacted, and said that there was nothing to change. */
function clusterReactions(intent: Intent, applied: Applied): Work[] {
  return [...intent.work.values()].filter(({ key, react }) => {
    const outcome = applied.results.get(key)?.outcome;
    return key.startsWith('@') && react && (outcome === 'changed' || outcome === 'ok');
  });
}
