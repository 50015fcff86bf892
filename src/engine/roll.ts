// A roll: members are interrupted one at a time, each behind the health gate, and never behind one that did not return.
import { findTrouble } from '../etcd/health.ts';
import { checkDisruption } from '../etcd/quorum.ts';
import type { Failure } from '../failure.ts';
import type { NodeKey, Stage } from '../graph/graph.ts';
import type { ClusterView } from '../modules/module.ts';
import { etcdClusters, memberPillar } from './clusters.ts';
import { inParallel } from './connections.ts';
import type { LiveContext } from './context.ts';
import type { Outcome, Result } from './events.ts';
import type { Intent } from './make-plan.ts';
import { memberGateScript, memberProcessScript, memberStatusScript } from './member.ts';
import { type Probe, parseProbe } from './probe.ts';
import { interruptsMember, takesTurn } from './turns.ts';
import { viewClusters } from './view.ts';

/** By turn (see `turnKey`), the processes of the member that it is going to replace. */
export type FormerProcesses = Map<string, string[]>;

/** A turn in a stage, of a member or of what stands beside it. */
type Turn = Stage['disrupts'][number];

function turnKey({ host, cluster }: Turn): string {
  return `${cluster} ${host}`;
}

/** For each turn of this stage that must not be, the reason. */
export async function checkTurns(
  context: LiveContext,
  intent: Intent,
  stage: Stage,
  results: ReadonlyMap<NodeKey, Result>,
  former: FormerProcesses,
): Promise<[Turn, Failure][]> {
  const refusals: [Turn, Failure][] = [];
  for (const turn of stage.disrupts) {
    const planned = intent.plan.clusters.find(({ name }) => name === turn.cluster);
    const why =
      haltedBy(context, intent, turn.cluster, results) ??
      (turn.what === 'etcd' ? await checkTurn(context, turn, former, planned) : undefined);
    if (why) refusals.push([turn, why]);
    if (!restarts(context, intent, stage, turn)) former.delete(turnKey(turn));
  }
  return refusals;
}

/**
 * Behind every member that this stage interrupted, and that has to serve again: the results of those that do not,
 * turned into failures.
 */
export async function closeGates(
  context: LiveContext,
  stage: Stage,
  former: FormerProcesses,
  results: ReadonlyMap<NodeKey, Result>,
): Promise<[NodeKey, Result][]> {
  const failed: [NodeKey, Result][] = [];
  const closeGate = async (turn: Turn) => {
    const { host, cluster } = turn;
    const keys = stage.steps.get(host)!.filter((key) => interruptsMember(context.loaded.graph, key, cluster));
    // Where a part of the turn has failed the roll stops anyway, and nobody has to wait to hear of it.
    if (keys.some((key) => results.get(key)?.outcome === 'failed')) return;
    if (!keys.some((key) => results.get(key)?.outcome === 'changed')) return;
    const why = await waitForMember(context, turn, former.get(turnKey(turn)) ?? []);
    if (!why) return;
    for (const key of keys) {
      const before = results.get(key)!;
      failed.push([key, { ...before, outcome: 'failed', why: { ...why, host, resource: before.resource } }]);
    }
  };
  // A host whose members of two clusters have their turns in one stage waits for one after the other.
  const hosts = Map.groupBy(stage.disrupts, ({ host }) => host);
  await inParallel(hosts.values(), context.parallel, async (turns) => {
    for (const turn of turns) await closeGate(turn);
  });
  return failed;
}

const STOPS: ReadonlySet<Outcome> = new Set(['failed', 'blocked', 'refused', 'unreachable']);

/** A roll does not go on behind what was interrupted and did not come back, or could not have its turn. */
function haltedBy(
  context: LiveContext,
  intent: Intent,
  cluster: string,
  results: ReadonlyMap<NodeKey, Result>,
): Failure | undefined {
  for (const [key, { outcome, host, resource, why }] of results) {
    if (!intent.work.has(key) || !STOPS.has(outcome) || !takesTurn(context.loaded.graph, key, cluster)) continue;
    return {
      reason: 'quorum',
      message: `${resource} on ${host} ${outcome === 'failed' ? 'failed' : `is ${outcome}`}, so the roll through ${cluster} stops here`,
      next:
        outcome === 'failed' || why?.next === undefined
          ? `bring ${host} back to health, then run again: the roll goes on where it stopped`
          : why.next,
    };
  }
  return undefined;
}

/** The turn ends the member's process; a changed owner, or a unit that is only enabled, leaves it running. */
function restarts({ loaded }: LiveContext, intent: Intent, stage: Stage, { host, cluster }: Turn): boolean {
  return stage.steps.get(host)!.some((key) => {
    const work = intent.work.get(key)!;
    return (
      interruptsMember(loaded.graph, key, cluster) &&
      (work.react || work.changes.some(({ path }) => path === 'content'))
    );
  });
}

/** Asks every member again, at this moment, and counts. Undefined: go. */
async function checkTurn(
  context: LiveContext,
  turn: Turn,
  former: FormerProcesses,
  planned: ClusterView | undefined,
): Promise<Failure | undefined> {
  const { host } = turn;
  const { loaded } = context;
  const cluster = etcdClusters(loaded).get(turn.cluster)!;
  const { members } = cluster;
  const probes = new Map<string, Probe>();
  await inParallel(members, context.parallel, async (member) => {
    const session = context.connections.sessions.get(member);
    const pillar = memberPillar(loaded, member, cluster);
    const script = memberStatusScript(pillar);
    if (!session || script === undefined) return;
    const processes = member === host ? memberProcessScript(pillar) : undefined;
    const parts = [
      { id: `member ${cluster.name}`, script },
      ...(processes === undefined ? [] : [{ id: 'processes', script: processes }]),
    ];
    const { answers, failure } = await session.read(
      { kind: 'read', parts },
      { signal: context.kill, limitMs: loaded.limits.program },
    );
    if (failure) return;
    probes.set(member, parseProbe(member, answers));
    const running = answers.find(({ id }) => id === 'processes');
    if (running) former.set(turnKey(turn), new TextDecoder().decode(running.stdout).split('\n').filter(Boolean));
  });
  const view = viewClusters({ ...loaded, hosts: members }, probes).get(cluster.name)!;
  const refusal = findTrouble(view) ?? checkDisruption(planned?.mayStop ? { ...view, mayStop: true } : view, host);
  return refusal && { reason: 'quorum', host, message: refusal.refused, next: refusal.next };
}

/** Waits on the host itself until its member serves. Undefined: it does. */
async function waitForMember(
  context: LiveContext,
  { host, cluster }: Turn,
  former: string[],
): Promise<Failure | undefined> {
  const { loaded } = context;
  const { limits } = loaded;
  const member = etcdClusters(loaded).get(cluster)!;
  const session = context.connections.sessions.get(host);
  const seconds = limits.stage / 1000;
  const script = memberGateScript(memberPillar(loaded, host, member), seconds, former);
  if (!session || script === undefined) return undefined;
  const began = performance.now();
  const why = `until the member of ${host} serves again`;
  context.emit({ type: 'gate-waiting', at: new Date(), host, cluster, why });
  const { answers, failure } = await session.read(
    { kind: 'read', parts: [{ id: 'gate', script }] },
    { signal: context.kill, limitMs: limits.stage + limits.connect },
  );
  if (failure) return failure;
  const answer = answers.find((candidate) => candidate.id === 'gate');
  if (answer?.status !== 0) {
    return {
      reason: 'quorum',
      message: `its member does not serve ${seconds} s after it was interrupted: ${answer?.stderr.trim() || 'no answer'}`,
      next: `look at the log of its etcd on ${host} (\`journalctl -u ${member.service}\`, or \`-u kubelet\` and /var/log/pods for a static pod); no other member is touched until it serves`,
    };
  }
  context.emit({ type: 'gate-passed', at: new Date(), host, cluster, ms: performance.now() - began });
  return undefined;
}
