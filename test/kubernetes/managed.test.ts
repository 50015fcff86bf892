// control_plane: managed, on real masters: from bare hosts to an API that answers on each, and away and back again.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeletFlags } from '../../lab/kubernetes/kubelet.ts';
import { openRig, type Rig } from '../lab/rig.ts';
import { describeRestoreDrill } from './restore-drill.ts';
import { describeSnapshotJob, ON_M2, ZONE } from './snapshot-job.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const APPLY = ['apply', 'running', '-t', 'masters', '--yes'];
const MANIFESTS = '/etc/kubernetes/manifests';
const PODS = ['etcd-events', 'etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
const soon = { timeout: 120_000, interval: 500 };
let rig: Rig;
let etcd: string;

beforeAll(async () => {
  rig = await openRig('tcontrol', '10.213.83', 3, { kubernetes: true });
  const listed = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
  etcd = listed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)!;
  pillar();
  rig.write({ 'pillar/hosts/m3.yaml': `kubelet_extra_args: { node-labels: topology.kubernetes.io/zone=${ZONE} }\n` });
});
afterAll(() => rig?.close());

function pillar(more = ON_M2): void {
  rig.write({
    'pillar/defaults.yaml': `etcd_version: ${etcd}
control_plane: managed
kubernetes_version: 1.20.2
runtime_config: batch/v2alpha1=true
kubelet_extra_args: ${JSON.stringify(kubeletFlags)}
${more}`,
  });
}

const onEach = (command: string) => Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
const kubectl = (host: string, command: string) =>
  rig.lab.run(host, `kubectl --kubeconfig=/etc/kubernetes/admin.conf ${command}`);
const orNothing = (said: Promise<string>) => said.catch(() => '');
const inodes = () => onEach('stat -c %i /var/lib/etcd /var/lib/etcd/member');
const clusterId = async () => JSON.parse(await rig.lab.run('m2', 'cat /var/lib/quorate/main.json')).clusterId;
const apiServers = () => onEach('pgrep -x kube-apiserver');
const greeting = (host: string) => kubectl(host, `get configmap greeting -o jsonpath='{.data.from}'`);

describe('kubernetes.running with a managed control plane', () => {
  it('takes bare hosts to three registered masters, each with an API server that is ready', async () => {
    const { status, document } = await rig.json(...APPLY);
    const bad = document.results.filter(({ outcome }) => !['ok', 'changed', 'skipped'].includes(outcome));
    expect([status, document.outcome, bad, document.failures]).toEqual([0, 'changed', [], []]);

    for (const host of HOSTS) expect(await kubectl(host, 'get --raw /readyz')).toBe('ok');
    const names = `get nodes -o jsonpath='{range .items[*]}{.metadata.name} {end}'`;
    await expect.poll(() => orNothing(kubectl('m1', names)), soon).toBe('m1 m2 m3 ');
    await kubectl('m1', 'create configmap greeting --from-literal=from=m1');
    expect(await greeting('m3')).toBe('m1');
    // A token that one API server has signed is good at another: the key is the same.
    expect(new Set(await onEach('sha256sum </etc/kubernetes/pki/sa.key')).size).toBe(1);
    const mirrored = `-n kube-system get pods -o jsonpath='{range .items[?(@.status.phase=="Running")]}{.metadata.name} {end}'`;
    const expected = PODS.flatMap((pod) => HOSTS.map((host) => `${pod}-${host} `)).join('');
    await expect.poll(() => orNothing(kubectl('m2', mirrored)), soon).toBe(expected);
  });

  it('has nothing to do then, and asks each host once', async () => {
    const { document } = await rig.json(...APPLY);
    expect(document.outcome).toBe('ok');
    expect(Object.values(document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
  });
});

describeSnapshotJob({ hosts: HOSTS, rig: () => rig, pillar });

describe('a managed control plane', () => {
  it('changes a flag of the API server on one host after another', async () => {
    const before = await apiServers();
    pillar(`${ON_M2}apiserver_extra_args: { v: "1" }\n`);
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(0);
    const turns = document.results.filter(({ resource }) => resource === 'kubernetes.configured/ready');
    expect(turns.map(({ outcome, stage }) => `${outcome} ${stage}`).sort()).toEqual([
      'changed 1',
      'changed 2',
      'changed 3',
    ]);
    const after = await apiServers();
    for (const [n, pid] of after.entries()) expect(pid).not.toBe(before[n]);
    expect(await onEach('tr "\\0" "\\n" </proc/$(pgrep -x kube-apiserver)/cmdline | grep -x -e --v=1')).toEqual(
      HOSTS.map(() => '--v=1'),
    );
  });

  it('stops behind an API server that does not become ready: the others have no turn', async () => {
    rig.write({
      'states/turn.yaml': `description: A turn that fails.
resources:
  marker:
    file.managed: { path: /etc/turn, content: x }
    disrupts: apiserver
  ready:
    kubernetes.ready: { port: 1, timeout: 2 }
    watch: [marker]
    disrupts: apiserver
`,
    });
    const { document } = await rig.json('apply', 'turn', '-t', 'masters', '--yes');
    const told = (resource: string) =>
      document.results
        .filter((result) => result.resource === resource)
        .map(({ outcome }) => outcome)
        .sort();
    expect([told('turn/marker'), told('turn/ready')]).toEqual([
      ['changed', 'refused', 'refused'],
      ['failed', 'refused', 'refused'],
    ]);
    expect((await onEach('cat /etc/turn 2>/dev/null || :')).sort()).toEqual(['', '', 'x']);
  });

  it('begins the pods of the control plane anew, one host after another', async () => {
    const before = await apiServers();
    const { status, document } = await rig.json('apply', 'kubernetes.reset', '-t', 'masters', '--yes');
    expect([status, document.outcome]).toEqual([0, 'changed']);
    const after = await apiServers();
    for (const [n, pid] of after.entries()) expect(pid).not.toBe(before[n]);
    for (const host of HOSTS) expect(await kubectl(host, 'get --raw /readyz')).toBe('ok');
  });
});

describe('kubernetes.kubelet.removed', () => {
  const REMOVE = ['apply', 'kubelet.removed', '--yes', '-t'];
  const traces = `pgrep -x -d ' ' 'etcd|kubelet|kube-.*|pause' || :; ls -A ${MANIFESTS}; ls /etc/kubernetes/*.conf; systemctl is-enabled kubelet 2>/dev/null || :`;

  it('does not leave members without a quorum', async () => {
    const { status, document } = await rig.json(...REMOVE, 'm1,m2');
    expect(status).toBe(5);
    const refused = document.results.filter(({ outcome }) => outcome === 'refused');
    expect(refused.map(({ host, why }) => `${host}: ${why?.message}`).sort()).toEqual(
      ['m1', 'm2'].flatMap((host) =>
        ['main', 'main-events'].map(
          (cluster) =>
            `${host}: cluster ${cluster} would have lost its quorum: of 3 voters m3 would be left, and 2 have to be`,
        ),
      ),
    );
    expect(await greeting('m2')).toBe('m1');
  });

  it('takes all masters away at once, and running brings back the same cluster with the same data', async () => {
    const [before, id] = [await inodes(), await clusterId()];
    const { status, document } = await rig.json(...REMOVE, 'masters');
    expect([status, document.outcome, document.failures]).toEqual([0, 'changed', []]);
    expect(await onEach(traces)).toEqual(
      HOSTS.map(
        () => '/etc/kubernetes/admin.conf\n/etc/kubernetes/controller-manager.conf\n/etc/kubernetes/scheduler.conf',
      ),
    );
    expect(await inodes()).toEqual(before);
    expect((await rig.json(...REMOVE, 'masters')).document.outcome).toBe('ok');

    const back = await rig.json(...APPLY);
    expect([back.status, back.document.failures]).toEqual([0, []]);
    expect([await inodes(), await clusterId()]).toEqual([before, id]);
    for (const host of HOSTS) expect(await greeting(host)).toBe('m1');
    expect((await rig.json(...APPLY)).document.outcome).toBe('ok');
  });
});

describeRestoreDrill({ hosts: HOSTS, rig: () => rig, pillar }, () => `/opt/etcd/${etcd}`);
