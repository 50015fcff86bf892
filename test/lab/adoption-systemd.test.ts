// A cluster under systemd that people have set up, each member in a way of its own, is taken over and changed where each
// has its flags.
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEtcdByHand } from './etcd-by-hand.ts';
import { openRig, type Rig } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const TARGET = ['-i', 'inventory', '-t', 'masters'];
const PLAN = ['plan', 'etcd.configured', ...TARGET, '--detailed-exitcode'];
const UNIT = '/etc/systemd/system/etcd.service';
let rig: Rig;
let version: string;

beforeAll(async () => {
  rig = await openRig('adsys', '10.213.91', 3);
  const byHand = await openEtcdByHand(rig);
  version = byHand.version;
  await byHand.found(HOSTS, '--max-wals 7');
  // m1 keeps its flags in ExecStart; m2 in an environment file; m3 as Debian's package, in one below /etc/default, with
  // some as words of a variable.
  await rig.lab.run('m2', toEnvironment('/etc/etcd.env', `ExecStart=/opt/etcd/${version}/etcd`));
  await rig.lab.run('m3', toEnvironment('/etc/default/etcd', `ExecStart=/opt/etcd/${version}/etcd $DAEMON_ARGS`));
  await rig.lab.run('m3', 'sed -i \'s/^ETCD_MAX_WALS=.*/DAEMON_ARGS="--max-wals=7"/\' /etc/default/etcd');
  for (const host of ['m2', 'm3']) {
    await rig.lab.run(host, 'systemctl daemon-reload; systemctl restart etcd');
    await byHand.serving(host);
  }
  const reached = readFileSync(rig.lab.inventoryPath, 'utf8').replace(/^ *etcd_cluster.*\n/m, '');
  rig.write({ 'hosts.yaml': reached });
});
afterAll(() => rig?.close());

/** The flags of the unit become variables of an environment file. */
function toEnvironment(file: string, start: string): string {
  return `
tr '\\0' '\\n' </proc/$(pgrep -x etcd)/cmdline | tail -n +2 | while read -r flag; do
  name=ETCD_$(echo "\${flag#--}" | tr a-z- A-Z_)
  case $flag in *-cert-auth) value=true ;; *) read -r value ;; esac
  echo "$name=$value"
done >${file}
printf '[Service]\\nType=notify\\nEnvironmentFile=-${file}\\n%s\\n[Install]\\nWantedBy=multi-user.target\\n' '${start}' >${UNIT}`;
}

function onEach(command: string): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
}

const snapshotCounts = () =>
  onEach(
    "cat /proc/$(pgrep -x etcd)/cmdline /proc/$(pgrep -x etcd)/environ | tr '\\0' '\\n' | sed -n -e 's/^--snapshot-count=//p' -e '/^--snapshot-count$/{n;p;}' -e 's/^ETCD_SNAPSHOT_COUNT=//p'",
  );

describe('a cluster under systemd', () => {
  it('is not described by somebody who may not read it', async () => {
    rig.write({ 'ops.yaml': rig.read('hosts.yaml').replace('ansible_user: root', 'ansible_user: ops') });
    const init = (inventory: string) =>
      rig.quorate('pillar', 'init', '-i', inventory, '-t', 'masters', '--into', 'ops');
    const { status, stderr } = await init('ops.yaml');
    expect(status).toBe(4);
    expect(stderr).toContain('m1: only root may read how etcd is started, and this is ops');
    rig.write({
      'ops.yaml': rig.read('ops.yaml').replace('ansible_user: ops', 'ansible_user: ops\n    ansible_become: true'),
    });
    expect(await init('ops.yaml')).toMatchObject({ status: 0, stderr: '' });
    expect(rig.read('ops/inventory/main.yaml')).toContain('ansible_become: true');
  });

  it('is described so that nothing is left to do, and no host is changed', async () => {
    const before = await Promise.all(HOSTS.map((host) => rig.lab.listing(host)));
    const { status, stderr } = await rig.quorate('pillar', 'init', '-i', 'hosts.yaml', '-t', 'masters');
    expect([stderr, status]).toEqual(['', 0]);
    expect(load(rig.read('pillar/clusters/main.yaml'))).toMatchObject({
      etcd_runtime: 'systemd',
      etcd_configuration: 'adopted',
      etcd_version: version,
      etcd_bin_dir: `/opt/etcd/${version}`,
      etcd_extra_args: { 'max-wals': '7' },
    });
    const { status: planned, stdout } = await rig.quorate(...PLAN);
    expect(stdout).toContain('3 hosts: nothing to change');
    expect(planned).toBe(0);
    expect(await Promise.all(HOSTS.map((host) => rig.lab.listing(host)))).toEqual(before);
  });

  it('is changed where each member has the flag, and keeps the rest', async () => {
    const unit = await rig.lab.run('m1', `cat ${UNIT}`);
    const environment = await rig.lab.run('m2', 'cat /etc/etcd.env');
    const pillar = rig.read('pillar/clusters/main.yaml');
    rig.write({ 'pillar/clusters/main.yaml': pillar.replace('snapshot_count: 10000', 'snapshot_count: 20000') });
    const { status, document } = await rig.json('apply', 'etcd.configured', ...TARGET, '--yes');
    expect([status, document.outcome]).toEqual([0, 'changed']);
    const restarted = document.results.filter(
      ({ resource, outcome }) => /service$/.test(resource) && outcome === 'changed',
    );
    expect(restarted.map(({ stage }) => stage).sort()).toEqual([1, 2, 3]);
    expect(await snapshotCounts()).toEqual(['20000', '20000', '20000']);
    expect(await rig.lab.run('m1', `cat ${UNIT}`)).toBe(
      unit.replace('--snapshot-count 10000', '--snapshot-count=20000'),
    );
    expect(await rig.lab.run('m2', 'cat /etc/etcd.env')).toBe(environment.replace('COUNT=10000', 'COUNT=20000'));
    expect((await rig.json('apply', 'etcd.configured', ...TARGET, '--yes')).document.outcome).toBe('ok');
    expect((await rig.quorate('status', '-i', 'inventory')).stdout).toContain('3 voters, all healthy');
  });

  it('is refused a change that cannot be made in one of its files, before any host is touched', async () => {
    const pillar = rig.read('pillar/clusters/main.yaml');
    rig.write({ 'pillar/clusters/main.yaml': pillar.replace("max-wals: '7'", "max-wals: '8'") });
    const { status, stdout } = await rig.quorate(...PLAN);
    expect(status).toBe(5);
    expect(stdout).toContain(
      '--max-wals in /etc/systemd/system/etcd.service cannot be changed from here: it comes of a variable',
    );
    rig.write({ 'pillar/clusters/main.yaml': pillar });
  });

  it('is refused a version that nothing would bring', async () => {
    const pillar = rig.read('pillar/clusters/main.yaml');
    rig.write({ 'pillar/clusters/main.yaml': pillar.replace(`etcd_version: ${version}`, 'etcd_version: 3.5.99') });
    const { status, stdout } = await rig.quorate(...PLAN);
    expect(status).toBe(5);
    expect(stdout).toContain(`is etcd ${version}, and the pillar has etcd_version: 3.5.99`);
  });
});
