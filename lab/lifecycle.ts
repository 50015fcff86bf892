import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBase } from './base.ts';
import { cgroupOf, kill } from './cgroup.ts';
import { LabFailure } from './failure.ts';
import { type HostState, stateOf } from './faults.ts';
import { bootHost, cutMark, isMade, makeHost } from './host.ts';
import { writeInventory } from './inventory.ts';
import { ensureKubernetesBase } from './kubernetes/base.ts';
import { locked } from './lock.ts';
import { ensureCable, ensureSwitch } from './network.ts';
import { requireMachine } from './requirements.ts';
import {
  addressOf,
  type Flavour,
  hostNames,
  type LabRecord,
  MAX_HOSTS,
  readRecord,
  type Settings,
} from './settings.ts';
import { sh } from './shell.ts';
import { sweep } from './sweep.ts';

/** A host and how it is. */
export interface HostStatus {
  readonly name: string;
  readonly address: string;
  readonly state: HostState;
  /** Its cable is pulled. */
  readonly cut: boolean;
}

/** How a lab is brought up. */
export interface UpOptions {
  /** Take down what is left of this lab first, so that nothing of it is met again. */
  fresh?: boolean;
  /** Hosts with containerd, images, and a kubelet that is set up to run static pods and not started. Holds for the lab's whole life. */
  kubelet?: boolean;
  /** The same, with nothing set up for the kubelet: hosts to make Kubernetes masters of. Holds likewise. */
  kubernetes?: boolean;
  /** Hears what takes time. */
  log?: (line: string) => void;
}

const OVERLAYFS = 0x794c7630;

/** Makes the hosts m1 to m`count` that are missing and starts those that are down. */
export async function up(
  lab: Settings,
  count: number,
  { fresh = false, kubelet = false, kubernetes = false, log = () => {} }: UpOptions,
): Promise<HostStatus[]> {
  await requireMachine();
  if (!Number.isInteger(count) || count < 1 || count > MAX_HOSTS)
    throw new LabFailure(`A lab has 1 to ${MAX_HOSTS} hosts.`, 'npm run lab -- up 3');
  return alone(lab, log, async () => {
    if (fresh) await sweep(lab);
    const present = madeHosts(lab);
    if (present.length > count)
      throw new LabFailure(
        `Lab ${lab.id} has ${present.length} hosts, and ${count} would be fewer.`,
        `npm run lab -- down, then npm run lab -- up ${count}`,
      );
    const record = await prepare(lab, kubernetes ? 'kubernetes' : kubelet ? 'kubelet' : 'bare', log);
    await ensureSwitch(lab);

    const hosts = hostNames(count);
    await Promise.all(hosts.map((host) => isMade(lab, host) || makeHost(lab, host, record)));
    writeInventory(lab, hosts);
    const off = hosts.filter((host) => stateOf(lab, host) === 'down');
    if (off.length > 0) log(`lab ${lab.id}: starting ${off.join(', ')}`);
    await Promise.all(off.map((host) => start(lab, host)));
    return statuses(lab);
  });
}

/** Removes the lab with all that it made, whole or half-made. */
export async function down(lab: Settings, log: (line: string) => void = () => {}): Promise<void> {
  await requireMachine();
  await alone(lab, log, () => sweep(lab));
}

/** Boots a host that is down; one that is up is left alone. */
export async function start(lab: Settings, host: string): Promise<void> {
  const state = stateOf(lab, host);
  if (state === 'up') return;
  if (state === 'frozen') throw new LabFailure(`${host} is frozen, not down.`, `npm run lab -- thaw ${host}`);
  // What an interrupted boot left would be in the way of this one.
  await kill(cgroupOf(lab, host));
  await ensureCable(lab, host);
  await bootHost(lab, host, recordOf(lab));
}

/** The lab's hosts in order, and how each is now. */
export function statuses(lab: Settings): HostStatus[] {
  return madeHosts(lab).map((name) => ({
    name,
    address: addressOf(lab, name),
    state: stateOf(lab, name),
    cut: existsSync(cutMark(lab, name)),
  }));
}

/** Gives the name back when the lab has that host; throws {@link LabFailure} when not. */
export function requireHost(lab: Settings, host: string): string {
  const hosts = madeHosts(lab);
  if (hosts.includes(host)) return host;
  recordOf(lab);
  throw new LabFailure(
    `Lab ${lab.id} has no host '${host}'; it has ${hosts.join(', ') || 'none yet'}.`,
    'name one of them, or add hosts with npm run lab -- up N',
  );
}

/** What the lab remembers of how it was made; throws {@link LabFailure} when it is not up. */
export function recordOf(lab: Settings): LabRecord {
  const record = readRecord(lab.folder);
  if (record) return record;
  throw new LabFailure(`Lab ${lab.id} is not up.`, 'npm run lab -- up 3');
}

function madeHosts(lab: Settings): string[] {
  const folder = join(lab.folder, 'hosts');
  return existsSync(folder)
    ? hostNames(MAX_HOSTS).filter((host) => readdirSync(folder).includes(host) && isMade(lab, host))
    : [];
}

async function alone<T>(lab: Settings, log: (line: string) => void, work: () => Promise<T>): Promise<T> {
  return locked(lab.lockFile, () => log(`lab ${lab.id}: another up or down is at work; waiting`), work);
}

// Settles what holds for the lab's whole life: its base, its subnet and its key.
async function prepare(lab: Settings, flavour: Flavour, log: (line: string) => void): Promise<LabRecord> {
  const known = readRecord(lab.folder);
  if (known && known.subnet !== lab.subnet)
    throw new LabFailure(
      `Lab ${lab.id} is on ${known.subnet}.0/24, not ${lab.subnet}.0/24.`,
      'leave QUORATE_LAB_SUBNET as it was, or npm run lab -- down first',
    );
  if (known && flavour !== 'bare' && known.flavour !== flavour)
    throw new LabFailure(
      `The hosts of lab ${lab.id} were made ${known.flavour === 'bare' ? 'bare' : `with --${known.flavour}`}.`,
      `npm run lab -- down, then up --${flavour}`,
    );
  const base = known?.base ?? (await (flavour === 'bare' ? ensureBase(log) : ensureKubernetesBase(log)));
  if (known && !existsSync(base))
    throw new LabFailure(`The base of lab ${lab.id} is gone: ${base}.`, 'npm run lab -- down, then up again');

  mkdirSync(lab.folder, { recursive: true, mode: 0o700 });
  if (statfsSync(lab.folder).type === OVERLAYFS)
    throw new LabFailure(
      `${lab.folder} is itself on an overlay, which cannot carry a host's.`,
      'set XDG_STATE_HOME to a folder on a plain file system',
    );
  if (!existsSync(`${lab.key}.pub`)) {
    rmSync(lab.key, { force: true });
    await sh`ssh-keygen -q -t ed25519 -N ${''} -C ${`quorate-lab ${lab.id}`} -f ${lab.key}`;
  }
  raiseInotifyLimit();
  const record = { subnet: lab.subnet, base, flavour: known?.flavour ?? flavour };
  writeFileSync(join(lab.folder, 'lab.json'), JSON.stringify(record));
  return record;
}

// Each systemd takes a dozen; the kernel's default of 128 ends at ten hosts.
function raiseInotifyLimit() {
  const file = '/proc/sys/fs/inotify/max_user_instances';
  if (Number(readFileSync(file, 'utf8')) < 8192) writeFileSync(file, '8192');
}
