// Hosts of a lab as an operator has them: clusters of three, an inventory, a pillar, and the real command.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cgroupOf } from '../lab/cgroup.ts';
import { type Lab, openLab } from '../lab/lab.ts';
import { settings } from '../lab/settings.ts';
import type { Side } from './timed.ts';
import { newestVersion } from './versions.ts';

const QUORATE = join(import.meta.dirname, '../bin/quorate');
const CLUSTER = 3;

export interface Scene {
  lab: Lab;
  /** Holds states/, pillar/ and what the controller keeps. */
  folder: string;
  inventory: string;
  hosts: readonly string[];
  write(files: Record<string, string>): void;
  /** `quorate ARGS` for the hosts of this scene, printing its document. `check` sees it. */
  quorate(name: string, args: readonly string[], check?: (document: RunDocument) => void): Side;
  /** The same with another port of every host's sshd. */
  at(port: number, side: Side): Side;
  /** Seconds of processor that all hosts have used since they were started. */
  hostCpuSeconds(): number;
  close(): Promise<void>;
}

/** As docs/json.md describes it. */
export interface RunDocument {
  outcome: string;
  hosts: Record<string, { changed: number; failed: number; unreachable: number; programs: number }>;
  results: { host: string; resource: string; outcome: string }[];
}

export interface SceneOptions {
  id: string;
  subnet: string;
  hosts: number;
  tell(line: string): void;
}

/** Hosts without an etcd, in clusters of three. */
export async function openScene({ id, subnet, hosts: count, tell }: SceneOptions): Promise<Scene> {
  const lab = openLab({ id, subnet });
  tell(`${count} hosts are started`);
  await lab.up(count, { fresh: true, log: tell });
  const folder = mkdtempSync(join(tmpdir(), `quorate-${id}-`));
  const hosts = lab.hosts().map(({ name }) => name);
  const version = newestVersion((await lab.run('m1', 'ls /opt/etcd')).split('\n'));
  const inventory = join(folder, 'inventory.yaml');
  const write = (files: Record<string, string>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
  };
  write({
    'inventory.yaml': inventoryOf(lab, hosts),
    'pillar/defaults.yaml': `etcd_version: ${version}\netcd_runtime: systemd\netcd_install: { path: /opt/etcd/${version} }\n`,
  });
  return {
    lab,
    folder,
    inventory,
    hosts,
    write,
    quorate: (name, args, check) => ({
      name,
      argv: [QUORATE, ...args, '-i', inventory, '--json'],
      cwd: folder,
      env: { XDG_STATE_HOME: join(folder, 'state') },
      check: (stdout) => check?.(JSON.parse(stdout)),
    }),
    at(port, side) {
      const other = join(folder, `inventory-${port}.yaml`);
      writeFileSync(other, inventoryOf(lab, hosts, port));
      const [program, ...words] = side.argv;
      return { ...side, argv: [program, ...words.map((word) => (word === inventory ? other : word))] };
    },
    hostCpuSeconds: () =>
      hosts.map((host) => cpuSeconds(cgroupOf(settings({ id, subnet }), host))).reduce((sum, one) => sum + one, 0),
    async close() {
      await lab.down();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function inventoryOf(lab: Lab, hosts: readonly string[], port = 22): string {
  // Who is left over makes the last one larger: one member alone would be no cluster.
  const clusters = Math.max(1, Math.floor(hosts.length / CLUSTER));
  const groups = Array.from({ length: clusters }, (_, index) => {
    const members = hosts.slice(index * CLUSTER, index === clusters - 1 ? undefined : (index + 1) * CLUSTER);
    const lines = members.map((host) => `        ${host}: { ansible_host: ${lab.address(host)} }\n`);
    return `    c${index + 1}:\n      vars: { etcd_cluster: c${index + 1} }\n      hosts:\n${lines.join('')}`;
  });
  return `all:
  vars:
    ansible_user: root
    ansible_port: ${port}
    ansible_ssh_private_key_file: ${JSON.stringify(lab.keyPath)}
    ansible_ssh_common_args: ${JSON.stringify(`-o UserKnownHostsFile=${lab.knownHostsPath}`)}
  children:
${groups.join('')}`;
}

function cpuSeconds(cgroup: string): number {
  const [, microseconds] = /^usage_usec (\d+)$/m.exec(readFileSync(join(cgroup, 'cpu.stat'), 'utf8')) ?? [];
  if (microseconds === undefined) throw new Error(`${cgroup} does not say what its processes have used`);
  return Number(microseconds) / 1e6;
}

/** For a check: nothing was done, nothing was left to do, and every host was asked once. */
export function requireNothingDone({ outcome, hosts, results }: RunDocument): void {
  const odd = results.filter((result) => result.outcome !== 'ok' && result.outcome !== 'skipped');
  const asked = Object.entries(hosts).filter(([, { programs }]) => programs !== 1);
  if (outcome === 'ok' && odd.length === 0 && asked.length === 0 && results.length > 0) return;
  const said = odd.slice(0, 3).map((result) => `${result.host} ${result.resource}: ${result.outcome}`);
  throw new Error(
    `not a run with nothing to do: ${outcome}; ${said.join(', ')}${asked.map(([host, { programs }]) => ` ${host}: ${programs} programs`).join()}`,
  );
}
