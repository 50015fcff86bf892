import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabFailure } from './failure.ts';
import type { Settings } from './settings.ts';
import { until } from './shell.ts';

/** The cgroup that holds all of a host: the process that keeps it, and everything it runs. */
export function cgroupOf(lab: Settings, host: string): string {
  return join(lab.cgroup, host);
}

/** Whether any process lives in the cgroup or below it. */
export function isPopulated(cgroup: string): boolean {
  return event(cgroup, 'populated');
}

/** Whether the cgroup is frozen, or told to be. */
export function isFrozen(cgroup: string): boolean {
  const file = join(cgroup, 'cgroup.freeze');
  return existsSync(file) && readFileSync(file, 'utf8').trim() === '1';
}

/** Stops every process of the cgroup where it is, or lets all go on; returns when that is so. */
export async function setFrozen(cgroup: string, frozen: boolean): Promise<void> {
  writeFileSync(join(cgroup, 'cgroup.freeze'), frozen ? '1' : '0');
  if (frozen) await until(10, () => event(cgroup, 'frozen') || undefined);
}

/** Kills every process of the cgroup at once, as a power cut would, and waits until all are gone. */
export async function kill(cgroup: string): Promise<void> {
  if (!existsSync(cgroup)) return;
  writeFileSync(join(cgroup, 'cgroup.kill'), '1');
  await waitUntilEmpty(cgroup, 20);
}

/** Waits until no process of the cgroup is left. */
export async function waitUntilEmpty(cgroup: string, seconds: number): Promise<void> {
  if (await until(seconds, () => !isPopulated(cgroup) || undefined)) return;
  throw new LabFailure(
    `Processes in ${cgroup} are still there after ${seconds} s.`,
    `look at them: cat ${cgroup}/**/cgroup.procs`,
  );
}

/** Removes a cgroup whose processes are gone, with all that are below it. */
export function remove(cgroup: string): void {
  if (!existsSync(cgroup)) return;
  for (const entry of readdirSync(cgroup, { withFileTypes: true }))
    if (entry.isDirectory()) remove(join(cgroup, entry.name));
  rmdirSync(cgroup);
}

function event(cgroup: string, name: string): boolean {
  const file = join(cgroup, 'cgroup.events');
  return existsSync(file) && readFileSync(file, 'utf8').includes(`${name} 1`);
}
