// The frame of everything that writes: connected, looked at, locked; and the locks given back whatever happens.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failure } from '../failure.ts';
import { closeAll } from './connections.ts';
import type { LiveContext, RunContext } from './context.ts';
import type { LockClaim } from './lock.ts';
import { claimFor, keepLocks, missingLocks, unlockedHosts } from './locking.ts';
import { type Look, lockRest, lookAndLock } from './look.ts';

export interface Held {
  live: LiveContext;
  /** What the hosts said, without those that are not locked. */
  seen: Look;
  claim: (host: string) => LockClaim;
}

export interface HoldOptions<T> {
  /** Go on with the lock of fewer than half of a cluster's members. */
  minorityLock: boolean;
  /** The locks could not be had: nothing was written. */
  denied(seen: Look, failures: Failure[], interrupted: boolean): T;
  work(held: Held): Promise<T>;
}

export async function underLock<T>(context: RunContext, options: HoldOptions<T>): Promise<T> {
  const claim = claimFor(context.loaded, context.run);
  const deadline = Date.now() + context.loaded.limits.lock;
  const seen = await lookLocked(context, options.minorityLock, deadline);
  const live = { ...context, connections: seen.connections };
  const letGo = keepLocks(live, claim);
  try {
    const locked = missingLocks(context.loaded, seen.probes, options.minorityLock);
    if (locked.length > 0) {
      const interrupted = context.stop.aborted;
      return options.denied(seen, interrupted ? [STOPPED_WAITING, ...locked] : locked, interrupted);
    }
    await lockRest(live, seen, claim, deadline);
    for (const [host, failure] of unlockedHosts(context.loaded, seen.probes)) {
      seen.probes.delete(host);
      seen.failures.set(host, failure);
    }
    return await options.work({ live, seen, claim });
  } finally {
    letGo();
    await closeAll(seen.connections);
  }
}

const STOPPED_WAITING: Failure = {
  reason: 'interrupted',
  message: 'stopped before the lock was held: nothing was written',
  next: 'run the same command again',
};

/** Looks and locks; while another run holds a lock, and for as long as the operator allows, again. */
async function lookLocked(context: RunContext, minorityLock: boolean, deadline: number): Promise<Look> {
  for (;;) {
    const seen = await lookAndLock(context, claimFor(context.loaded, context.run));
    const locked = missingLocks(context.loaded, seen.probes, minorityLock);
    const left = deadline - Date.now();
    const waiting = locked.find((failure) => failure.host !== undefined);
    if (!waiting || left <= 0 || context.stop.aborted) return seen;
    // What was locked is given back meanwhile: two runs that each hold half would wait for each other for ever.
    await closeAll(seen.connections);
    context.emit({
      type: 'lock-waiting',
      at: new Date(),
      cluster: waiting.host!,
      holder: waiting.message,
      seconds: Math.ceil(left / 1000),
    });
    const pause = Math.min(left, 500 + Math.random() * 1000);
    await sleep(pause, undefined, { signal: context.stop }).catch(() => {});
    if (context.stop.aborted) return seen;
  }
}
