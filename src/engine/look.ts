// probe: every host of the run is connected and asked once.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../failure.ts';
import type { Declaration } from '../states/declaration.ts';
import type { ApplySession, ProgramResult, ReadSession, RunOptions } from '../transport/session.ts';
import { clustersOf, memberPillar } from './clusters.ts';
import { type Connections, connectAll, inParallel } from './connections.ts';
import type { LiveContext, RunContext } from './context.ts';
import { declaredMembers } from './declared.ts';
import { guardScript } from './guard.ts';
import type { Loaded } from './load.ts';
import type { LockClaim } from './lock.ts';
import { acquireScript, releaseScript } from './lock.ts';
import { unlockedHosts } from './locking.ts';
import { memberStatusScript } from './member.ts';
import { type Probe, type ProbeWish, parseProbe, probeParts } from './probe.ts';

export interface Look {
  connections: Connections;
  probes: Map<string, Probe>;
  failures: Map<string, Failure>;
}

/** Reads every host; a plan's look, which changes nothing anywhere. */
export function look(context: RunContext): Promise<Look> {
  return lookAt(context, (session, host) => ask(session, host, context, wishFor(context.loaded, host)));
}

/** Reads every host and takes its lock in the same program; given back when the connection ends. */
export function lookAndLock(context: RunContext, claim: (host: string) => LockClaim): Promise<Look> {
  return lookAt(context, (session, host) => {
    session.atExit(releaseScript(claim(host)));
    return askLocking(session, host, context, claim(host));
  });
}

/** Once more, over the connections of a run that goes on: each host says what it has now, and keeps its lock. */
export async function lookAgain(context: LiveContext, claim: (host: string) => LockClaim): Promise<Look> {
  const { connections } = context;
  const probes = new Map<string, Probe>();
  const failures = new Map(connections.failures);
  await inParallel(connections.sessions, context.parallel, async ([host, session]) => {
    const asked = await askLocking(session, host, context, claim(host));
    if (asked.ok) probes.set(host, asked.probe);
    else {
      failures.set(host, asked.failure);
      context.emit({ type: 'host-failed', at: new Date(), host, failure: asked.failure });
    }
  });
  return { connections, probes, failures };
}

/** How long to wait at least for a run that is just giving back what it has. Milliseconds. */
const GIVING_BACK_MS = 5000;
const ASK_AGAIN_MS = 500;

/**
 * With a majority locked, asks the others again until they are locked too: the last step of a run that ended, or of one
 * whose controller died, may still be going on there, and what was seen beside it does not count.
 */
export async function lockRest(
  context: LiveContext,
  seen: Look,
  claim: (host: string) => LockClaim,
  deadline: number,
): Promise<void> {
  const until = Math.max(deadline, Date.now() + GIVING_BACK_MS);
  const rest = unlockedHosts(context.loaded, seen.probes);
  await inParallel(rest, context.parallel, async ([host, { message }]) => {
    const session = context.connections.sessions.get(host)!;
    const seconds = Math.ceil((until - Date.now()) / 1000);
    context.emit({ type: 'lock-waiting', at: new Date(), cluster: host, holder: message, seconds });
    while (Date.now() < until && !context.stop.aborted) {
      await sleep(ASK_AGAIN_MS);
      const asked = await askLocking(session, host, context, claim(host));
      if (!asked.ok) {
        seen.probes.delete(host);
        seen.failures.set(host, asked.failure);
        context.emit({ type: 'host-failed', at: new Date(), host, failure: asked.failure });
        return;
      }
      seen.probes.set(host, asked.probe);
      if (asked.probe.lock?.state === 'locked') return;
    }
  });
}

type Asked = { ok: true; probe: Probe } | { ok: false; failure: Failure };

async function lookAt(
  context: RunContext,
  askHost: (session: ApplySession, host: string) => Promise<Asked>,
): Promise<Look> {
  const probes = new Map<string, Probe>();
  const failures = new Map<string, Failure>();
  const hosts = context.loaded.hosts.map((name) => context.loaded.inventory.hosts.get(name)!);
  const connections = await connectAll(hosts, { ...context, signal: context.kill }, async (session) => {
    const began = performance.now();
    const asked = await askHost(session, session.host);
    if (asked.ok) {
      probes.set(session.host, asked.probe);
      const resources = asked.probe.sightings.size;
      context.emit({
        type: 'host-probed',
        at: new Date(),
        host: session.host,
        resources,
        ms: performance.now() - began,
      });
    } else {
      failures.set(session.host, asked.failure);
      context.emit({ type: 'host-failed', at: new Date(), host: session.host, failure: asked.failure });
    }
  });
  for (const [host, failure] of connections.failures) failures.set(host, failure);
  return { connections, probes, failures };
}

/** What a host is to be asked: its own resources, its clusters', and its member where somebody has to know. */
export function wishFor(loaded: Loaded, host: string): ProbeWish {
  const declarations: Declaration[] = [];
  let asksMember = false;
  for (const node of loaded.graph.nodes.values()) {
    const declaration = node.declarations.get(host);
    if (declaration) declarations.push(declaration);
    asksMember ||= node.declaration.disrupts === 'etcd' || node.declaration.scope === 'cluster';
  }
  const members = clustersOf(loaded, host).map((cluster) => {
    const pillar = memberPillar(loaded, host, cluster);
    return {
      cluster: cluster.name,
      // Only where something depends on quorum is an election worth waiting for.
      status: memberStatusScript(pillar, asksMember),
      guard: guardScript(pillar, cluster, declaredMembers(loaded, cluster)),
    };
  });
  return { declarations, members };
}

/** One read program of a host. */
export async function ask(session: ReadSession, host: string, context: RunContext, wish: ProbeWish): Promise<Asked> {
  return asked(host, context, (options) => session.read({ kind: 'read', parts: probeParts(wish) }, options));
}

async function askLocking(session: ApplySession, host: string, context: RunContext, claim: LockClaim): Promise<Asked> {
  const wish = { ...wishFor(context.loaded, host), lock: acquireScript(claim) };
  return asked(host, context, (options) => session.write({ kind: 'write', parts: probeParts(wish) }, options));
}

async function asked(
  host: string,
  context: RunContext,
  run: (options: RunOptions) => Promise<ProgramResult>,
): Promise<Asked> {
  const from = Date.now();
  let to = from;
  const result = await run({
    signal: context.kill,
    limitMs: context.loaded.limits.program,
    onAnswer({ id }) {
      if (id === 'facts') to = Date.now();
    },
  });
  return result.failure
    ? { ok: false, failure: result.failure }
    : { ok: true, probe: parseProbe(host, result.answers, { from, to }) };
}
