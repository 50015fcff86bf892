import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { kill, remove } from './cgroup.ts';
import { detachDisks, loopsBelow } from './disks.ts';
import { LabFailure } from './failure.ts';
import { removeNamespace } from './network.ts';
import type { Settings } from './settings.ts';
import { ask, sh, until } from './shell.ts';

/**
 * Removes everything that carries the lab's names, however it came about: it needs no record of what was made.
 * Again and again until nothing is found, because a killed `up` may have children that are still at it.
 */
export async function sweep(lab: Settings): Promise<void> {
  let left: string[] = [];
  const clean = await until(20, async () => {
    await sweepOnce(lab);
    left = await remains(lab);
    return left.length === 0 || undefined;
  });
  if (!clean)
    throw new LabFailure(
      `Some of lab ${lab.id} could not be removed: ${left.join(', ')}.`,
      'end what uses it, then npm run lab -- down again',
    );
}

/** What is left of a lab on this machine: cgroup, mounts, loop devices, namespaces, cable, files. Empty after `down`. */
export async function remains(lab: Settings): Promise<string[]> {
  const uplink = await ask`ip link show ${lab.uplink}`;
  const own = [lab.cgroup, lab.folder].filter((path) => existsSync(path));
  return [
    ...own,
    ...mountsBelow(lab.folder),
    ...(await loopsBelow(lab.folder)),
    ...namespaces(lab),
    ...(uplink.exitCode === 0 ? [lab.uplink] : []),
  ];
}

async function sweepOnce(lab: Settings) {
  await kill(lab.cgroup);
  // A process that arrived just now makes these fail: the next round gets it.
  try {
    remove(lab.cgroup);
    for (const mount of mountsBelow(lab.folder).reverse()) await sh`umount --lazy ${mount}`;
    await detachDisks(lab.folder);
    for (const name of namespaces(lab)) await removeNamespace(name);
    await ask`ip link del ${lab.uplink}`;
    rmSync(lab.folder, { recursive: true, force: true });
  } catch {}
}

function namespaces(lab: Settings): string[] {
  if (!existsSync('/run/netns')) return [];
  return readdirSync('/run/netns').filter((name) => name === lab.switch || name.startsWith(`${lab.switch}.`));
}

function mountsBelow(folder: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return mounts.filter((path) => path.startsWith(`${folder}/`));
}
