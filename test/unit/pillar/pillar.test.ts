import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Attempt, type Failure, formatPlace } from '../../../src/failure.ts';
import type { Inventory } from '../../../src/inventory/inventory.ts';
import { readInventory } from '../../../src/inventory/read.ts';
import { explainPillar } from '../../../src/pillar/explain.ts';
import type { Pillar, PillarSet } from '../../../src/pillar/pillar.ts';
import { readPillar } from '../../../src/pillar/read.ts';
import { isSensitive } from '../../../src/sensitive.ts';
import type { ValueMap } from '../../../src/value.ts';

let directory: string;
let inventory: Inventory;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quorate-pillar-'));
  await write(
    '../inventory.yaml',
    `control:
  vars: {etcd_cluster: main}
  children: {masters: {hosts: {m1: , m2: }}}
workers: {hosts: w1}
all: {hosts: lonely}
`,
  );
  const read = await readInventory(join(directory, 'inventory.yaml'));
  if (!read.ok) throw new Error(JSON.stringify(read.failures));
  inventory = read.value;
});
afterEach(() => rm(directory, { recursive: true }));

async function write(name: string, text: string): Promise<void> {
  const file = join(directory, 'pillar', name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text, { mode: 0o600 });
}

async function readFiles(files: { [name: string]: string }): Promise<Attempt<PillarSet>> {
  await mkdir(join(directory, 'pillar'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return readPillar({ directory: join(directory, 'pillar'), inventory });
}

async function pillarOf(host: string, files: { [name: string]: string }): Promise<Pillar> {
  const read = await readFiles(files);
  if (!read.ok) throw new Error(read.failures.map(show).join('\n'));
  return read.value.of(host);
}

async function refuse(files: { [name: string]: string }): Promise<string[]> {
  const read = await readFiles(files);
  return read.ok ? [] : read.failures.map(show);
}

function show({ place, reason, message, next }: Failure): string {
  const line = `${place ? formatPlace(place) : '-'} ${reason}: ${message}${next === undefined ? '' : ` → ${next}`}`;
  return line.replaceAll(`${directory}/pillar/`, '').replaceAll(`${directory}/pillar`, 'PILLAR');
}

function showOrigins(pillar: Pillar, ...path: string[]): string[] {
  return pillar
    .origins(path)
    .map(({ layer, place }) => `${layer} ${place.file.split('/').at(-1)}:${place.line}:${place.column}`);
}

describe('layers', () => {
  test('defaults < cluster < groups, outermost first < host', async () => {
    const files = {
      'defaults.yaml':
        'etcd_image: defaults\netcd_client_port: 1001\netcd_peer_port: 1002\netcd_metrics_port: 1003\netcd_data_dir: /d\n',
      'clusters/main.yml': 'etcd_image: cluster\netcd_peer_port: 2002\netcd_metrics_port: 2003\netcd_data_dir: /c\n',
      'groups/control.json': '{"etcd_image": "outer", "etcd_metrics_port": 3003, "etcd_data_dir": "/o"}',
      'groups/masters.yaml': 'etcd_image: inner\netcd_data_dir: /i\n',
      'hosts/m1.yaml': 'etcd_image: host\n',
    };
    const pillar = await pillarOf('m1', files);
    expect(pillar.data).toMatchObject({
      etcd_bin_dir: '/usr/local/bin',
      etcd_client_port: 1001,
      etcd_peer_port: 2002,
      etcd_metrics_port: 3003,
      etcd_data_dir: '/i',
      etcd_image: 'host',
    });
    expect(showOrigins(pillar, 'etcd_image')).toEqual([
      'host m1 m1.yaml:1:13',
      'group masters masters.yaml:1:13',
      'group control control.json:1:16',
      'cluster main main.yml:1:13',
      'defaults defaults.yaml:1:13',
    ]);
    expect(showOrigins(pillar, 'etcd_data_dir').at(-1)).toMatch(/^schema default pillar\.schema\.json:\d+:\d+$/);
    expect((await pillarOf('w1', {})).data).toMatchObject({ etcd_image: 'defaults', etcd_data_dir: '/d' });
    const read = await readFiles({});
    expect(read.ok && read.value.sources.length).toBe(5);
  });

  test('without a directory the pillar is the defaults', async () => {
    const read = await readPillar({ inventory });
    expect(read.ok && read.value.of('m1').data).toMatchObject({
      etcd_client_port: 2379,
      etcd_extra_args: {},
      limits: { connect: 10, program: 120, stage: 600, run: 3600 },
    });
    expect(() => read.ok && read.value.of('nobody')).toThrow('no host nobody');
  });

  test('nested maps merge, and each part knows its origin', async () => {
    const pillar = await pillarOf('m1', {
      'defaults.yaml': 'limits:\n  program: 7\netcd_extra_args: {cors: x, metrics: y}\n',
      'hosts/m1.yaml': 'etcd_extra_args:\n  metrics: z\n',
    });
    expect(pillar.data.limits).toEqual({ connect: 10, program: 7, stage: 600, run: 3600, lock: 0 });
    expect(pillar.data.etcd_extra_args).toEqual({ cors: 'x', metrics: 'z' });
    expect(showOrigins(pillar, 'etcd_extra_args', 'metrics')).toEqual([
      'host m1 m1.yaml:2:12',
      'defaults defaults.yaml:3:37',
    ]);
    expect(showOrigins(pillar, 'etcd_extra_args', 'nothing')).toEqual([]);
    expect(showOrigins(pillar, 'limits', 'connect')[0]).toMatch(/^schema default pillar\.schema\.json:/);
  });

  test('group layers for all and ungrouped', async () => {
    const files = { 'groups/all.yaml': 'etcd_image: all\n', 'groups/ungrouped.yaml': 'etcd_data_dir: /u\n' };
    expect((await pillarOf('lonely', files)).data).toMatchObject({ etcd_image: 'all', etcd_data_dir: '/u' });
    expect((await pillarOf('m1', {})).data).toMatchObject({ etcd_image: 'all', etcd_data_dir: '/var/lib/etcd' });
  });
});

describe('a bad pillar is refused at its exact place', () => {
  const table: [files: { [name: string]: string }, failures: string[]][] = [
    [
      { 'defaults.yaml': 'etcd_clientport: 1\n' },
      ['defaults.yaml:1:1 unknown: unknown key "etcd_clientport" → did you mean etcd_client_port?'],
    ],
    [
      { 'defaults.yaml': 'etcd_initial_cluster_state: new\n' },
      [
        'defaults.yaml:1:1 unknown: unknown key "etcd_initial_cluster_state" → take it out: new is written where a cluster is founded, and becomes existing in the same run (docs/etcd.md)',
      ],
    ],
    [
      { 'hosts/m1.yaml': 'a:\netcd_data_dir: 0644\n' },
      [
        expect.stringMatching(
          /^hosts\/m1\.yaml:1:1 unknown: unknown key "a" → known are: etcd_runtime, etcd_configuration, /,
        ),
        'hosts/m1.yaml:2:16 schema: etcd_data_dir must be a string, not the number 0644 → write it in quotes: "0644"',
      ],
    ],
    [
      { 'defaults.yaml': 'etcd_version: 3.10\n' },
      ['defaults.yaml:1:15 schema: etcd_version must be a string, not the number 3.10 → write it in quotes: "3.10"'],
    ],
    [
      { 'defaults.yaml': 'etcd_version: "3.5"\n' },
      [
        'defaults.yaml:1:15 schema: etcd_version has not the right form: "3.5" → The version of etcd that the host must have, as MAJOR.MINOR.PATCH. static_pod needs it for the image; with systemd, absent: whatever is in etcd_bin_dir; for example "3.5.16"',
      ],
    ],
    [
      { 'defaults.yaml': 'limits: {conect: 3}\n' },
      ['defaults.yaml:1:10 unknown: unknown key "conect" in limits → did you mean connect?'],
    ],
    [
      { 'defaults.yaml': 'etcd_extra_args: {--quota: "1", max: 1}\n' },
      [
        "defaults.yaml:1:19 schema: the key \"--quota\" has not the right form → The flag's name, of lower-case letters, digits and '-', without leading dashes",
        'defaults.yaml:1:38 schema: etcd_extra_args.max must be a string, not the number 1 → write it in quotes: "1"',
      ],
    ],
    [
      { 'defaults.yaml': '- a\n' },
      ['defaults.yaml:1:1 schema: defaults.yaml must be a map of keys → write KEY: VALUE'],
    ],
    [
      { 'hosts/m11.yaml': 'etcd_image: x\n', 'groups/mastres.yaml': '', 'clusters/mian.yaml': '' },
      [
        'clusters/mian.yaml:1:1 unknown: clusters/mian.yaml is for nobody: the inventory has no cluster "mian" → did you mean main?',
        'groups/mastres.yaml:1:1 unknown: groups/mastres.yaml is for nobody: the inventory has no group "mastres" → did you mean masters?',
        'hosts/m11.yaml:1:1 unknown: hosts/m11.yaml is for nobody: the inventory has no host "m11" → did you mean m1?',
      ],
    ],
    [
      { 'hosts/m1.yaml': '', 'hosts/m1.yml': '' },
      ['hosts/m1.yml:1:1 duplicate: hosts/m1.yaml and hosts/m1.yml are the same layer → keep one of the two'],
    ],
    [
      { 'default.yaml': '', 'host/m1.yaml': '', 'hosts/m1.ymal': '' },
      [
        'default.yaml:1:1 unknown: default.yaml is no layer of the pillar → did you mean defaults.yaml?',
        'host:1:1 unknown: host is no layer of the pillar → did you mean hosts?',
        'hosts/m1.ymal:1:1 unknown: hosts/m1.ymal is no layer of the pillar → layers end in .yaml, .yml, .json',
      ],
    ],
    [
      { 'defaults.yaml': 'etcd_heartbeat_interval: 300\n' },
      [
        'defaults.yaml:1:26 schema: etcd_election_timeout (1000 ms) must be at least 5 times etcd_heartbeat_interval (300 ms) → set etcd_election_timeout to 1500 or more',
      ],
    ],
    [
      {
        'defaults.yaml': 'a: 1\n',
        'hosts/m1.yaml': 'etcd_client_port: 2380\n',
        'schema.yaml': 'properties: {a: {type: integer}}\n',
      },
      ['hosts/m1.yaml:1:19 schema: etcd_client_port and etcd_peer_port are both 2380 → give each a port of its own'],
    ],
    [
      {
        'defaults.yaml':
          'etcd_version: 3.6.1\netcd_extra_args:\n  enable-v2: "true"\n  experimental-corrupt-check-time: 4h\n',
      },
      ['defaults.yaml:3:14 schema: etcd_extra_args: etcd 3.6.1 has no flag --enable-v2 → leave it out'],
    ],
    [
      {
        'defaults.yaml': 'etcd_extra_args:\n  metrics: extensive\n  watch-progress-notify-interval: 5s\n',
        'hosts/m1.yaml': 'etcd_version: 3.5.16\n',
      },
      [
        'defaults.yaml:3:35 schema: etcd_extra_args: etcd 3.5.16 has no flag --watch-progress-notify-interval → write experimental-watch-progress-notify-interval',
        'defaults.yaml:3:35 schema: etcd_extra_args: not every etcd has the flag --watch-progress-notify-interval → set etcd_version, so that it is known whether yours has it',
      ],
    ],
    [
      { 'hosts/m1.yaml': 'etcd_extra_args: { initial-cluster-state: new, data-dir: /x }\n' },
      [
        'hosts/m1.yaml:1:43 schema: etcd_extra_args may not have --initial-cluster-state: Quorate sets it itself → Quorate alone decides whether a cluster begins or goes on, so that none ever begins twice',
        'hosts/m1.yaml:1:58 schema: etcd_extra_args may not have --data-dir: Quorate sets it itself → set etcd_data_dir',
      ],
    ],
    [
      { 'defaults.yaml': 'etcd_install: { path: /opt/etcd }\n', 'hosts/m1.yaml': 'etcd_install: { package: etcd }\n' },
      [
        'hosts/m1.yaml:1:15 schema: etcd_install takes exactly one of path, package and archive, but has path and package → keep one; null takes away what a lower layer has set',
      ],
    ],
    [
      { 'hosts/m1.yaml': 'etcd_install: { archive: /srv/etcd.tar.gz }\n' },
      [
        'hosts/m1.yaml:1:15 schema: etcd_install has an archive without sha256 → etcd_install: { archive: /PATH/etcd.tar.gz, sha256: HEX }',
      ],
    ],
    [
      { 'hosts/m1.yaml': 'etcd_wal_dir: /var/lib/etcd/wal\n' },
      [
        'hosts/m1.yaml:1:15 schema: etcd_wal_dir (/var/lib/etcd/wal) and etcd_data_dir (/var/lib/etcd) lie in each other → give each a directory of its own, or leave etcd_wal_dir out',
      ],
    ],
    [
      {
        'defaults.yaml': 'etcd_configuration: adopted\nproxy: { http: http://p:3128 }\n',
        'hosts/m1.yaml': 'etcd_probes: none\netcd_runtime: systemd\netcd_resources: { limits: { cpu: "1" } }\n',
      },
      ['etcd_probes', 'proxy', 'etcd_resources.limits'].map(
        (key) =>
          expect.stringMatching(
            `: ${key} does not reach an etcd that others have set up .etcd_configuration: adopted. → set it where etcd was`,
          ) as never,
      ),
    ],
    [
      { 'hosts/m1.yaml': 'storage_backend: etcd2\n' },
      [
        'hosts/m1.yaml:1:18 schema: storage_backend cannot be "etcd2": etcd2 keeps its data where no snapshot of etcd 3 finds it, and Kubernetes cannot use it since 1.13 → leave storage_backend out, or set it to etcd3; data of etcd2 has to be migrated first, with etcd 3.3',
      ],
    ],
    [
      { 'hosts/m1.yaml': 'storage_backend: etcd4\n' },
      [
        'hosts/m1.yaml:1:18 schema: storage_backend cannot be "etcd4": etcd3 is all there is → leave storage_backend out, or set it to etcd3; data of etcd2 has to be migrated first, with etcd 3.3',
      ],
    ],
    [
      { 'hosts/m1.yaml': 'etcdid: m1\n' },
      ['hosts/m1.yaml:1:1 unknown: unknown key "etcdid" → its name is etcd_member_name'],
    ],
    [
      { 'defaults.yaml': 'etcd_version: 3.5.10\netcd_probes: livez\n' },
      [
        'defaults.yaml:2:14 schema: etcd_probes is livez, and etcd 3.5.10 has no /livez: the kubelet would restart it for ever → set etcd_probes: none, or etcd_version: 3.5.11 or later; /health is no substitute, it fails where a restart does not help',
      ],
    ],
    [
      { 'defaults.yaml': 'etcd_probes: livez\n', 'hosts/m1.yaml': 'etcd_version: 3.4.28\n' },
      [
        expect.stringMatching(
          /^defaults\.yaml:1:14 schema: etcd_probes is livez, and etcd 3\.4\.28 .*3\.4\.29 or later/,
        ),
      ],
    ],
    [
      { 'defaults.yaml': 'etcd_probes: health\n' },
      [expect.stringMatching(/^defaults\.yaml:1:14 schema: etcd_probes must be one of "livez", "none"/)],
    ],
    [
      { 'defaults.yaml': 'etcd_annotations:\n  a: 1\n  kubernetes.io/config.hash: x\n' },
      ['defaults.yaml:2:6 schema: etcd_annotations.a must be a string, not the number 1 → write it in quotes: "1"'],
    ],
    [
      {
        'defaults.yaml':
          'etcd_annotations:\n  kubernetes.io/config.hash: x\n  kubeadm.kubernetes.io/etcd.advertise-client-urls: x\n',
      },
      [
        'defaults.yaml:2:30 schema: etcd_annotations may not have kubernetes.io/config.hash: the kubelet sets it itself → leave it out',
        'defaults.yaml:3:53 schema: etcd_annotations may not have kubeadm.kubernetes.io/etcd.advertise-client-urls: Quorate sets it itself, from the address in the inventory → leave it out',
      ],
    ],
    [
      { 'defaults.yaml': 'etcd_annotations: { "two words": x }\n' },
      [expect.stringMatching(/^defaults\.yaml:1:21 schema: the key "two words" has not the right form/)],
    ],
    [
      { 'defaults.yaml': 'etcd_resources:\n  limits: { cpu: two, memory: 2 Gi }\n' },
      [
        expect.stringMatching(/^defaults\.yaml:2:18 schema: etcd_resources\.limits\.cpu has not the right form: "two"/),
        expect.stringMatching(
          /^defaults\.yaml:2:31 schema: etcd_resources\.limits\.memory has not the right form: "2 Gi"/,
        ),
      ],
    ],
    [
      { 'hosts/m1.yaml': 'etcd_resources:\n  limits: { cpu: 50m, memory: "0" }\n' },
      [
        'hosts/m1.yaml:2:18 schema: etcd_resources requests more cpu (100m) than its limit (50m): the kubelet would not start the pod → raise the limit, or lower the request',
        'hosts/m1.yaml:2:31 schema: etcd_resources.limits.memory is 0: nothing can run with nothing → leave memory out of the limits for no limit',
      ],
    ],
    [
      {
        'defaults.yaml': 'etcd_resources: { limits: { memory: 4G } }\n',
        'hosts/m1.yaml': 'etcd_resources:\n  requests: { memory: 4Gi }\n',
      },
      [
        'defaults.yaml:1:37 schema: etcd_resources requests more memory (4Gi) than its limit (4G): the kubelet would not start the pod → raise the limit, or lower the request',
      ],
    ],
    [
      { 'clusters/main.yaml': 'etcd_events: true\netcd_events_resources: { requests: { memory: 256m } }\n' },
      [
        'clusters/main.yaml:2:46 schema: etcd_events_resources.requests.memory is 256m, less than 1Mi: it is counted in bytes → write for example 256Mi',
      ],
    ],
    [
      { 'defaults.yaml': 'proxy: { no_proxy: [.internal] }\n' },
      [
        'defaults.yaml:1:8 schema: proxy has neither http nor https, so nothing goes through one → proxy: { http: http://HOST:PORT, https: http://HOST:PORT }, or leave it out',
      ],
    ],
    [
      { 'defaults.yaml': 'proxy: { http: http://me:hunter2@p:3128, https: "http://p:port" }\n' },
      [
        'defaults.yaml:1:16 schema: proxy.http has a user or a password in it, which everybody on the host could read: in manifests, units and /proc → let the proxy know the hosts by their addresses, or run one on the host that logs in',
        'defaults.yaml:1:49 schema: proxy.https is no URL → http://HOST:PORT',
      ],
    ],
    [
      { 'defaults.yaml': 'proxy: { https: proxy:3128, no_proxy: ["a,b"] }\n' },
      [
        expect.stringMatching(/^defaults\.yaml:1:17 schema: proxy\.https has not the right form: "proxy:3128"/),
        expect.stringMatching(/^defaults\.yaml:1:40 schema: proxy\.no_proxy\[0\] has not the right form: "a,b"/),
      ],
    ],
    [
      { 'defaults.yaml': 'bind_interface: /dev/eth0\n' },
      [expect.stringMatching(/^defaults\.yaml:1:17 schema: bind_interface has not the right form: "\/dev\/eth0"/)],
    ],
    [
      { 'defaults.yaml': 'kubelet_install: { path: /opt/kubelet }\n' },
      [
        'defaults.yaml:1:18 schema: kubelet_install needs kubelet_version: nobody has said which one is to be there → kubelet_version: MAJOR.MINOR.PATCH',
      ],
    ],
    [
      {
        'defaults.yaml':
          'kubelet_version: 1.34.1\nkubelet_install: { path: /opt/kubelet, archive: /srv/x.tar.gz, sha256: null }\n',
      },
      [
        'defaults.yaml:2:18 schema: kubelet_install takes exactly one of path, package and archive, but has path and archive → keep one; null takes away what a lower layer has set',
      ],
    ],
    [
      { 'defaults.yaml': 'kubelet_version: 1.34.1\nkubelet_install: { archive: /srv/kubelet.tar.gz }\n' },
      [
        'defaults.yaml:2:18 schema: kubelet_install has an archive without sha256 → kubelet_install: { archive: /PATH/kubelet.tar.gz, sha256: HEX }',
      ],
    ],
    [
      { 'defaults.yaml': 'kubernetes_version: 1.33.0\n', 'hosts/m1.yaml': 'kubelet_version: 1.34.1\n' },
      [
        'hosts/m1.yaml:1:18 schema: kubelet_version (1.34.1) does not go with kubernetes_version (1.33.0): a kubelet is never newer than its API server → the control plane is upgraded first, then the kubelet',
      ],
    ],
    [
      { 'clusters/main.yaml': 'control_plane: managed\n' },
      [
        'clusters/main.yaml:1:16 schema: control_plane: managed needs kubernetes_version, for its images and its flags → kubernetes_version: MAJOR.MINOR.PATCH',
      ],
    ],
    [
      { 'hosts/m1.yaml': 'control_plane: managed\nkubernetes_version: 1.19.16\n' },
      [
        'hosts/m1.yaml:2:21 schema: kubernetes_version is 1.19.16, and control_plane: managed begins with 1.20.0 → upgrade first, or set control_plane: kubeadm or none',
      ],
    ],
    [
      { 'hosts/m1.yaml': 'service_cidr: 10.96.0.1/12\ncluster_cidr: 10.0.0.0/33\n' },
      [
        "hosts/m1.yaml:1:15 schema: service_cidr (10.96.0.1/12) is no network: an address with nothing behind its prefix, and the prefix's length → service_cidr: 10.96.0.0/12",
        "hosts/m1.yaml:2:15 schema: cluster_cidr (10.0.0.0/33) is no network: an address with nothing behind its prefix, and the prefix's length → cluster_cidr: 10.96.0.0/12",
      ],
    ],
    [
      { 'hosts/m1.yaml': 'service_cidr: 10.96.0.0/29\ncluster_cidr: 10.0.0.0/8\n' },
      [
        'hosts/m1.yaml:1:15 schema: service_cidr (10.96.0.0/29) has only 8 addresses → give it 16 or more: the DNS has the tenth',
        'hosts/m1.yaml:2:15 schema: service_cidr (10.96.0.0/29) and cluster_cidr (10.0.0.0/8) overlap → give services and pods networks of their own',
      ],
    ],
    [
      {
        'hosts/m1.yaml':
          'control_plane: managed\nkubernetes_version: 1.34.1\netcd_pki_dir: /etc/kubernetes/pki\napiserver_port: 2379\n',
      },
      [
        'hosts/m1.yaml:4:17 schema: etcd_client_port and apiserver_port are both 2379 → give each a port of its own',
        "hosts/m1.yaml:3:15 schema: kubernetes_pki_dir and etcd_pki_dir are both /etc/kubernetes/pki, and the CA of Kubernetes is another one than etcd's → give each a directory of its own",
      ],
    ],
    [
      { 'hosts/m1.yaml': 'control_plane: manged\nruntime_config: batch/v2alpha1 true\n' },
      [
        expect.stringMatching(/^hosts\/m1\.yaml:1:16 schema: control_plane must be .*did you mean managed\?/),
        expect.stringMatching(/^hosts\/m1\.yaml:2:17 schema: runtime_config has not the right form/),
      ],
    ],
    [
      { 'clusters/main.yaml': 'etcd_events: true\netcd_events_peer_port: 2379\n' },
      [
        'clusters/main.yaml:2:24 schema: etcd_client_port and etcd_events_peer_port are both 2379 → give each a port of its own',
      ],
    ],
    [
      { 'clusters/main.yaml': 'etcd_events: true\netcd_events_data_dir: /var/lib/etcd/events\n' },
      [
        'clusters/main.yaml:2:23 schema: etcd_events_data_dir (/var/lib/etcd/events) and etcd_data_dir (/var/lib/etcd) lie in each other → give each a directory of its own',
      ],
    ],
    [
      { 'clusters/main.yaml': 'etcd_events: true\netcd_events_extra_args: { data-dir: /x }\n' },
      [
        'clusters/main.yaml:2:37 schema: etcd_events_extra_args may not have --data-dir: Quorate sets it itself → set etcd_data_dir',
      ],
    ],
    [
      { 'hosts/m1.yaml': 'etcd_events: true\n' },
      [
        'hosts/m1.yaml:1:14 schema: etcd_events is true for m1 and false for m2, but the events cluster of main has the same members as main → set it in clusters/main.yaml, for all of them',
      ],
    ],
    [
      { 'clusters/main.yaml': 'etcd_member_name: etcd\n' },
      [
        'clusters/main.yaml:1:19 duplicate: m1 and m2 are both the member etcd of cluster main → set etcd_member_name in hosts/NAME.yaml alone, or leave it out: it is the host name then',
      ],
    ],
    [
      { 'schema.yaml': 'properties:\n  etcd_image: {type: integer}\n' },
      [
        expect.stringMatching(
          /^schema\.yaml:2:3 duplicate: the key "etcd_image" is Quorate's own \(.*schemas\/pillar\.schema\.json:\d+:\d+\) and cannot be redefined → give your key another name$/,
        ),
      ],
    ],
    [
      { 'schema.yaml': 'properties: {a: {type: strin}}\n' },
      [
        expect.stringMatching(
          /^schema\.yaml:1:24 schema: properties\.a\.type must be one of .* → did you mean string\?$/,
        ),
      ],
    ],
    [
      { 'schema.yaml': 'additionalProperties: true\n' },
      [
        'schema.yaml:1:23 schema: additionalProperties must be false or absent: every key of the pillar is declared, so that a typing error is found → declare your keys under properties',
      ],
    ],
    [
      {
        'schema.yaml': 'required: [site]\nproperties:\n  site: {type: string, description: The site.}\n',
        'defaults.yaml': 'etcd_image: t\n',
        'groups/control.yaml': 'site: a\n',
      },
      ['defaults.yaml:1:1 schema: the pillar has no "site" → add site: The site'],
    ],
    [
      { 'schema.yaml': 'properties: {site: {type: string, default: 3}}\n' },
      ['schema.yaml:1:44 schema: site must be a string, not the number 3'],
    ],
    [
      {
        'schema.yaml': 'properties: {pin: {type: string, x-sensitive: true, minLength: 9}}\n',
        'hosts/m1.yaml': 'pin: hunter2\n',
      },
      ['hosts/m1.yaml:1:6 schema: the secret pin is not as it should be'],
    ],
  ];
  test.each(table)('%j', async (files, failures) => {
    expect(await refuse(files)).toEqual(failures);
  });

  test('a missing directory is a failure', async () => {
    const read = await readPillar({ directory: join(directory, 'pillar'), inventory });
    expect(read.ok ? [] : read.failures.map(show)).toEqual([
      '- unreadable: the pillar directory PILLAR does not exist → check the path',
    ]);
  });

  test('other files may lie beside the layers', async () => {
    expect(
      await refuse({ 'README.md': '', 'secrets/x': 's', '.git/x': '', 'hosts/README.md': '', 'hosts/m1.yaml~': '' }),
    ).toEqual([]);
  });
});

describe("the operator's own keys", () => {
  const schema = `
type: object
properties:
  site: {type: string, default: home}
  nested: {type: object, properties: {deep: {type: object, properties: {n: {type: integer, default: 1}}}}}
  logins: {type: object, x-sensitive: true, additionalProperties: {type: string}}
  token: {$ref: "#/$defs/secret"}
  list: {type: array, items: {type: object, properties: {key: {$ref: "#/$defs/secret"}, name: {type: string}}}}
$defs:
  secret: {type: string, x-sensitive: true}
`;

  test('have defaults, also nested ones', async () => {
    const pillar = await pillarOf('m1', { 'schema.yaml': schema });
    expect(pillar.data).toMatchObject({ site: 'home', nested: { deep: { n: 1 } } });
    expect(showOrigins(pillar, 'site')).toEqual(['schema default schema.yaml:4:33']);
  });

  test('x-sensitive wraps a value wherever it comes from, and maps of secrets still merge', async () => {
    const pillar = await pillarOf('m1', {
      'schema.yaml': schema,
      'defaults.yaml': 'logins: {a: hunter2}\ntoken: hunter2\nlist: [{key: hunter2, name: n}]\n',
      'hosts/m1.yaml': 'logins: {b: hunter2}\nsite: !sensitive hunter2\n',
    });
    expect(inspect(pillar.data, { depth: 9 }) + JSON.stringify([pillar.data, explainPillar(pillar)])).not.toContain(
      'hunter2',
    );
    const { logins, token, list, site } = pillar.data as {
      logins: ValueMap;
      token: unknown;
      list: ValueMap[];
      site: unknown;
    };
    expect([logins.a, logins.b, token, list[0]?.key, site].every(isSensitive)).toBe(true);
    expect(list[0]?.name).toBe('n');
    expect(showOrigins(pillar, 'logins', 'a')).toEqual(['defaults defaults.yaml:1:13']);
  });
});

describe('explain', () => {
  test('names the place behind every value, and what it overrides', async () => {
    const pillar = await pillarOf('m1', {
      'schema.yaml': 'properties: {list: {type: array}, gone: {type: [object, "null"], default: {x: 1}}}\n',
      'defaults.yaml': 'list: [1, 2]\netcd_extra_args: {cors: x}\n',
      'hosts/m1.yaml': 'list: [3]\ngone: null\n',
    });
    const explained = new Map(explainPillar(pillar).map((each) => [each.path, each]));
    expect(explained.get('list')).toMatchObject({
      value: [3],
      origin: { layer: 'host m1' },
      overridden: [{ layer: 'defaults' }],
    });
    expect(explained.get('gone')).toMatchObject({
      value: null,
      origin: { layer: 'host m1', place: { line: 2, column: 7 } },
    });
    expect(explained.get('etcd_extra_args.cors')).toMatchObject({
      value: 'x',
      origin: { layer: 'defaults' },
      overridden: [],
    });
    expect(explained.get('limits.connect')).toMatchObject({ value: 10, origin: { layer: 'schema default' } });
    expect([...explained.keys()].filter((path) => path.startsWith('gone'))).toEqual(['gone']);
  });
});
