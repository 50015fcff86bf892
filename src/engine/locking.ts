// Who may write: a majority of each cluster's members must be locked by this run, and kept so.
import { hostname, userInfo } from 'node:os';
import type { Failure } from '../failure.ts';
import type { Connections } from './connections.ts';
import type { LiveContext } from './context.ts';
import { isLeftOut } from './left-out.ts';
import type { Scope } from './load.ts';
import { HEARTBEAT_MS, heartbeatScript, type LockAnswer, type LockClaim, lockMajority } from './lock.ts';
import { HOST_LOCKS } from './places.ts';
import type { Probe } from './probe.ts';

/** What a host's lock is called: by its cluster, or by itself where it is in none. */
export function lockName(scope: Pick<Scope, 'inventory'>, host: string): string {
  return scope.inventory.hosts.get(host)!.cluster ?? 'host';
}

export function claimFor(scope: Pick<Scope, 'inventory'>, run: string): (host: string) => LockClaim {
  const holder = `${userInfo().username}@${hostname()}`.replaceAll(/\s/g, '_');
  return (host) => ({ name: lockName(scope, host), run, holder });
}

/** The locks that this run lacks, as refusals: one a cluster. Empty: it may write. */
export function missingLocks(scope: Scope, probes: ReadonlyMap<string, Probe>, allowMinority: boolean): Failure[] {
  const failures: Failure[] = [];
  for (const { name, members } of lockGroups(scope)) {
    const locked = members.filter((host) => probes.get(host)?.lock?.state === 'locked');
    if (locked.length >= lockMajority(members.length)) continue;
    const held = members
      .map((host) => ({ host, lock: probes.get(host)?.lock }))
      .find((found): found is { host: string; lock: LockAnswer & { state: 'held' } } => found.lock?.state === 'held');
    if (held) failures.push(heldBy(name, held.host, held.lock));
    else if (locked.length > 0 && !allowMinority) failures.push(minority(name, locked.length, members.length));
  }
  return failures;
}

/** Each cluster of the run with its members, and each host that is in none, by itself. */
function lockGroups(scope: Scope): { name: string; members: string[] }[] {
  const clusters = [...scope.inventory.clusters.values()]
    .filter((c) => c.members.some((m) => scope.hosts.includes(m)))
    .map(({ name, members }) => ({ name, members: members.filter((host) => !isLeftOut(scope.inventory, host)) }));
  const loners = scope.hosts.filter((host) => scope.inventory.hosts.get(host)!.cluster === undefined);
  return [...clusters, ...loners.map((host) => ({ name: host, members: [host] }))];
}

function heldBy(name: string, host: string, lock: LockAnswer & { state: 'held' }): Failure {
  return {
    reason: 'locked',
    host,
    message: `${name} is locked by run ${lock.run} of ${lock.holder} (last sign of life ${lock.ageSeconds} s ago)`,
    next: `wait for it (--lock-wait SECONDS), or see \`quorate lock show\`; a run whose controller is gone ends by itself`,
  };
}

function minority(name: string, locked: number, members: number): Failure {
  return {
    reason: 'locked',
    message: `only ${locked} of ${members} members of ${name} could be locked, and a majority is ${lockMajority(members)}: another controller may hold the others`,
    next: 'bring the others within reach, or pass --minority-lock if you know that nobody else works on this cluster',
  };
}

/** Hosts that answered and are not locked by this run, though it holds a majority: nothing may be written there. */
export function unlockedHosts(scope: Scope, probes: ReadonlyMap<string, Probe>): Map<string, Failure> {
  const failures = new Map<string, Failure>();
  for (const [host, { lock }] of probes) {
    if (lock?.state === 'locked') continue;
    const name = scope.inventory.hosts.get(host)!.cluster ?? host;
    failures.set(host, lock?.state === 'held' ? heldBy(name, host, lock) : notTaken(host));
  }
  return failures;
}

/** Of a cluster whose majority is no longer this run's, because too many of its sessions have ended. */
export function findLostLock(
  scope: Scope,
  seen: { probes: ReadonlyMap<string, Probe>; connections: Connections },
  allowMinority: boolean,
): Failure | undefined {
  const { sessions } = seen.connections;
  const alive = new Map([...seen.probes].filter(([host]) => sessions.get(host)?.ended === false));
  for (const { name, members } of lockGroups(scope)) {
    const locked = members.filter((host) => alive.get(host)?.lock?.state === 'locked').length;
    if (members.length === 1 || allowMinority || locked >= lockMajority(members.length)) continue;
    return {
      reason: 'locked',
      message: `stopped, because the locks of ${name} were lost: ${members.length - locked} of ${members.length} sessions have ended, and another run may be at work there`,
      next: 'see `quorate lock show`, bring the hosts within reach, then run again',
    };
  }
  return undefined;
}

function notTaken(host: string): Failure {
  return {
    reason: 'locked',
    host,
    message: 'its lock could not be taken, so nothing is written there',
    next: `see whether ${HOST_LOCKS} can be written to, and \`quorate lock show\``,
  };
}

/** Keeps the locks fresh until the returned function is called. */
export function keepLocks(context: LiveContext, claim: (host: string) => LockClaim): () => void {
  const timer = setInterval(() => {
    for (const session of context.connections.sessions.values())
      session.heartbeat(heartbeatScript(claim(session.host)));
  }, HEARTBEAT_MS);
  timer.unref();
  return () => clearInterval(timer);
}
