import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LabFailure } from './failure.ts';

/** How many hosts one lab may have; their names are known to every host from the start. */
export const MAX_HOSTS = 64;

/** What a lab is called on this machine: everything it makes carries one of these names, so that all of it can be found again. */
export interface Settings {
  readonly id: string;
  /** The first three numbers of the lab's /24. The machine is `.1`, host mN is `.10+N`. */
  readonly subnet: string;
  readonly folder: string;
  readonly lockFile: string;
  readonly key: string;
  readonly knownHosts: string;
  readonly inventory: string;
  /** The namespace that holds the bridge; a host's own is `<switch>.<host>`. */
  readonly switch: string;
  /** The machine's end of the cable to the bridge. */
  readonly uplink: string;
  readonly cgroup: string;
}

/** Which lab is meant. What is left out: id `quorate`, and the subnet that lab has, else 10.213.7. */
export interface LabOptions {
  id?: string | undefined;
  subnet?: string | undefined;
}

/** Where the base image and downloads are kept; they outlive every lab. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'quorate/lab');
}

/** Derives every name a lab uses. Throws {@link LabFailure} for an id or subnet that cannot work. */
export function settings(options: LabOptions): Settings {
  const id = options.id || 'quorate';
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(id))
    throw new LabFailure(
      `'${id}' cannot be a lab's id: it must be 1 to 31 of a-z, 0-9 and -, and start with a letter.`,
      'set QUORATE_LAB_ID to such a name',
    );
  const states = join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'quorate/lab');
  const folder = join(states, id);
  const subnet = options.subnet || recordedSubnet(folder) || '10.213.7';
  const numbers = subnet.split('.').map(Number);
  if (!/^\d{1,3}(\.\d{1,3}){2}$/.test(subnet) || numbers.some((n) => n > 255))
    throw new LabFailure(
      `'${subnet}' is not the first three numbers of an IPv4 /24.`,
      'set QUORATE_LAB_SUBNET, for example to 10.213.8',
    );
  return {
    id,
    subnet,
    folder,
    lockFile: join(states, `${id}.lock`),
    key: join(folder, 'key'),
    knownHosts: join(folder, 'known_hosts'),
    inventory: join(folder, 'inventory.yaml'),
    switch: `quorate.${id}`,
    // Interface names end at 15 characters, ids do not.
    uplink: `ql-${createHash('sha256').update(id).digest('hex').slice(0, 10)}`,
    cgroup: join(cgroupRoot(), `quorate-lab.${id}`),
  };
}

/** Where what belongs to one host is kept. */
export function hostFolder(lab: Settings, host: string): string {
  return join(lab.folder, 'hosts', host);
}

/** The address of host mN: `.10+N` of the lab's subnet. */
export function addressOf(lab: Settings, host: string): string {
  return `${lab.subnet}.${10 + Number(host.slice(1))}`;
}

/** Every name from m1 to mN. */
export function hostNames(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `m${i + 1}`);
}

/**
 * What a lab's hosts are: bare; with containerd, images and a kubelet as its package and kubeadm leave it; or with the same
 * and nothing set up, as before a Kubernetes master is made of them.
 */
export type Flavour = 'bare' | 'kubelet' | 'kubernetes';

/** What a lab remembers of how it was made. */
export interface LabRecord {
  subnet: string;
  base: string;
  flavour: Flavour;
}

/** The record of a lab that has been made, else undefined. */
export function readRecord(folder: string): LabRecord | undefined {
  const file = join(folder, 'lab.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LabRecord) : undefined;
}

function recordedSubnet(folder: string): string | undefined {
  return readRecord(folder)?.subnet;
}

// A machine with both cgroup versions keeps the second one here.
function cgroupRoot(): string {
  return existsSync('/sys/fs/cgroup/unified/cgroup.procs') ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup';
}
