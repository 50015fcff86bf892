// kubernetes.running with etcd_events: two clusters on the same three hosts, founded at once, and neither costs the other.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRig, type Rig, type RunDocument } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const APPLY = ['apply', 'running', '-t', 'masters', '--yes'];
const PKI = '/etc/kubernetes/pki/etcd';
const TLS = `--cacert=${PKI}/ca.crt --cert=${PKI}/healthcheck-client.crt --key=${PKI}/healthcheck-client.key`;
const MAIN = { name: 'main', port: 2379, directory: '/var/lib/etcd', state: 'kubernetes.etcd.configured' };
const EVENTS = {
  name: 'main-events',
  port: 2382,
  directory: '/var/lib/etcd-events',
  state: 'kubernetes.etcd.configured[events]',
};
const BOTH = [MAIN, EVENTS];
type Cluster = typeof MAIN;
let rig: Rig;
let version: string;

beforeAll(async () => {
  rig = await openRig('tevents', '10.213.80', 3);
  const listed = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
  version = listed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)!;
});
afterAll(() => rig?.close());

function onEach(command: string): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
}

function etcdctl(host: string, { port }: Cluster, command: string): Promise<string> {
  const ctl = `/opt/etcd/${version}/etcdctl --endpoints=https://127.0.0.1:${port} ${TLS} --command-timeout=5s`;
  return rig.lab.run(host, `${ctl} ${command}`);
}

/** The processes of the members on all hosts; in any runtime a flag or a variable says where the data is. */
function pids({ directory }: Cluster): Promise<string[]> {
  return onEach(
    `for pid in $(pgrep -x etcd); do tr '\\0' '\\n' </proc/$pid/cmdline | grep -qx -- '--data-dir=${directory}' || tr '\\0' '\\n' </proc/$pid/environ | grep -qx 'ETCD_DATA_DIR=${directory}' || continue; echo $pid; done`,
  );
}

async function idOf(host: string, cluster: Cluster): Promise<string> {
  return /"cluster_id":(\d+)/.exec(await etcdctl(host, cluster, 'endpoint status -w json'))![1]!;
}

/** At one revision: nobody writes meanwhile. */
async function hash(host: string, cluster: Cluster): Promise<string> {
  const text = await etcdctl(host, cluster, 'endpoint hashkv -w json');
  return /"(?:HashKV|Hash)":\{[^{]*\{[^}]*\},"hash":(\d+)/.exec(text)![1]!;
}

function outcomes(document: RunDocument, { state }: Cluster): Set<string> {
  return new Set(
    document.results.filter(({ resource }) => resource.startsWith(`${state}/`)).map(({ outcome }) => outcome),
  );
}

/** Two clusters, each of three voters with the same data, that have nothing but their hosts in common. */
async function areTwo(): Promise<void> {
  const ids = await Promise.all(BOTH.map((cluster) => Promise.all(HOSTS.map((host) => idOf(host, cluster)))));
  expect(ids.map((each) => new Set(each).size)).toEqual([1, 1]);
  expect(ids[0]![0]).not.toBe(ids[1]![0]);
  for (const cluster of BOTH) {
    const { members } = JSON.parse(await etcdctl('m2', cluster, 'member list -w json'));
    expect(members.map(({ name }: { name: string }) => name).sort()).toEqual(HOSTS);
    await etcdctl('m1', cluster, `put where ${cluster.name}`);
    expect(await etcdctl('m3', cluster, 'get where --print-value-only')).toBe(cluster.name);
    expect(new Set(await Promise.all(HOSTS.map((host) => hash(host, cluster)))).size).toBe(1);
  }
}

/** Nothing is left to do, at the price of one program a host whatever it is a member of. */
async function isDone(): Promise<void> {
  const again = await rig.json(...APPLY);
  expect([again.status, again.document.outcome]).toEqual([0, 'ok']);
  expect(Object.values(again.document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
}

async function found(): Promise<RunDocument> {
  const { status, document } = await rig.json(...APPLY);
  expect([status, document.outcome, document.failures]).toEqual([0, 'changed', []]);
  expect(document.notes.filter((note) => note.includes('NEW, EMPTY')).map((note) => note.split(' (')[0])).toEqual([
    'creates a NEW, EMPTY cluster main',
    'creates a NEW, EMPTY cluster main-events',
  ]);
  return document;
}

describe('with systemd', () => {
  const pillar = (more = '', events = true) =>
    rig.write({
      'pillar/defaults.yaml': `etcd_runtime: systemd\netcd_version: ${version}\netcd_install: { path: /opt/etcd/${version} }\netcd_events: ${events}\n${more}`,
    });

  it('both clusters are founded by one apply, and then nothing is left to do', async () => {
    pillar();
    await found();
    await areTwo();
    expect(await onEach('cat /etc/etcd/etcd.env /etc/etcd-events/etcd.env | grep -cE "new|TOKEN" || :')).toEqual([
      '0',
      '0',
      '0',
    ]);
    await isDone();
  });

  it('a flag of events rolls through events and restarts nothing of main', async () => {
    const before = { main: await pids(MAIN), events: await pids(EVENTS) };
    pillar('etcd_events_snapshot_count: 20000\n');
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(0);
    expect(await pids(MAIN)).toEqual(before.main);
    const after = await pids(EVENTS);
    expect(after.filter((pid) => /^\d+$/.test(pid) && !before.events.includes(pid))).toHaveLength(3);
    const turns = document.results.filter(({ resource }) => resource === `${EVENTS.state}/service`);
    expect(turns.map(({ stage }) => stage).sort()).toEqual([1, 2, 3]);
    await areTwo();
  });

  it('status tells of both, and so do their snapshots', async () => {
    const { status, document } = (await rig.json('status')) as unknown as {
      status: number;
      document: { clusters: { name: string; voters: number; healthy: number; findings: { kind: string }[] }[] };
    };
    expect(document.clusters.map(({ name, voters, healthy, findings }) => [name, voters, healthy, findings])).toEqual([
      ['main', 3, 3, []],
      ['main-events', 3, 3, []],
    ]);
    expect(status).toBe(0);

    const saved = (await rig.json('snapshot', 'save', '-t', 'm1', '--to', './snapshots')) as unknown as {
      status: number;
      document: { snapshots: { clusterId: string; receipt: { cluster: { name: string } } }[]; failures: unknown[] };
    };
    expect([saved.status, saved.document.failures]).toEqual([0, []]);
    expect(saved.document.snapshots.map(({ receipt }) => receipt.cluster.name)).toEqual(['main', 'main-events']);
    const one = await rig.json('snapshot', 'save', '-t', 'm1', '--to', './snapshots', '--cluster', 'main-events');
    expect((one.document as unknown as typeof saved.document).snapshots).toHaveLength(1);
    const none = await rig.quorate('snapshot', 'save', '-t', 'm1', '--to', './snapshots', '--cluster', 'event');
    expect([none.status, none.stderr]).toEqual([1, expect.stringContaining('main, main-events')]);
    const listed = (await rig.quorate('snapshot', 'list', '--from', './snapshots')).stdout;
    expect(listed.match(/main-events/g)).toHaveLength(2);
  });

  it('a member of events that has lost its data is refused, and main goes on', async () => {
    await rig.lab.run('m3', `systemctl stop etcd-events; mv ${EVENTS.directory}/member /var/lib/events-member`);
    const before = await pids(MAIN);
    pillar('etcd_events_snapshot_count: 20000\netcd_snapshot_count: 30000\n');
    const { status, document } = await rig.json(...APPLY);
    expect([status, document.outcome]).toEqual([5, 'refused']);
    const refused = document.results.filter(({ outcome }) => outcome === 'refused');
    expect(refused.map(({ host, resource }) => `${host} ${resource}`)).toContain(
      'm3 kubernetes.etcd.guarded[events]/member',
    );
    expect(outcomes(document, MAIN)).toEqual(new Set(['ok', 'changed']));
    const after = await pids(MAIN);
    expect(after.filter((pid) => /^\d+$/.test(pid) && !before.includes(pid))).toHaveLength(3);
    expect(await rig.lab.run('m3', `systemctl is-active etcd-events || ls ${EVENTS.directory}`)).toBe('inactive');
    const told = (await rig.json('status')) as unknown as {
      document: { clusters: { name: string; verdict: string; findings: { kind: string }[] }[] };
    };
    expect(told.document.clusters.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['main', 'healthy'],
      ['main-events', 'critical'],
    ]);
    expect(told.document.clusters[1]!.findings.map(({ kind }) => kind)).toContain('data-missing');

    await rig.lab.run('m3', `mv /var/lib/events-member ${EVENTS.directory}/member; systemctl start etcd-events`);
    expect((await rig.json(...APPLY)).status).toBe(0);
    await areTwo();
  });

  it('a pillar that has forgotten events is refused as long as the hosts have it', async () => {
    const before = [await pids(MAIN), await pids(EVENTS)];
    pillar('etcd_snapshot_count: 40000\n', false);
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(5);
    expect(document.results.find(({ outcome }) => outcome === 'refused')?.why).toMatchObject({
      message: expect.stringContaining(
        'is a member of main-events, the events cluster of main, but etcd_events is false',
      ),
      next: expect.stringContaining('--etcd-servers-overrides'),
    });
    expect([await pids(MAIN), await pids(EVENTS)]).toEqual(before);
  });
});

describe('with static pods', () => {
  const pillar = (more = '') =>
    rig.write({ 'pillar/defaults.yaml': `etcd_version: ${version}\netcd_events: true\n${more}` });

  it('both clusters are founded by one apply, and a flag of events restarts nothing of main', async () => {
    await rig.lab.up(3, { fresh: true, kubelet: true });
    rmSync(join(rig.folder, 'state/quorate'), { recursive: true, force: true });
    pillar();
    await found();
    await areTwo();
    await isDone();

    const before = { main: await pids(MAIN), events: await pids(EVENTS) };
    pillar('etcd_events_snapshot_count: 20000\n');
    const { status } = await rig.json(...APPLY);
    expect(status).toBe(0);
    expect(await pids(MAIN)).toEqual(before.main);
    const after = await pids(EVENTS);
    expect(after.filter((pid) => /^\d+$/.test(pid) && !before.events.includes(pid))).toHaveLength(3);
    await areTwo();
  });

  it('the kubelet does not start a member of events that has lost its data, and goes on with main', async () => {
    const before = await pids(MAIN);
    const pid = (await pids(EVENTS))[2];
    await rig.lab.run(
      'm3',
      `systemctl stop kubelet; pid=${pid}; kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done; mv ${EVENTS.directory}/member /var/lib/events-member; systemctl start kubelet`,
    );
    await rig.lab.run(
      'm3',
      'until journalctl -q -o cat -u kubelet | grep -q "hostPath type check failed"; do sleep 0.5; done',
    );
    expect(await rig.lab.run('m3', `ls -A ${EVENTS.directory}`)).toBe('');
    expect((await rig.json(...APPLY)).status).toBe(5);
    expect(await pids(MAIN)).toEqual(before);
  });
});
