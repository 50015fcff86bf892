// A cluster that kubeadm has made is taken over: described, found as it is, changed in one thing, and kept.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foundWithKubeadm } from './kubeadm.ts';
import { openRig, type Rig } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const MANIFEST = '/etc/kubernetes/manifests/etcd.yaml';
const LEDGER = '/var/lib/quorate/main.json';
const TARGET = ['-i', 'inventory', '-t', 'masters'];
const SETTINGS = 'kubernetes.etcd.configured/settings';
let rig: Rig;
let before: string[][];
let manifests: string[];

beforeAll(async () => {
  rig = await openRig('adopt', '10.213.89', 3, { kubelet: true });
  const versions = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
  const newest = versions.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)!;
  await foundWithKubeadm(rig, HOSTS, newest);
  // Nobody has said which of them are a cluster, or what they are called: only where they are.
  const reached = readFileSync(rig.lab.inventoryPath, 'utf8')
    .replaceAll(/m\d: \{ ansible_host: (\S+) \}/g, "'$1': {}")
    .replace(/^ *etcd_cluster.*\n/m, '')
    .replace('masters:', 'all:');
  rig.write({ 'hosts.yaml': reached });
  before = await Promise.all(HOSTS.map((host) => rig.lab.listing(host)));
  manifests = await onEach(`cat ${MANIFEST}`);
}, 900_000);
afterAll(() => rig?.close());

function onEach(command: string): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
}

const running = (flag: string) => onEach(`tr '\\0' '\\n' </proc/$(pgrep -x etcd)/cmdline | sed -n 's/^--${flag}=//p'`);

describe('quorate pillar init', () => {
  it('writes inventory and pillar of what runs, changes no host, and takes no key', async () => {
    const { status, stdout, stderr } = await rig.quorate('pillar', 'init', '-i', 'hosts.yaml', '-t', 'all');
    expect([stderr, status]).toEqual(['', 0]);
    expect(stdout).toContain('inventory/main.yaml: written\npillar/clusters/main.yaml: written\n');
    expect(load(rig.read('inventory/main.yaml'))).toMatchObject({
      masters: { vars: { etcd_cluster: 'main' }, hosts: { m3: { ansible_host: rig.lab.address('m3') } } },
    });
    for (const folder of ['inventory', 'pillar'])
      for (const path of readdirSync(join(rig.folder, folder), { recursive: true, encoding: 'utf8' }))
        if (statSync(join(rig.folder, folder, path)).isFile())
          expect(rig.read(join(folder, path))).not.toContain('PRIVATE KEY');
    expect(await Promise.all(HOSTS.map((host) => rig.lab.listing(host)))).toEqual(before);
  });

  it('describes it so that everything is valid and nothing is left to do, with one program a host', async () => {
    const states = ['etcd.configured', 'kubernetes.etcd.pki', 'kubernetes.running'];
    expect(await rig.quorate('validate', ...states, '-i', 'inventory')).toMatchObject({ status: 0 });
    const plan = ['plan', 'kubernetes.etcd.configured', ...TARGET, '--detailed-exitcode'];
    const { status, stdout } = await rig.quorate(...plan);
    expect(stdout).toContain('3 hosts: nothing to change');
    expect(stdout).not.toContain('Stage');
    expect(status).toBe(0);
    const { document } = await rig.json(...plan);
    expect(document.outcome).toBe('ok');
    expect(Object.values(document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
    expect(document.notes).toEqual([expect.stringContaining('nobody knows it yet: the first apply writes it down')]);
    expect(await Promise.all(HOSTS.map((host) => rig.lab.listing(host)))).toEqual(before);
  });

  it('writes nothing over: the same is left, and anything else is shown and refused', async () => {
    const again = () => rig.quorate('pillar', 'init', '-i', 'hosts.yaml', '-t', 'all');
    expect(await again()).toMatchObject({ status: 0, stdout: expect.stringContaining('main.yaml: is there already') });
    const written = rig.read('pillar/clusters/main.yaml');
    rig.write({ 'pillar/clusters/main.yaml': written.replace('snapshot_count: 10000', 'snapshot_count: 1') });
    const refused = await again();
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain('pillar/clusters/main.yaml says something else, and is not overwritten');
    expect(refused.stderr).toContain('+etcd_snapshot_count: 10000');
    expect(rig.read('pillar/clusters/main.yaml')).toContain('etcd_snapshot_count: 1\n');
    const beside = await rig.quorate('pillar', 'init', '-i', 'hosts.yaml', '-t', 'all', '--into', 'beside');
    expect(beside.status).toBe(0);
    expect(rig.read('beside/pillar/clusters/main.yaml')).toBe(written);
    rig.write({ 'pillar/clusters/main.yaml': written });
  });

  it('refuses a part of a cluster, and a host without etcd', async () => {
    const part = `all:!${rig.lab.address('m2')}`;
    const { status, stderr } = await rig.quorate('pillar', 'init', '-i', 'hosts.yaml', '-t', part, '--into', 'part');
    expect(status).toBe(5);
    expect(stderr).toContain(`the cluster has the member m2 at https://${rig.lab.address('m2')}:2380`);
    expect(() => rig.read('part/inventory/main.yaml')).toThrow();
  });
});

describe('what was adopted', () => {
  it('can be asked how it is, with no etcdctl on its hosts', async () => {
    expect((await rig.lab.exec('m1', 'command -v etcdctl')).status).not.toBe(0);
    const { status, stdout } = await rig.quorate('status', '-i', 'inventory');
    expect(stdout).toContain('main serves: 3 voters, all healthy');
    expect(status).toBe(0);
  });

  it('is changed in the one thing that the pillar asks, member by member, and in nothing else', async () => {
    const inodes = await onEach('stat -c %i /var/lib/etcd /var/lib/etcd/member');
    const pillar = rig.read('pillar/clusters/main.yaml');
    rig.write({ 'pillar/clusters/main.yaml': pillar.replace('snapshot_count: 10000', 'snapshot_count: 20000') });
    const planned = await rig.json('plan', 'etcd.configured', ...TARGET);
    const change = { path: '--snapshot-count', before: '10000', after: '20000' };
    expect(planned.document.results.filter(({ predicted }) => predicted.length > 0).map(changed)).toEqual(
      HOSTS.flatMap((host) => [
        [host, 'kubernetes.etcd.guarded/member', 'ok', [expect.objectContaining({ path: 'ledger' })]],
        [host, SETTINGS, 'changed', [change]],
      ]),
    );
    const { status, document } = await rig.json('apply', 'etcd.configured', ...TARGET, '--yes');
    expect([status, document.outcome]).toEqual([0, 'changed']);
    const turns = document.results.filter(({ resource }) => resource === 'kubernetes.etcd.configured/pod');
    expect(turns.map(({ stage }) => stage).sort()).toEqual([1, 2, 3]);

    expect(await running('snapshot-count')).toEqual(['20000', '20000', '20000']);
    const now = await onEach(`cat ${MANIFEST}`);
    expect(now.map((text) => load(text))).toEqual(
      manifests.map((text) => load(text.replace('snapshot-count=10000', 'snapshot-count=20000'))),
    );
    expect(await onEach(`stat -c '%a %U' ${MANIFEST}`)).toEqual(HOSTS.map(() => '600 root'));
    expect(await onEach('stat -c %i /var/lib/etcd /var/lib/etcd/member')).toEqual(inodes);
    expect(new Set(await onEach(`cat ${LEDGER}`)).size).toBe(1);

    const second = await rig.json('apply', 'etcd.configured', ...TARGET, '--yes');
    expect(second.document.outcome).toBe('ok');
    expect(Object.values(second.document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
    expect((await rig.quorate('status', '-i', 'inventory')).stdout).toContain('all healthy');
  });

  it('is known from then on: a member without its data is not started empty by an apply', async () => {
    await rig.lab.run('m3', 'systemctl stop kubelet; pkill -x etcd; while pgrep -x etcd; do sleep 0.1; done');
    await rig.lab.run('m3', 'mv /var/lib/etcd/member /var/lib/etcd-member.aside');
    const { status, document } = await rig.json('apply', 'etcd.configured', ...TARGET, '--yes');
    expect(status).toBe(5);
    const guard = document.results.find(({ host, resource }) => host === 'm3' && resource.endsWith('guarded/member'));
    expect(guard?.why?.message).toContain('m3 is a known member of cluster main but has no data');
    await rig.lab.run('m3', 'mv /var/lib/etcd-member.aside /var/lib/etcd/member; systemctl start kubelet');
    await expect
      .poll(async () => (await rig.quorate('status', '-i', 'inventory')).stdout, { timeout: 60_000, interval: 1000 })
      .toContain('3 voters, all healthy');
  });

  it('becomes Quorate’s own by one key, with the same data', async () => {
    const ledger = await rig.lab.run('m1', `cat ${LEDGER}`);
    const pillar = rig.read('pillar/clusters/main.yaml');
    rig.write({ 'pillar/clusters/main.yaml': pillar.replace('configuration: adopted', 'configuration: managed') });
    const { status, document } = await rig.json('apply', 'etcd.configured', ...TARGET, '--yes');
    expect([status, document.outcome]).toEqual([0, 'changed']);
    expect(await running('initial-cluster-state')).toEqual(['existing', 'existing', 'existing']);
    expect(await rig.lab.run('m1', `cat ${LEDGER}`)).toBe(ledger);
    expect((await rig.json('apply', 'etcd.configured', ...TARGET, '--yes')).document.outcome).toBe('ok');
  });
});

type Results = Awaited<ReturnType<Rig['json']>>['document']['results'];

function changed({ host, resource, outcome, predicted }: Results[number]) {
  return [host, resource, outcome, predicted];
}
