// What is deployed into the cluster, rendered: one snapshot for each object and pillar, and the job's own script, run.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dumpDocument } from '../../../src/modules/file/document.ts';
import { Host, SHELLS } from '../modules/host.ts';
import { loaded, wanted } from './rendered.ts';

const MANAGED = 'control_plane: managed\nkubernetes_version: 1.20.2\n';
const SNAPSHOT = 'enable_etcd_snapshot: true\n';
const ONE = `${MANAGED}${SNAPSHOT}etcd_snapshot_hostname: m2\n`;
const PILLARS = {
  'managed-1.20.2': `${ONE}enable_default_storage_class: true\ncloud_provider: aws\n`,
  'managed-1.34.1-events': `control_plane: managed
etcd_version: 3.6.5
kubernetes_version: 1.34.1
${SNAPSHOT}etcd_snapshot_zone: us-west-1a
etcd_events: true
etcd_client_port: 4001
etcd_events_client_port: 4002
etcd_image: registry.example.com/etcd:3.6.5
etcd_pki_dir: /etc/etcd/pki
etcd_snapshot_storage_classname: fast
etcd_snapshot_disk_size: 10Gi
etcd_snapshot_schedule: "*/10 * * * *"
etcd_snapshot_keep: 30
etcd_snapshot_image: registry.example.com/tools:1
enable_default_storage_class: true
cloud_provider: gce
`,
  'kubeadm-1.7.16': `control_plane: kubeadm
kubernetes_version: 1.7.16
runtime_config: batch/v2alpha1=true
${SNAPSHOT}etcd_snapshot_zone: us-west-1a
`,
  'addon-manager-1.24.0': `control_plane: managed
kubernetes_version: 1.24.0
addon_deployment: addon-manager
addons_dir: /srv/addons
${SNAPSHOT}etcd_snapshot_hostname: m2
enable_default_storage_class: true
cloud_provider: azure
`,
};
const OBJECTS = {
  'etcd.snapshot_job/claim': 'etcd.snapshot_job/claim-file',
  'etcd.snapshot_job/cronjob': 'etcd.snapshot_job/file',
  'storage_class/class': 'storage_class/file',
  'configured/kube-addon-manager': undefined,
};

describe.each(Object.entries(PILLARS))('with the pillar %s', (name, pillar) => {
  let all: ReturnType<typeof wanted>;
  beforeAll(() => {
    all = wanted('running', pillar);
  });

  it.each(Object.entries(OBJECTS))('%s is this', async (resource, file) => {
    const wants = await all;
    const want = wants.get(resource) ?? wants.get(file ?? '');
    const text = want === undefined ? 'nothing\n' : dumpDocument(want.document, 'yaml');
    const path = `snapshots/addons/${name}/${resource.replaceAll('/', '-')}.yaml.txt`;
    await expect(text).toMatchFileSnapshot(path);
  });
});

describe('the CronJob', () => {
  const apiOf = async (version: string, more = '') => {
    const pillar = `control_plane: kubeadm\nkubernetes_version: ${version}\n${SNAPSHOT}etcd_snapshot_hostname: m2\n${more}`;
    const want = (await wanted('etcd.snapshot', pillar)).get('etcd.snapshot_job/cronjob')!;
    return [want.api_version, (want.document as { apiVersion: string }).apiVersion, want.server_side];
  };

  it('is of the API that the version has', async () => {
    const alpha = 'runtime_config: batch/v2alpha1=true\n';
    expect(await apiOf('1.7.16', alpha)).toEqual(['batch/v2alpha1', 'batch/v2alpha1', false]);
    expect(await apiOf('1.8.0')).toEqual(['batch/v1beta1', 'batch/v1beta1', false]);
    expect(await apiOf('1.20.15')).toEqual(['batch/v1beta1', 'batch/v1beta1', true]);
    expect(await apiOf('1.21.0')).toEqual(['batch/v1', 'batch/v1', true]);
  });

  it('is deployed once a cluster, behind each API server and etcd', async () => {
    const { graph } = await loaded('running', ONE);
    const claim = graph.nodes.get('@main kubernetes.etcd.snapshot_job/claim')!;
    const needs = claim.after.map(({ to }) => to);
    for (const host of ['M1', 'm2', 'm3']) expect(needs).toContain(`${host} kubernetes.configured/ready`);
    expect(needs).toContain('@main kubernetes.etcd.configured/healthy');
    const cronjob = graph.nodes.get('@main kubernetes.etcd.snapshot_job/cronjob')!;
    expect(cronjob.after.map(({ to }) => to)).toEqual([claim.key]);
  });

  it('is a file for the addon manager behind a gate of the whole cluster, where that deploys it', async () => {
    const { graph } = await loaded('running', `${ONE}addon_deployment: addon-manager\n`);
    const gate = graph.nodes.get('@main kubernetes.serving/cluster')!;
    const needs = gate.after.map(({ to }) => to);
    for (const host of ['M1', 'm2', 'm3']) expect(needs).toContain(`${host} kubernetes.configured/ready`);
    const places = [gate.key, ...['claim-file', 'file'].map((id) => `M1 kubernetes.etcd.snapshot_job/${id}`)].map(
      (key) => graph.order.indexOf(key),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect([...graph.nodes.keys()].filter((key) => key.includes('snapshot_job/cronjob'))).toEqual([]);
  });

  it('goes when it is not wanted any more, and its claim does not', async () => {
    const off = async (more: string) =>
      [...(await wanted('running', `${MANAGED}${more}`))].map(([id, want]) => [id, want]);
    const byKubectl = new Map((await off('')) as [string, Record<string, unknown>][]);
    expect(byKubectl.get('etcd.snapshot/absent')).toMatchObject({
      kind: 'CronJob',
      name: 'kube-etcd-snapshot',
      note: expect.stringContaining('the claim kube-etcd-snapshot-pvc and its volume stay'),
    });
    const byManager = new Map((await off('addon_deployment: addon-manager\n')) as [string, Record<string, unknown>][]);
    expect(byManager.get('etcd.snapshot/no-file')!.path).toBe('/etc/kubernetes/addons/kube-etcd-snapshot.yaml');
    expect(byManager.has('etcd.snapshot/absent')).toBe(true);
    const kinds = [...byKubectl.values(), ...byManager.values()].map(({ kind }) => kind);
    expect(kinds).not.toContain('PersistentVolumeClaim');
  });
});

/** As etcd sends it: pages of 512 bytes, and behind them their sha256. */
function snapshot(): Buffer {
  const pages = randomBytes(512 * 4);
  return Buffer.concat([pages, createHash('sha256').update(pages).digest()]);
}

async function keepScript(): Promise<string> {
  const want = (await wanted('etcd.snapshot', ONE)).get('etcd.snapshot_job/cronjob')!;
  const { spec } = want.document as never as {
    spec: { jobTemplate: { spec: { template: { spec: { containers: { command: string[] }[] } } } } };
  };
  return spec.jobTemplate.spec.template.spec.containers[0]!.command[2]!;
}

describe.each(SHELLS)('what keeps a snapshot, with %s', (shell) => {
  let host: Host;
  let volume: string;
  let script: string;
  let original: string;
  beforeAll(async () => {
    original = await keepScript();
  });
  beforeEach(() => {
    host = new Host(shell);
    volume = join(host.root, 'backup');
    mkdirSync(volume);
    script = original.replace('cd /backup', `cd ${volume}`);
  });
  afterEach(() => host.remove());

  const keep = (count: number) => host.run(script, ['snapshot.db', 'snapshot.db.pod-x.part', String(count)]);
  const arrive = (content: Buffer) => writeFileSync(join(volume, 'snapshot.db.pod-x.part'), content, { mode: 0o600 });
  const there = () => readdirSync(volume).sort();
  const last = () => readFileSync(join(volume, 'snapshot.db'));

  it('gives the name to what is whole, and keeps the one before beside it', () => {
    const [first, second] = [snapshot(), snapshot()];
    arrive(first);
    expect(keep(7)).toMatchObject({ status: 0, stderr: '' });
    expect([there(), last()]).toEqual([['snapshot.db'], first]);
    utimesSync(join(volume, 'snapshot.db'), 1_700_000_000, 1_700_000_000);
    arrive(second);
    expect(keep(7)).toMatchObject({ status: 0, stderr: '' });
    expect(there()).toEqual(['snapshot.db', 'snapshot.db.2023-11-14T221320Z']);
    expect(last()).toEqual(second);
    expect(readFileSync(join(volume, 'snapshot.db.2023-11-14T221320Z'))).toEqual(first);
    expect(statSync(join(volume, 'snapshot.db')).mode & 0o777).toBe(0o600);
  });

  it.each<[string, (good: Buffer) => Buffer, RegExp]>([
    [
      'was cut',
      (good) => good.subarray(0, 1500),
      /^snapshot\.db: what etcd sent has no sha256 at its end \(1500 bytes\)/,
    ],
    [
      'lacks a whole page',
      (good) => Buffer.concat([good.subarray(0, 1536), good.subarray(-32)]),
      /is not what etcd sent/,
    ],
    [
      'has a flipped bit',
      (good) => Buffer.from(good.map((byte, at) => (at === 99 ? byte ^ 1 : byte))),
      /is not what etcd sent/,
    ],
    ['is empty', () => Buffer.alloc(0), /no sha256 at its end \(0 bytes\)/],
  ])('refuses what %s, and leaves the last good one alone', (_how, spoil, why) => {
    const good = snapshot();
    arrive(good);
    keep(7);
    arrive(spoil(snapshot()));
    const { status, stderr } = keep(7);
    expect(status).toBe(1);
    expect(stderr).toMatch(why);
    expect(stderr).toMatch(/the last good one stays as it is\n$/);
    expect([there(), last()]).toEqual([['snapshot.db'], good]);
  });

  it('fails where etcdctl has left nothing', () => {
    expect(keep(7).status).not.toBe(0);
    expect(there()).toEqual([]);
  });

  it('keeps as many as it is told, the newest ones, and touches nothing else', () => {
    const days = ['2023-11-14', '2023-11-15', '2023-11-16'].map((day) => `snapshot.db.${day}T060200Z`);
    const others = [
      'lost+found',
      'snapshot-events.db',
      'snapshot-events.db.2023-11-14T060200Z',
      'snapshot.db.pod-y.part',
    ];
    for (const name of [...days, ...others]) writeFileSync(join(volume, name), '');
    arrive(snapshot());
    expect(keep(3).stdout.toString()).toContain(`${days[0]}: taken away`);
    expect(there()).toEqual([...others, 'snapshot.db', ...days.slice(1)].sort());
    arrive(snapshot());
    expect(keep(1)).toMatchObject({ status: 0, stderr: '' });
    expect(there()).toEqual([...others, 'snapshot.db'].sort());
  });

  it('keeps fewer where there would be no room for the next one, and never only one', () => {
    const days = ['2023-11-14', '2023-11-15', '2023-11-16'].map((day) => `snapshot.db.${day}T060200Z`);
    for (const name of days) writeFileSync(join(volume, name), '');
    writeFileSync(join(host.binaries, 'df'), '#!/bin/sh\necho head\necho /dev/x 100 99 1 99% /backup\n', {
      mode: 0o755,
    });
    arrive(snapshot());
    expect(keep(7)).toMatchObject({ status: 0, stderr: '' });
    expect(there()).toEqual(['snapshot.db', days[2]]);
    expect(existsSync(join(volume, 'snapshot.db.pod-x.part'))).toBe(false);
  });
});
