// The lab's flavour `kubernetes` carries what three masters need: proved with a control plane made by hand over Quorate's etcd.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRig, type Rig } from '../lab/rig.ts';
import { type ControlPlane, makeControlPlane } from './control-plane.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const soon = { timeout: 180_000, interval: 500 };
let rig: Rig;
let master: ControlPlane;
let etcd: string;

const kubectl = (host: string, command: string, input?: string) =>
  rig.lab.run(host, `kubectl --kubeconfig=/etc/kubernetes/admin.conf ${command}`, input);
const orNothing = (said: Promise<string>) => said.catch(() => '');
const each = (work: (host: string) => Promise<unknown>) => Promise.all(HOSTS.map(work));

beforeAll(async () => {
  rig = await openRig('tkube', '10.213.82', 3, { kubernetes: true });
  master = await makeControlPlane(rig);
  const listed = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
  etcd = listed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)!;
});
afterAll(() => rig?.close());

describe('a host to make a master of', () => {
  it('has containerd with the images of a master, kubectl, and a kubelet that nobody has set up', async () => {
    expect(await rig.lab.run('m1', 'systemctl is-system-running; systemctl is-active containerd')).toBe(
      'running\nactive',
    );
    expect(await rig.lab.run('m1', 'kubelet --version; kubectl version --client --short')).toBe(
      'Kubernetes v1.20.2\nClient Version: v1.20.2',
    );
    const images = (await rig.lab.run('m1', 'ctr -n k8s.io images ls -q')).split('\n');
    const programs = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
    const expected = [...programs.map((name) => `${name}:v1.20.2`), `etcd:${etcd}-0`, 'pause:3.9'];
    expect(images).toEqual(expect.arrayContaining(expected.map((name) => `registry.k8s.io/${name}`)));
    const traces = 'systemctl cat kubelet 2>/dev/null; ls -A /var/lib/kubelet; ls -d /etc/kubernetes 2>/dev/null || :';
    expect(await rig.lab.run('m1', traces)).toBe('');
  });
});

describe('three masters', () => {
  it('get their etcd while their kubelets wait for an API server, and end no pod by themselves until then', async () => {
    await each((host) => master.prepare(host));
    rig.write({ 'pillar/defaults.yaml': `etcd_version: ${etcd}\n` });
    const applied = await rig.json('apply', 'running', '-t', 'masters', '--yes');
    expect([applied.status, applied.document.outcome]).toEqual([0, 'changed']);
    const running = 'pgrep -cx etcd; tr "\\0" "\\n" </proc/$(pgrep -x etcd)/cmdline | grep initial-cluster-state';
    await each(async (host) => expect(await rig.lab.run(host, running)).toBe('1\n--initial-cluster-state=existing'));
  });

  it('serve, and each registers as a node that is ready', async () => {
    await each((host) => master.place(host));
    await each((host) => expect.poll(() => orNothing(kubectl(host, 'get --raw /readyz')), soon).toBe('ok'));
    const ready = `get nodes -o jsonpath='{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status} {end}'`;
    await expect.poll(() => orNothing(kubectl('m1', ready)), soon).toBe('m1 True m2 True m3 True ');
    // The API server shows a static pod only once its node is registered and the kubelet has mirrored it.
    const mirrored = `-n kube-system get pods -o jsonpath='{range .items[?(@.status.phase=="Running")]}{.metadata.name} {end}'`;
    const pods = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
    const expected = pods.flatMap((name) => HOSTS.map((host) => `${name}-${host} `)).join('');
    await expect.poll(() => orNothing(kubectl('m2', mirrored)), soon).toBe(expected);
  });

  it('are left alone where control_plane is kubeadm, and only seen to be there', async () => {
    rig.write({
      'pillar/defaults.yaml': `etcd_version: ${etcd}\ncontrol_plane: kubeadm\nkubernetes_version: 1.20.2\n`,
    });
    const traces = () =>
      Promise.all(
        HOSTS.map((host) =>
          rig.lab.run(
            host,
            `cd /etc/kubernetes && stat -c '%n %i %Y %Z' manifests/* *.conf pki/* /var/lib/kubelet/config.yaml /etc/systemd/system/kubelet.service; pgrep -x 'etcd|kubelet|kube-.*'`,
          ),
        ),
      );
    const before = await traces();
    const first = await rig.json('apply', 'running', '-t', 'masters', '--yes');
    expect([first.status, first.document.outcome]).toEqual([0, 'ok']);
    const seen = first.document.results.filter(({ resource }) => resource === 'kubernetes.configured/ready');
    expect(seen.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok']);
    expect(await traces()).toEqual(before);
  });

  it('take a CronJob, and run the job that is made from it, with the host’s network and a claimed volume', async () => {
    await kubectl('m3', 'apply -f -', JSON.stringify(snapshotJob(etcd)));
    await expect
      .poll(() => orNothing(kubectl('m1', `-n kube-system get pvc backup -o jsonpath='{.status.phase}'`)), soon)
      .toBe('Bound');
    await kubectl('m1', '-n kube-system create job --from=cronjob/backup now');
    const done = `-n kube-system get job now -o jsonpath='{.status.succeeded}'`;
    await expect.poll(() => orNothing(kubectl('m1', done)), soon).toBe('1');
    expect(await kubectl('m3', '-n kube-system logs job/now')).toContain('Snapshot saved');
    const status = `ETCDCTL_API=3 /opt/etcd/${etcd}/etcdutl snapshot status /var/lib/backup/main.db -w json`;
    expect(JSON.parse(await rig.lab.run('m2', status)).totalKey).toBeGreaterThan(100);
  });

  it('bring up what lies in the addon manager’s folder', async () => {
    const addon = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'greeting', namespace: 'kube-system' } };
    const labels = { 'addonmanager.kubernetes.io/mode': 'Reconcile' };
    const text = JSON.stringify({ ...addon, metadata: { ...addon.metadata, labels }, data: { says: 'good day' } });
    await rig.lab.run('m2', 'cat >/etc/kubernetes/addons/greeting.json', text);
    await master.placeAddonManager('m2');
    const says = `-n kube-system get configmap greeting -o jsonpath='{.data.says}'`;
    await expect.poll(() => orNothing(kubectl('m1', says)), soon).toBe('good day');
  });
});

/** A CronJob that saves the etcd of m2 to the volume of m2, with the volume and its claim. */
function snapshotJob(version: string) {
  const pki = '/etc/kubernetes/pki/etcd';
  const metadata = { name: 'backup', namespace: 'kube-system' };
  const size = { storage: '1Gi' };
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'backup' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      capacity: size,
      claimRef: metadata,
      hostPath: { path: '/var/lib/backup', type: 'DirectoryOrCreate' },
    },
  };
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata,
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: size } },
  };
  const spec = {
    hostNetwork: true,
    restartPolicy: 'Never',
    nodeSelector: { 'kubernetes.io/hostname': 'm2' },
    containers: [
      {
        name: 'backup',
        image: `registry.k8s.io/etcd:${version}-0`,
        command: [
          ...['etcdctl', '--endpoints=https://127.0.0.1:2379', `--cacert=${pki}/ca.crt`],
          ...[`--cert=${pki}/healthcheck-client.crt`, `--key=${pki}/healthcheck-client.key`],
          ...['snapshot', 'save', '/backup/main.db'],
        ],
        volumeMounts: [
          { name: 'pki', mountPath: pki, readOnly: true },
          { name: 'backup', mountPath: '/backup' },
        ],
      },
    ],
    volumes: [
      { name: 'pki', hostPath: { path: pki } },
      { name: 'backup', persistentVolumeClaim: { claimName: 'backup' } },
    ],
  };
  const cronJob = {
    apiVersion: 'batch/v1beta1',
    kind: 'CronJob',
    metadata,
    spec: { schedule: '02 6 * * *', jobTemplate: { spec: { backoffLimit: 0, template: { spec } } } },
  };
  return { apiVersion: 'v1', kind: 'List', items: [volume, claim, cronJob] };
}
