import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LabFailure } from './failure.ts';
import { exec, leaderOf } from './guest.ts';
import { hostFolder, type Settings } from './settings.ts';
import { ask, sh } from './shell.ts';

/**
 * Plugs an empty disk of `size` (such as 64M or 1G) into a running or stopped host as /dev/`device`.
 * It is a loop device of this machine: `lsblk /dev/NAME`, mkfs and mount are real, and it survives crash and start.
 */
export async function addDisk(lab: Settings, host: string, device: string, size: string): Promise<void> {
  const image = imageOf(lab, host, device);
  if (!/^[1-9]\d*[MG]$/.test(size)) throw new LabFailure(`'${size}' is not a disk's size.`, 'write it like 64M or 2G');
  if (existsSync(image))
    throw new LabFailure(
      `${host} has a disk ${device} already.`,
      `take another name, or npm run lab -- undisk ${host} ${device}`,
    );
  const running = leaderOf(lab, host) !== undefined;
  if (running && (await exec(lab, host, ['test', '-e', `/dev/${device}`])).status === 0)
    throw new LabFailure(`${host} has a /dev/${device} that is not a lab disk.`, 'take another name, for example xvdf');

  await sh`truncate --size ${size} ${image}`;
  const loop = (await sh`losetup --find --show ${image}`).stdout.trim();
  if (!running) return;
  const { rdev } = statSync(loop);
  const node = `mknod -m 660 "$0" b ${rdev >> 8} ${rdev & 0xff} && chgrp disk "$0"`;
  const made = await exec(lab, host, ['sh', '-c', node, `/dev/${device}`]);
  if (made.status !== 0)
    throw new LabFailure(
      `${host} did not take the disk: ${made.stderr.trim()}`,
      `npm run lab -- undisk ${host} ${device}`,
    );
}

/** Pulls a disk and throws its content away. A mounted one loses its name now, and is gone once unmounted. */
export async function removeDisk(lab: Settings, host: string, device: string): Promise<void> {
  const image = imageOf(lab, host, device);
  if (!existsSync(image)) {
    const there = readdirSync(join(hostFolder(lab, host), 'disks')).join(', ') || 'none';
    throw new LabFailure(
      `${host} has no lab disk ${device}; it has: ${there}.`,
      `npm run lab -- disk ${host} ${device} 64M`,
    );
  }
  if (leaderOf(lab, host) !== undefined) await exec(lab, host, ['rm', '-f', `/dev/${device}`]);
  await detachDisks(image);
  rmSync(image);
}

/** Detaches every loop device whose file is `path` or lies below it. */
export async function detachDisks(path: string): Promise<void> {
  for (const loop of await loopsBelow(path)) await ask`losetup --detach ${loop}`;
}

/** The loop devices of this machine whose file is `path` or lies below it. */
export async function loopsBelow(path: string): Promise<string[]> {
  const list = (await sh`losetup --list --json --output NAME,BACK-FILE`).stdout.trim();
  if (list === '') return [];
  const { loopdevices } = JSON.parse(list) as { loopdevices: { name: string; 'back-file': string | null }[] };
  // A removed file is still named, with " (deleted)" after it.
  const within = (file: string) => file === path || file === `${path} (deleted)` || file.startsWith(`${path}/`);
  return loopdevices.filter((loop) => within(loop['back-file'] ?? '')).map((loop) => loop.name);
}

function imageOf(lab: Settings, host: string, device: string): string {
  if (!/^[a-z][a-z0-9]{1,14}$/.test(device))
    throw new LabFailure(`'${device}' is not a disk's name.`, 'write it without /dev/, for example xvdf');
  return join(hostFolder(lab, host), 'disks', device);
}
