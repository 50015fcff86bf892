// ETCD.md's incidents against kubernetes.running itself: each is refused with what to do, and no disk is touched.
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, HOSTS, LEDGER, openCluster, type Runtime } from './cluster.ts';
import type { RunDocument } from './rig.ts';

const APPLY = ['apply', 'running', '-t', 'masters', '--yes'];
const GUARD = 'kubernetes.etcd.guarded/member';
const SERVICE = 'kubernetes.etcd.configured/service';
let cluster: Cluster;

function guards(document: RunDocument): string[] {
  return document.results.filter(({ resource }) => resource === GUARD).map(({ host, outcome }) => `${host} ${outcome}`);
}

function whyOf(document: RunDocument, host: string, resource = GUARD) {
  return document.results.find((result) => result.resource === resource && result.host === host)?.why;
}

function listings(): Promise<string[][]> {
  return Promise.all(HOSTS.map((host) => cluster.rig.lab.listing(host)));
}

/** Plan and apply refuse with `message`, and nothing on any disk has changed. */
async function refused(message: string, host = 'm1'): Promise<RunDocument> {
  const before = await listings();
  const all: RunDocument[] = [];
  for (const command of [['plan', 'running', '-t', 'masters'], APPLY]) {
    const { status, document } = await cluster.rig.json(...command);
    expect([status, document.outcome]).toEqual([5, 'refused']);
    expect(whyOf(document, host)?.message).toContain(message);
    expect(whyOf(document, host)?.next).toBeTruthy();
    expect(document.results.filter(({ outcome }) => outcome === 'changed')).toEqual([]);
    all.push(document);
  }
  expect(await listings()).toEqual(before);
  return all[1]!;
}

const AWAY = 'mv /var/lib/etcd/member /var/lib/etcd-member';
const BACK = 'mv /var/lib/etcd-member /var/lib/etcd/member';
const FORGET = `mv ${LEDGER} ${LEDGER}.lost`;
const REMEMBER = `mv ${LEDGER}.lost ${LEDGER}`;

describe.each<{ runtime: Runtime; unit: string }>([
  { runtime: 'systemd', unit: 'etcd' },
  { runtime: 'static_pod', unit: 'kubelet' },
])('with etcd_runtime $runtime', ({ runtime, unit }) => {
  beforeAll(async () => {
    cluster = await openCluster('tincident', '10.213.67', runtime);
    cluster.pillar();
    expect(await cluster.rig.quorate(...APPLY)).toMatchObject({ status: 0 });
    await cluster.etcdctl('m1', 'put greeting hello');
  });
  afterAll(() => cluster?.rig.close());

  /** The host's own service tries to start the member, as a reboot would, and does not: its data is not there. */
  async function staysDown(...hosts: string[]): Promise<void> {
    const tries = `since=$(date +%s); systemctl restart ${unit} || :; until journalctl -q -o cat -u ${unit} --since=@$since | grep -qE 'known member|hostPath type check failed'; do sleep 0.5; done`;
    await cluster.onEach(tries, hosts);
    expect(await cluster.onEach('pgrep -x etcd || ls -A /var/lib/etcd', hosts)).toEqual(hosts.map(() => ''));
  }

  it('a known member without data is not started, with its ledger and without (9)', async () => {
    await cluster.stopMember('m1');
    await cluster.onEach(AWAY, ['m1']);
    await staysDown('m1');
    const message = 'm1 is a known member of cluster main but has no data: replace, do not start';
    expect(guards(await refused(message))).toEqual(['m1 refused', 'm2 ok', 'm3 ok']);
    await cluster.onEach(FORGET, ['m1']);
    await staysDown('m1');
    expect(guards(await refused(message))).toEqual(['m1 refused', 'm2 ok', 'm3 ok']);
    expect(await cluster.etcdctl('m2', 'get greeting --print-value-only')).toBe('hello');
  });

  it('two known members without data do not come back by themselves, nor by a run (22)', async () => {
    await cluster.stopMember('m2');
    await cluster.onEach(`${AWAY}; ${FORGET}`, ['m2']);
    await staysDown('m1', 'm2');
    for (const host of ['m1', 'm2']) {
      await refused(`${host} is a known member of cluster main but has no data`, host);
    }
  });

  it('a cluster of which the controller alone knows is not made anew (10)', async () => {
    await cluster.stopMember('m3');
    await cluster.onEach(`${AWAY}; ${FORGET}`, ['m3']);
    await staysDown('m3');
    await refused('cannot tell whether cluster main is new or lost: this controller knows it');
  });

  it('data that nobody remembers and that nobody serves is not taken for nothing (10)', async () => {
    await cluster.stopMember(...HOSTS);
    await cluster.onEach(BACK, ['m2']);
    renameSync(cluster.controllerLedger(), `${cluster.controllerLedger()}.lost`);
    await refused('cannot tell whether cluster main is new or lost: m2 has member data, but no member serves');

    await cluster.onEach(BACK, ['m1', 'm3']);
    await cluster.onEach(REMEMBER);
    renameSync(`${cluster.controllerLedger()}.lost`, cluster.controllerLedger());
    await cluster.startMember(...HOSTS);
    expect(await cluster.etcdctl('m1', 'get greeting --print-value-only')).toBe('hello');
    expect(await cluster.rig.json(...APPLY)).toMatchObject({ status: 0, document: { outcome: 'ok' } });
  });

  it('a voter with another peer URL or name than the cluster knows is not written to (11)', async () => {
    const url = (port: number) => `https://${cluster.rig.lab.address('m3')}:${port}`;
    cluster.rig.write({ 'pillar/hosts/m3.yaml': 'etcd_peer_port: 2390\n' });
    await refused(`m3 is declared with the peer URL ${url(2390)}, but cluster main knows m3 at ${url(2380)}`);
    cluster.rig.write({ 'pillar/hosts/m3.yaml': 'etcd_member_name: m9\n' });
    await refused(`m3 is declared as member m9 of cluster main, but the member with its peer URL ${url(2380)} is m3`);
    rmSync(join(cluster.rig.folder, 'pillar/hosts'), { recursive: true });
  });

  it('a member that the other runtime still runs is not given a second etcd', async () => {
    const [other, is] =
      runtime === 'systemd'
        ? ['static_pod', 'systemd (etcd.service)']
        : ['systemd', 'the kubelet (/etc/kubernetes/manifests/etcd.yaml)'];
    const running = await cluster.onEach('pgrep -x etcd');
    cluster.rig.write({ 'pillar/clusters/main.yaml': `etcd_runtime: ${other}\n` });
    const document = await refused(
      `${is} runs the etcd member of m1, and ${other} is declared: both would run on one data directory`,
    );
    expect(guards(document)).toEqual(HOSTS.map((host) => `${host} refused`));
    expect(await cluster.onEach('pgrep -x etcd')).toEqual(running);
    rmSync(join(cluster.rig.folder, 'pillar/clusters'), { recursive: true });
  });

  it('a roll that would cost the quorum is refused with the arithmetic (14)', async () => {
    await cluster.stopMember('m3');
    const resource = `kubernetes.etcd.configured/${runtime === 'systemd' ? 'service' : 'manifest'}`;
    const before = await listings();
    cluster.pillar('etcd_snapshot_count: 20000\n');
    const { status, document } = await cluster.rig.json(...APPLY, '-t', 'm1,m2');
    expect([status, document.outcome]).toEqual([5, 'refused']);
    for (const host of ['m1', 'm2']) {
      expect(whyOf(document, host, resource)).toMatchObject({
        message: `interrupting ${host} would break the quorum of cluster main: 3 voters, m3 down: tolerance 0 before, −1 after`,
        next: 'bring back or replace m3 first, then run again',
      });
    }
    expect(await listings()).toEqual(before);
    cluster.pillar();
    await cluster.startMember('m3');
  });
});

describe('two of four voters', () => {
  beforeAll(async () => {
    cluster = await openCluster('tincident', '10.213.67', 'systemd');
    await cluster.rig.lab.up(4);
    cluster.pillar();
    expect(await cluster.rig.quorate(...APPLY)).toMatchObject({ status: 0 });
  });
  afterAll(() => cluster?.rig.close());

  it('are no quorum, though they are half of them (14)', async () => {
    const before = await Promise.all(['m1', 'm2'].map((host) => cluster.rig.lab.listing(host)));
    cluster.pillar('etcd_snapshot_count: 20000\n');
    await cluster.rig.lab.crash('m4');
    const one = await cluster.rig.json(...APPLY, '--connect-limit', '12');
    expect(one.status).toBe(5);
    expect(whyOf(one.document, 'm1', SERVICE)).toMatchObject({
      message:
        'interrupting m1 would break the quorum of cluster main: 4 voters, m4 down: tolerance 0 before, −1 after',
      next: 'bring back or replace m4 first, then run again',
    });
    await cluster.rig.lab.crash('m3');
    const two = await cluster.rig.json(...APPLY, '--connect-limit', '12');
    expect(two.status).toBe(5);
    expect(two.document.failures.map(({ message }) => message).join('\n')).toContain(
      'only 2 of 4 members of main could be locked, and a majority is 3',
    );
    expect(two.document.results.filter(({ outcome }) => outcome === 'changed')).toEqual([]);
    expect(await Promise.all(['m1', 'm2'].map((host) => cluster.rig.lab.listing(host)))).toEqual(before);
  });
});

describe.each([
  { voters: 1, count: '1 voter' },
  { voters: 2, count: '2 voters' },
])('a cluster of $voters', ({ voters, count }) => {
  beforeAll(async () => {
    cluster = await openCluster('tincident', '10.213.67', 'systemd');
    await cluster.rig.lab.up(voters, { fresh: true });
    cluster.pillar();
    expect(await cluster.rig.quorate(...APPLY)).toMatchObject({ status: 0 });
    await cluster.etcdctl('m1', 'put greeting hello');
  });
  afterAll(() => cluster?.rig.close());
  const hosts = HOSTS.slice(0, voters);

  it('is not interrupted unless its pillar agrees that it stops meanwhile; then it loses nothing', async () => {
    const ids = await Promise.all(hosts.map(async (host) => (await cluster.status(host))!.cluster));
    const running = await cluster.onEach('pgrep -x etcd', hosts);
    const change = 'etcd_snapshot_count: 20000\n';
    cluster.pillar(change);
    const { status, document } = await cluster.rig.json(...APPLY);
    expect([status, document.outcome]).toEqual([5, 'refused']);
    expect(whyOf(document, 'm1', SERVICE)).toMatchObject({
      message: `interrupting m1 would break the quorum of cluster main: ${count}, all healthy: tolerance 0 before, −1 after`,
      next: expect.stringContaining('etcd_allow_outage: true'),
    });
    expect(await cluster.onEach('pgrep -x etcd', hosts)).toEqual(running);

    cluster.pillar(`${change}etcd_allow_outage: true\n`);
    expect(await cluster.rig.json(...APPLY)).toMatchObject({ status: 0, document: { outcome: 'changed' } });
    expect(await cluster.runsWith('snapshot-count', hosts)).toEqual(hosts.map(() => '20000'));
    expect(await Promise.all(hosts.map(async (host) => (await cluster.status(host))!.cluster))).toEqual(ids);
    for (const host of hosts) expect(await cluster.etcdctl(host, 'get greeting --print-value-only')).toBe('hello');
  });
});
