import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupOf, isFrozen, kill, setFrozen, waitUntilEmpty } from './cgroup.ts';
import { LabFailure } from './failure.ts';
import { leaderOf } from './guest.ts';
import { cutMark } from './host.ts';
import { setPair, setPort } from './network.ts';
import type { Settings } from './settings.ts';

/** How a host is: `down` has no process at all, `frozen` has all its processes stopped where they were. */
export type HostState = 'up' | 'down' | 'frozen';

/** Looks how a host is now. */
export function stateOf(lab: Settings, host: string): HostState {
  if (leaderOf(lab, host) === undefined) return 'down';
  return isFrozen(cgroupOf(lab, host)) ? 'frozen' : 'up';
}

/** Power is gone: every process ends at once, nothing is stopped or unmounted first, and the port goes dark. */
export async function crash(lab: Settings, host: string): Promise<void> {
  await kill(cgroupOf(lab, host));
  await setPort(lab, host, 'down');
}

/** An orderly shutdown, by the host's systemd; returns when the host is off. */
export async function poweroff(lab: Settings, host: string): Promise<void> {
  const leader = leaderOf(lab, host);
  if (leader === undefined) return;
  if (isFrozen(cgroupOf(lab, host)))
    throw new LabFailure(`${host} is frozen and cannot shut down.`, `npm run lab -- thaw ${host}   (or crash ${host})`);
  // systemd's own signal for "power off" is RTMIN+4.
  process.kill(leader, 38);
  await waitUntilEmpty(cgroupOf(lab, host), 100);
  await setPort(lab, host, 'down');
}

/** A hang: all processes stop where they are, connections stay open, nothing answers. */
export async function freeze(lab: Settings, host: string): Promise<void> {
  if (leaderOf(lab, host) === undefined)
    throw new LabFailure(`${host} is not running.`, `npm run lab -- start ${host}`);
  await setFrozen(cgroupOf(lab, host), true);
}

/** Ends a hang: all processes go on. */
export async function thaw(lab: Settings, host: string): Promise<void> {
  if (existsSync(join(cgroupOf(lab, host), 'cgroup.freeze'))) await setFrozen(cgroupOf(lab, host), false);
}

/** Pulls a host's cable; with a second host, only what those two say to each other is lost. */
export async function cut(lab: Settings, host: string, other?: string): Promise<void> {
  if (other !== undefined) return setPair(lab, host, other, 'cut');
  writeFileSync(cutMark(lab, host), '');
  await setPort(lab, host, 'down');
}

/** Plugs a host's cable in again and ends its partitions among `hosts`; with a second host, ends only theirs. */
export async function heal(lab: Settings, hosts: readonly string[], host: string, other?: string): Promise<void> {
  if (other !== undefined) return setPair(lab, host, other, 'healed');
  rmSync(cutMark(lab, host), { force: true });
  if (leaderOf(lab, host) !== undefined) await setPort(lab, host, 'up');
  for (const peer of hosts) if (peer !== host) await setPair(lab, host, peer, 'healed');
}
