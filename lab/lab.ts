import { addDisk, removeDisk } from './disks.ts';
import { LabFailure } from './failure.ts';
import * as faults from './faults.ts';
import { fingerprint, listing } from './fingerprint.ts';
import { type ExecResult, exec } from './guest.ts';
import { down, type HostStatus, requireHost, start, statuses, type UpOptions, up } from './lifecycle.ts';
import { addressOf, type LabOptions, settings } from './settings.ts';
import { remains } from './sweep.ts';

export { LabFailure } from './failure.ts';
export type { HostStatus, UpOptions } from './lifecycle.ts';
export type { LabOptions } from './settings.ts';

/** A lab of real hosts, m1 to mN. A method that is given a host throws {@link LabFailure} when the lab has none of that name. */
export interface Lab {
  readonly id: string;
  readonly subnet: string;
  /** Ansible YAML: one group `masters`, which is the etcd cluster `main`. */
  readonly inventoryPath: string;
  /** The private key that logs in as `root`, and as `ops`, who may sudo. */
  readonly keyPath: string;
  readonly knownHostsPath: string;
  /** Makes the hosts that are missing and starts those that are down; with `fresh`, all from nothing. */
  up(count: number, options?: UpOptions): Promise<HostStatus[]>;
  /** Removes the lab and all it made. Fine when there is none, or half of one. */
  down(): Promise<void>;
  hosts(): HostStatus[];
  address(host: string): string;
  /** Runs a command as root inside a host, needing neither its network nor its sshd; a string is for `sh -c`. A failing status is a result. */
  exec(host: string, command: string | readonly string[], input?: string | Buffer): Promise<ExecResult>;
  /** Like `exec`, but gives stdout without its last newline, and throws when the command fails. */
  run(host: string, command: string | readonly string[], input?: string | Buffer): Promise<string>;
  /** Power is gone: every process ends at once. */
  crash(host: string): Promise<void>;
  /** Boots a host that is down, with the files, disks and address it had. */
  start(host: string): Promise<void>;
  /** An orderly shutdown. */
  poweroff(host: string): Promise<void>;
  /** A hang: all processes stop where they are, connections stay open. */
  freeze(host: string): Promise<void>;
  thaw(host: string): Promise<void>;
  /** Pulls a host's cable; with a second host, drops only what those two say to each other. */
  cut(host: string, other?: string): Promise<void>;
  /** Mends one host's cable and partitions, those of a pair, or without a host all of them. */
  heal(host?: string, other?: string): Promise<void>;
  /** Plugs in an empty disk as /dev/`device`; `size` like 64M or 1G. */
  disk(host: string, device: string, size: string): Promise<void>;
  /** Pulls a disk and throws its content away. */
  undisk(host: string, device: string): Promise<void>;
  /** One hash over the host's files and unit states: equal as long as nobody changes the host. */
  fingerprint(host: string): Promise<string>;
  /** What the fingerprint is made of, sorted: compare two to see what changed. */
  listing(host: string): Promise<string[]>;
  /** What there is of the lab on this machine: cgroup, mounts, loop devices, namespaces, files. Empty after `down`. */
  remains(): Promise<string[]>;
}

/** Opens the lab of that id, whether it is up or not; makes nothing. Throws {@link LabFailure} for an id or subnet that cannot be. */
export function openLab(options: LabOptions = {}): Lab {
  const lab = settings(options);
  const known = (host: string) => requireHost(lab, host);
  const names = () => statuses(lab).map((host) => host.name);

  async function run(host: string, command: string | readonly string[], input?: string | Buffer): Promise<string> {
    const result = await exec(lab, known(host), command, input);
    if (result.status === 0) return result.stdout.replace(/\n$/, '');
    const said = result.stderr.trim() || result.stdout.trim() || 'nothing';
    throw new LabFailure(
      `${host}: ${[command].flat().join(' ')} ended with ${result.status} and said: ${said}`,
      `npm run lab -- exec ${host} …`,
    );
  }

  function pair(host: string, other: string | undefined): [string, string?] {
    if (other === undefined) return [known(host)];
    if (host === other)
      throw new LabFailure(`${host} has no link to itself.`, 'name two hosts, or one alone for its cable');
    return [known(host), known(other)];
  }

  async function heal(host?: string, other?: string): Promise<void> {
    const all = names();
    if (host !== undefined) return faults.heal(lab, all, ...pair(host, other));
    for (const name of all) await faults.heal(lab, all, name);
  }

  return {
    id: lab.id,
    subnet: lab.subnet,
    inventoryPath: lab.inventory,
    keyPath: lab.key,
    knownHostsPath: lab.knownHosts,
    up: (count, options = {}) => up(lab, count, options),
    down: () => down(lab),
    hosts: () => statuses(lab),
    address: (host) => addressOf(lab, known(host)),
    exec: async (host, command, input) => exec(lab, known(host), command, input),
    run,
    crash: async (host) => faults.crash(lab, known(host)),
    start: async (host) => start(lab, known(host)),
    poweroff: async (host) => faults.poweroff(lab, known(host)),
    freeze: async (host) => faults.freeze(lab, known(host)),
    thaw: async (host) => faults.thaw(lab, known(host)),
    cut: async (host, other) => faults.cut(lab, ...pair(host, other)),
    heal,
    disk: async (host, device, size) => addDisk(lab, known(host), device, size),
    undisk: async (host, device) => removeDisk(lab, known(host), device),
    fingerprint: async (host) => fingerprint(await listing(lab, known(host))),
    listing: async (host) => listing(lab, known(host)),
    remains: () => remains(lab),
  };
}
