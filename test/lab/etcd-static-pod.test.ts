// kubernetes.running with a real kubelet: etcd as kubeadm runs it, rolled, and never started empty.
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueCertificate, makeAuthority } from '../../src/pki/issue.ts';
import { openRig, type Rig } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const APPLY = ['apply', 'running', '-t', 'masters', '--yes'];
const MANIFEST = '/etc/kubernetes/manifests/etcd.yaml';
const PKI = '/etc/kubernetes/pki/etcd';
const CLIENT = `--cert=${PKI}/healthcheck-client.crt --key=${PKI}/healthcheck-client.key`;
let rig: Rig;
let versions: string[];

beforeAll(async () => {
  rig = await openRig('tpod', '10.213.69', 3, { kubelet: true });
  const listed = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
  versions = listed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
});
afterAll(() => rig?.close());

function pillar(more = '', version = versions.at(-1)): void {
  rig.write({ 'pillar/defaults.yaml': `etcd_version: ${version}\n${more}` });
}

/** With the etcdctl of the container, as Quorate itself does: the host has none. */
function etcdctl(host: string, command: string, client = CLIENT): Promise<string> {
  return rig.lab.run(
    host,
    `/proc/$(pgrep -x etcd)/root/usr/local/bin/etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${PKI}/ca.crt ${client} --command-timeout=5s ${command}`,
  );
}

function onEach(command: string): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
}

describe('kubernetes.running with static pods', () => {
  it('takes bare hosts to three voters, with every etcd there is, and then has nothing to do', async () => {
    for (const version of versions) {
      if (version !== versions[0]) {
        await rig.lab.up(3, { fresh: true, kubelet: true });
        rmSync(join(rig.folder, 'state/quorate'), { recursive: true, force: true });
      }
      pillar('', version);
      const first = await rig.json(...APPLY);
      expect([version, first.status, first.document.outcome]).toEqual([version, 0, 'changed']);
      const members = JSON.parse(await etcdctl('m2', 'member list -w json')).members;
      expect(members.map(({ name }: { name: string }) => name).sort()).toEqual(HOSTS);
      await etcdctl('m1', `put greeting 'from m1'`);
      expect(await etcdctl('m3', 'get greeting --print-value-only')).toBe('from m1');
      const running = `tr '\\0' '\\n' </proc/$(pgrep -x etcd)/cmdline | grep -E 'state|token'; grep -cE 'new|token' ${MANIFEST}; stat -c %a ${MANIFEST}`;
      expect(await onEach(running)).toEqual(HOSTS.map(() => '--initial-cluster-state=existing\n0\n600'));

      const second = await rig.json(...APPLY);
      expect([version, second.document.outcome]).toEqual([version, 'ok']);
      expect(Object.values(second.document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
    }
  });

  it('lets no client in without a certificate of its CA', async () => {
    const make =
      'openssl req -x509 -newkey rsa:2048 -nodes -keyout /run/x.key -out /run/x.crt -days 1 -subj /CN=x 2>/dev/null';
    await rig.lab.run('m1', make);
    const ask = (url: string, flags = '') => rig.lab.run('m1', `curl -sf --max-time 5 ${flags} ${url}/version`);
    const [url, ca] = ['https://127.0.0.1:2379', `--cacert ${PKI}/ca.crt`];
    expect(await ask(url, `${ca} --cert ${PKI}/healthcheck-client.crt --key ${PKI}/healthcheck-client.key`)).toContain(
      'etcdserver',
    );
    await expect(ask(url, ca)).rejects.toThrow();
    await expect(ask(url, `${ca} --cert /run/x.crt --key /run/x.key`)).rejects.toThrow();
    await expect(ask('http://127.0.0.1:2379')).rejects.toThrow();
  });

  it('rolls one host at a time, and each turn ends with the etcd of the new manifest', async () => {
    pillar('etcd_snapshot_count: 20000\n');
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(0);
    const turns = document.results.filter(({ resource }) => resource === 'kubernetes.etcd.configured/pod');
    expect(turns.map(({ stage }) => stage).sort()).toEqual([1, 2, 3]);
    const times = await onEach(`stat -c %Y ${MANIFEST}; echo $(($(date +%s) - $(ps -o etimes= -p $(pgrep -x etcd))))`);
    const spans = times.map((text) => text.split('\n').map(Number) as [number, number]).sort(([a], [b]) => a - b);
    expect(spans[0]![1]).toBeLessThanOrEqual(spans[1]![0] + 1);
    expect(spans[1]![1]).toBeLessThanOrEqual(spans[2]![0] + 1);
    expect(await onEach(`tr '\\0' '\\n' </proc/$(pgrep -x etcd)/cmdline | grep snapshot-count`)).toEqual(
      HOSTS.map(() => '--snapshot-count=20000'),
    );
  });

  it('reads a second CA by a new etcd on one host at a time, under the manifest that is there', async () => {
    const authority = await makeAuthority({ commonName: 'etcd-ca-2', organization: 'main', days: 3650 });
    const wish = { commonName: 'of-the-second-ca', names: [], usages: ['clientAuth'], days: 1 };
    const client = await issueCertificate(authority, wish, undefined);
    await rig.lab.run('m2', 'cat >/root/second.crt', client.certificate);
    await rig.lab.run('m2', 'umask 077; cat >/root/second.key', client.key!.reveal());
    const second = '--cert=/root/second.crt --key=/root/second.key';
    const manifests = await onEach(`stat -c '%i %Y' ${MANIFEST}`);
    const former = await onEach('pgrep -x etcd');
    await expect(etcdctl('m2', 'get greeting', second)).rejects.toThrow();

    appendFileSync(join(rig.folder, 'state/quorate/pki/main/etcd/ca.crt'), authority.certificate);
    const { status, document } = await rig.json(...APPLY);
    expect([status, document.outcome]).toEqual([0, 'changed']);
    const turns = document.results.filter(({ resource }) => resource === 'kubernetes.etcd.configured/pod');
    expect(turns.map(({ stage, outcome }) => `${stage} ${outcome}`).sort()).toEqual([
      '1 changed',
      '2 changed',
      '3 changed',
    ]);
    expect(await onEach(`stat -c '%i %Y' ${MANIFEST}`)).toEqual(manifests);
    const running = await onEach('pgrep -x etcd');
    expect(running.filter((process, at) => process === former[at])).toEqual([]);
    expect(await etcdctl('m2', 'get greeting --print-value-only', second)).toBe('from m1');
    expect((await rig.json(...APPLY)).document.outcome).toBe('ok');
  });

  it('costs one member where an image cannot be had, says where to look, and is mended by the next run', async () => {
    pillar('etcd_snapshot_count: 20000\n', '3.5.99');
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(5);
    const failed = document.results.filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ resource }) => resource)).toEqual(['kubernetes.etcd.configured/pod']);
    expect(failed[0]!.why?.message).toContain('journalctl -u kubelet says why');
    const gate = document.results.find(({ resource }) => resource === 'kubernetes.etcd.configured/healthy');
    expect(gate?.outcome).toBe('blocked');
    expect((await onEach(`grep -c 3.5.99 ${MANIFEST} || :`)).sort()).toEqual(['0', '0', '1']);

    pillar('etcd_snapshot_count: 20000\n');
    expect((await rig.json(...APPLY)).status).toBe(0);
    expect(await etcdctl(failed[0]!.host, 'get greeting --print-value-only')).toBe('from m1');
  });

  it('goes on by itself where kubernetes.kubelet.stopped has ended its kubelet, which kubernetes.running starts again', async () => {
    const stop = () => rig.json('apply', 'kubelet.stopped', '-t', 'm1', '--yes');
    const kubelet = () => rig.lab.run('m1', 'systemctl is-active kubelet; systemctl is-enabled kubelet; pgrep -x etcd');
    const [active, enabled, pid] = (await kubelet()).split('\n');
    expect([active, enabled]).toEqual(['active', 'enabled']);
    expect((await stop()).document).toMatchObject({ outcome: 'changed', hosts: { m1: { changed: 1 } } });
    expect((await kubelet()).split('\n')).toEqual(['inactive', 'disabled', pid]);
    expect((await stop()).document.outcome).toBe('ok');
    expect((await rig.json(...APPLY)).status).toBe(0);
    expect((await kubelet()).split('\n')).toEqual(['active', 'enabled', pid]);
  });

  it('does not start a known member that has lost its data, whatever the kubelet tries', async () => {
    await rig.lab.run(
      'm3',
      'systemctl stop kubelet; pkill -x etcd; while pgrep -x etcd; do sleep 0.1; done; mv /var/lib/etcd/member /var/lib/etcd-member; systemctl start kubelet',
    );
    await rig.lab.run(
      'm3',
      'until journalctl -q -o cat -u kubelet | grep -q "hostPath type check failed"; do sleep 0.5; done',
    );
    expect(await rig.lab.run('m3', 'pgrep -x etcd || ls -A /var/lib/etcd')).toBe('');
    const refused = await rig.json(...APPLY);
    expect(refused.status).toBe(5);
    await rig.lab.run('m3', 'mv /var/lib/etcd-member /var/lib/etcd/member');
    await rig.lab.run('m3', 'until pgrep -x etcd; do sleep 0.5; done');
    await expect
      .poll(() => etcdctl('m3', 'get greeting --print-value-only').catch(() => ''), { timeout: 60_000 })
      .toBe('from m1');
  });
});
