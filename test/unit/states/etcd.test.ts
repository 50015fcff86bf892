// The shipped states of etcd, rendered: one snapshot for each thing that stands on a host, to be read in review.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { load } from '../../../src/engine/load.ts';
import { hasFlag } from '../../../src/etcd/flags.ts';
import { hasLivez } from '../../../src/etcd/versions.ts';
import { dumpDocument } from '../../../src/modules/file/document.ts';
import type { Value, ValueMap } from '../../../src/value.ts';
import { must } from './rig.ts';

const INVENTORY = `masters:
  vars: { etcd_cluster: main }
  hosts:
    m1: { ansible_host: 192.0.2.11 }
    m2: { ansible_host: 192.0.2.12 }
    m3: { ansible_host: 192.0.2.13 }
`;
const NEW = { initial_state: 'new', token: '8f14e45f-ceea-467f-a8a1-7d2c0f3b9d01' };
const EXISTING = { initial_state: 'existing', token: NEW.token };
const VERSIONS = ['3.4.23', '3.5.16', '3.6.1'];

interface Given {
  pillar: string;
  inventory?: string;
  etcd?: ValueMap;
  /** The name of the member of m1. */
  member?: string;
  /** `facts.interfaces`. */
  interfaces?: ValueMap;
  /** Of this one alone, with its key; else of main's, and what it stands on. */
  state?: string;
}

/** What kubernetes.etcd.configured wants of m1, by resource; those that do not apply are left out. */
async function wanted({
  pillar,
  inventory = INVENTORY,
  etcd = EXISTING,
  member = 'm1',
  interfaces = {},
  state,
}: Given): Promise<Map<string, ValueMap>> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-states-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = {
    'inventory.yaml': inventory,
    'pillar/defaults.yaml': pillar,
    'pillar/hosts/m1.yaml': `etcd_member_name: ${member}\n`,
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const loaded = await load({
    inventory: join(folder, 'inventory.yaml'),
    target: 'all',
    pillar: join(folder, 'pillar'),
    stateDirectories: ['states'],
    states: ['etcd.configured'],
    limits: {},
  });
  const wants = [...must(loaded).graph.nodes.values()].flatMap((node): [string, ValueMap][] => {
    const declaration = node.declarations.get('m1');
    const from = declaration?.id.split('/')[0] ?? '';
    if (state === undefined ? !/^kubernetes\.etcd\.(configured|installed|user)$/.test(from) : from !== state) return [];
    const rendered = must(declaration!.render({ os: 'debian', etcd, interfaces }));
    return rendered.skip ? [] : [[declaration!.id.split('/')[1]!, rendered.want]];
  });
  return new Map(wants);
}

async function manifest(given: Given): Promise<Pod> {
  return (await wanted(given)).get('manifest')!.document as unknown as Pod;
}

async function text(given: Given, resource: string): Promise<string> {
  return (await wanted(given)).get(resource)!.content as string;
}

interface Pod {
  [key: string]: Value;
  spec: {
    [key: string]: Value;
    containers: { [key: string]: Value; command: string[] }[];
    volumes: { [key: string]: Value; name: string }[];
  };
}

/** Flags by name, as etcd gets them; the names of variables become those of flags. */
function flagsOf(lines: string[]): Map<string, string> {
  const pairs = lines.map((line) => /^--([^=]+)=(.*)$/.exec(line) ?? /^ETCD_([A-Z_]+)="?(.*?)"?$/.exec(line));
  return new Map(pairs.flatMap((pair) => (pair ? [[pair[1]!.toLowerCase().replaceAll('_', '-'), pair[2]!]] : [])));
}

function command(pod: Pod): string[] {
  return pod.spec.containers[0]!.command;
}

async function unitFlags(given: Given): Promise<Map<string, string>> {
  const environment = (await text(given, 'environment')).split('\n');
  const [start] = (await text(given, 'unit')).split('\n').filter((line) => line.startsWith('ExecStart='));
  return flagsOf([
    ...environment,
    ...start!
      .split(' ')
      .slice(1)
      .map((word) => word.replaceAll('"', '')),
  ]);
}

describe('the manifest of the static pod', () => {
  it.each(VERSIONS)('is in kubeadm’s layout, with etcd %s', async (version) => {
    const pod = await manifest({ pillar: `etcd_version: ${version}\n` });
    await expect(dumpDocument(pod, 'yaml')).toMatchFileSnapshot(`snapshots/static_pod-${version}.txt`);
  });

  it('founds a cluster with a token, and else neither names one nor starts without data', async () => {
    const first = await manifest({ pillar: 'etcd_version: 3.5.16\n', etcd: NEW });
    const later = await manifest({ pillar: 'etcd_version: 3.5.16\n' });
    expect(command(first).filter((flag) => /state|token/.test(flag))).toEqual([
      '--initial-cluster-state=new',
      `--initial-cluster-token=${NEW.token}`,
    ]);
    expect(command(later).filter((flag) => /state|token/.test(flag))).toEqual(['--initial-cluster-state=existing']);
    const barrier = { name: 'etcd-member', hostPath: { path: '/var/lib/etcd/member', type: 'Directory' } };
    expect(first.spec.volumes).not.toContainEqual(barrier);
    expect(later.spec.volumes).toContainEqual(barrier);
  });

  it('is probed only by what no lost quorum and no full disk can take away, and else not at all', async () => {
    const probesOf = async (pillar: string) => {
      const [container] = (await manifest({ pillar })).spec.containers;
      return Object.entries(container!).flatMap(([name, probe]) =>
        name.endsWith('Probe') ? [`${name} ${(probe as { httpGet: { path: string } }).httpGet.path}`] : [],
      );
    };
    const all = ['livenessProbe /livez', 'readinessProbe /readyz', 'startupProbe /livez'];
    for (const version of ['3.4.23', '3.4.28', '3.4.29', '3.5.0', '3.5.10', '3.5.11', '3.6.0', '3.7.1']) {
      expect([version, await probesOf(`etcd_version: ${version}\n`)]).toEqual([version, hasLivez(version) ? all : []]);
    }
    expect(await probesOf('etcd_version: 3.6.1\netcd_probes: none\n')).toEqual([]);
    expect(await probesOf('etcd_version: 3.5.16\netcd_probes: livez\n')).toEqual(all);
  });

  it('takes image, resources, annotations, ports, directories and further flags from the pillar', async () => {
    const pod = await manifest({
      pillar: `
etcd_version: 3.5.16
etcd_image: registry.example.com/etcd@sha256:00
etcd_resources: { requests: { cpu: "1" }, limits: { cpu: 1500m, memory: 2Gi } }
etcd_annotations: { prometheus.io/scrape: "true", example.com/owner: a team }
etcd_client_port: 4001
etcd_peer_port: 4002
etcd_metrics_port: 4003
etcd_data_dir: /mnt/data
etcd_wal_dir: /mnt/wal
etcd_pki_dir: /etc/etcd/pki
etcd_extra_args: { auto-compaction-retention: 8h, experimental-watch-progress-notify-interval: 1m }
`,
      member: 'etcd-a',
    });
    await expect(dumpDocument(pod, 'yaml')).toMatchFileSnapshot('snapshots/static_pod-everything.txt');
  });
});

describe('the unit of systemd and its environment', () => {
  it.each(VERSIONS)('are these with etcd %s', async (version) => {
    const given = { pillar: `etcd_runtime: systemd\netcd_version: ${version}\n` };
    await expect(await text(given, 'environment')).toMatchFileSnapshot(`snapshots/systemd-${version}.env`);
    await expect(await text(given, 'unit')).toMatchFileSnapshot(`snapshots/systemd-${version}.service`);
  });

  it('take limits, ports, directories and further flags from the pillar', async () => {
    const given = {
      pillar: `
etcd_runtime: systemd
etcd_version: 3.5.16
etcd_resources: { requests: { cpu: "1" }, limits: { cpu: 1500m, memory: 1.5Gi } }
etcd_client_port: 4001
etcd_peer_port: 4002
etcd_metrics_port: 4003
etcd_bin_dir: /opt/etcd/bin
etcd_data_dir: /mnt/data
etcd_wal_dir: /mnt/wal
etcd_pki_dir: /etc/etcd/pki
etcd_quota_backend_bytes: 8589934592
etcd_extra_args: { auto-compaction-retention: 8h, experimental-watch-progress-notify-interval: 1m }
`,
      member: 'etcd-a',
    };
    await expect(await text(given, 'environment')).toMatchFileSnapshot('snapshots/systemd-everything.env');
    await expect(await text(given, 'unit')).toMatchFileSnapshot('snapshots/systemd-everything.service');
  });

  it('name no token but to found a cluster', async () => {
    const pillar = 'etcd_runtime: systemd\n';
    expect(await text({ pillar }, 'environment')).not.toContain('TOKEN');
    const first = await text({ pillar, etcd: NEW }, 'environment');
    expect(first).toContain(`ETCD_INITIAL_CLUSTER_STATE="new"\nETCD_INITIAL_CLUSTER_TOKEN="${NEW.token}"\n`);
  });

  it('may write to the directories of the data and of the log alone', async () => {
    const unit = await text({ pillar: 'etcd_runtime: systemd\netcd_wal_dir: /mnt/wal\n' }, 'unit');
    expect(unit).toContain('\nProtectSystem=strict\nReadWritePaths=/var/lib/etcd /mnt/wal\n');
  });
});

describe('the events cluster', () => {
  const PILLAR = 'etcd_version: 3.5.16\netcd_wal_dir: /mnt/wal\netcd_events: true\n';
  const state = 'kubernetes.etcd.configured[events]';

  it('has the same static pod, where main is not', async () => {
    const pod = (await wanted({ pillar: PILLAR, state })).get('manifest')!;
    expect(pod.path).toBe('/etc/kubernetes/manifests/etcd-events.yaml');
    await expect(dumpDocument(pod.document as Value, 'yaml')).toMatchFileSnapshot('snapshots/static_pod-events.txt');
  });

  it('has the same unit, where main is not', async () => {
    const wants = await wanted({ pillar: `${PILLAR}etcd_runtime: systemd\n`, state });
    expect(wants.get('unit')!.path).toBe('/etc/systemd/system/etcd-events.service');
    expect(wants.get('environment')!.path).toBe('/etc/etcd-events/etcd.env');
    expect(wants.get('service')!.name).toBe('etcd-events');
    await expect(wants.get('unit')!.content).toMatchFileSnapshot('snapshots/systemd-events.service');
    await expect(wants.get('environment')!.content).toMatchFileSnapshot('snapshots/systemd-events.env');
  });

  it.each(['static_pod', 'systemd'])('changes nothing of main, by %s', async (runtime) => {
    const pillar = `etcd_runtime: ${runtime}\netcd_version: 3.5.16\n`;
    const main = 'kubernetes.etcd.configured';
    const both = await wanted({ pillar: `${pillar}etcd_events: true\n`, state: main });
    expect(both).toEqual(await wanted({ pillar, state: main }));
    expect(both.size).toBeGreaterThan(3);
  });
});

describe('behind a proxy', () => {
  const PROXY = `etcd_version: 3.5.16
proxy:
  http: http://proxy.example.com:3128
  https: http://proxy.example.com:3128
  no_proxy: [.internal, 192.0.2.12, 10.0.0.0/8]
`;

  it('the static pod is told so, and never asks it for its peers', async () => {
    const pod = await manifest({ pillar: PROXY });
    await expect(dumpDocument(pod, 'yaml')).toMatchFileSnapshot('snapshots/static_pod-proxy.txt');
  });

  it('the unit is told so, and never asks it for its peers', async () => {
    const given = { pillar: `${PROXY}etcd_runtime: systemd\n` };
    await expect(await text(given, 'environment')).toMatchFileSnapshot('snapshots/systemd-proxy.env');
  });

  it('knows the CPUs it has as well', async () => {
    const [container] = (await manifest({ pillar: `${PROXY}etcd_resources: { limits: { cpu: "2" } }\n` })).spec
      .containers;
    expect((container!.env as { name: string }[]).map(({ name }) => name)).toEqual([
      'GOMAXPROCS',
      'HTTP_PROXY',
      'HTTPS_PROXY',
      'NO_PROXY',
    ]);
  });
});

describe('bind_interface', () => {
  const interfaces = { eth0: ['198.51.100.7'], eth1: ['fd00::11', '192.0.2.11', '192.0.2.99'] };
  const pillar = 'etcd_version: 3.5.16\nbind_interface: eth1\n';
  const byName = INVENTORY.replace('192.0.2.11', 'm1.example.com');

  it('changes nothing where the host has its address there', async () => {
    const plain = { pillar: 'etcd_version: 3.5.16\n' };
    expect(await manifest({ pillar, interfaces })).toEqual(await manifest(plain));
    const systemd = 'etcd_runtime: systemd\n';
    expect(await text({ pillar: pillar + systemd, interfaces }, 'environment')).toBe(
      await text({ pillar: plain.pillar + systemd }, 'environment'),
    );
  });

  it('keeps a host that is known by its name from listening everywhere', async () => {
    const pod = flagsOf(command(await manifest({ pillar, interfaces, inventory: byName })));
    const environment = await text(
      { pillar: `${pillar}etcd_runtime: systemd\n`, interfaces, inventory: byName },
      'environment',
    );
    for (const flags of [pod, flagsOf(environment.split('\n'))]) {
      expect(flags.get('listen-client-urls')).toBe('https://127.0.0.1:2379,https://192.0.2.11:2379');
      expect(flags.get('listen-peer-urls')).toBe('https://192.0.2.11:2380');
      // What others are told comes from the inventory alone.
      expect(flags.get('advertise-client-urls')).toBe('https://m1.example.com:2379');
      expect(flags.get('initial-advertise-peer-urls')).toBe('https://m1.example.com:2380');
    }
  });

  it('is an error where it has another address', async () => {
    await expect(manifest({ pillar, interfaces: { eth1: ['192.0.2.12'] } })).rejects.toThrow(
      'listen finds no such address there',
    );
  });
});

describe('both runtimes', () => {
  it.each([
    ['100m', '1', '10%'],
    ['1', '1', '100%'],
    ['1.1', '2', '110%'],
    ['1500m', '2', '150%'],
    ['2001m', '3', '201%'],
  ])('tell etcd of a limit of %s CPUs to run on %s', async (limit, most, quota) => {
    const pillar = `etcd_version: 3.5.16\netcd_resources: { limits: { cpu: "${limit}" } }\n`;
    expect((await manifest({ pillar })).spec.containers[0]!.env).toEqual([{ name: 'GOMAXPROCS', value: most }]);
    const unit = await text({ pillar: `${pillar}etcd_runtime: systemd\n` }, 'unit');
    expect(unit).toContain(`\nCPUQuota=${quota}\nEnvironment=GOMAXPROCS=${most}\n`);
    expect(unit).not.toContain('MemoryMax');
  });

  it.each(VERSIONS)('give etcd %s the same flags, and none that it lacks', async (version) => {
    const pillar = `etcd_version: ${version}\netcd_wal_dir: /mnt/wal\netcd_extra_args: { log-level: warn }\n`;
    for (const etcd of [NEW, EXISTING]) {
      const pod = flagsOf(command(await manifest({ pillar, etcd })));
      const unit = await unitFlags({ pillar: `${pillar}etcd_runtime: systemd\n`, etcd });
      expect(Object.fromEntries(unit)).toEqual(Object.fromEntries(pod));
      expect([...pod.keys()].filter((flag) => !hasFlag(flag, version))).toEqual([]);
    }
  });

  it('give an etcd of unknown version only what every etcd has', async () => {
    const unit = await unitFlags({ pillar: 'etcd_runtime: systemd\n' });
    expect([...unit.keys()].filter((flag) => !hasFlag(flag, undefined))).toEqual([]);
  });

  it('put an IPv6 address in brackets, and listen everywhere where a host is known by its name', async () => {
    const inventory = INVENTORY.replace('192.0.2.11', 'fd00::11').replace('192.0.2.12', 'm2.example.com');
    const pillar = 'etcd_version: 3.5.16\n';
    const six = flagsOf(command(await manifest({ pillar, inventory })));
    expect(six.get('listen-client-urls')).toBe('https://127.0.0.1:2379,https://[fd00::11]:2379');
    expect(six.get('listen-peer-urls')).toBe('https://[fd00::11]:2380');
    expect(six.get('initial-cluster')).toBe(
      'm1=https://[fd00::11]:2380,m2=https://m2.example.com:2380,m3=https://192.0.2.13:2380',
    );
    const environment = await text({ pillar: `${pillar}etcd_runtime: systemd\n`, inventory }, 'environment');
    expect(environment).toContain('ETCD_INITIAL_CLUSTER="m1=https://[fd00::11]:2380,m2=https://m2.example.com:2380,');
    const byName = INVENTORY.replace('192.0.2.11', 'm1.example.com');
    const named = flagsOf(command(await manifest({ pillar, inventory: byName })));
    expect(named.get('listen-client-urls')).toBe('https://0.0.0.0:2379');
    expect(named.get('listen-peer-urls')).toBe('https://0.0.0.0:2380');
    expect(named.get('advertise-client-urls')).toBe('https://m1.example.com:2379');
  });

  it('declare what is theirs, and nothing of the other', async () => {
    const pod = [...(await wanted({ pillar: 'etcd_version: 3.5.16\n' })).keys()];
    const unit = [...(await wanted({ pillar: 'etcd_runtime: systemd\n' })).keys()];
    expect(pod).toEqual(expect.arrayContaining(['data-directory', 'manifest', 'pod']));
    expect(unit).toEqual(
      expect.arrayContaining(['binaries', 'user', 'data-directory', 'environment', 'unit', 'service']),
    );
    expect(pod.filter((id) => ['environment', 'unit', 'service', 'user', 'binaries'].includes(id))).toEqual([]);
    expect(unit.filter((id) => ['manifest', 'pod'].includes(id))).toEqual([]);
  });

  it('say what is missing in the pillar', async () => {
    await expect(wanted({ pillar: '' })).rejects.toThrow(
      'pillar.etcd_version is not set, but a static pod needs it for its image and its flags',
    );
  });
});
