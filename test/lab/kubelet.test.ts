// A real kubelet on the lab's hosts, running etcd as a kubeadm master does: as a static pod.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { $ } from 'zx';
import { ensureKubernetesBase } from '../../lab/kubernetes/base.ts';
import { openLab } from '../../lab/lab.ts';

const named = { id: 'kubelettest', subnet: '10.213.74' };
const lab = openLab(named);
const HOSTS = ['m1', 'm2', 'm3'];
const MANIFEST = '/etc/kubernetes/manifests/etcd.yaml';
const cli = new URL('../../lab/cli.ts', import.meta.url).pathname;
const environment = { ...process.env, QUORATE_LAB_ID: named.id, QUORATE_LAB_SUBNET: named.subnet };
const quiet = $({ quiet: true, nothrow: true });
const soon = { timeout: 60_000, interval: 100 };

/** What kubeadm writes, without TLS; `run` makes it another manifest with the same etcd in it. */
function manifest(host: string, version: string, run: string): string {
  const url = (name: string, port: number) => `http://${lab.address(name)}:${port}`;
  const flags = {
    name: host,
    'data-dir': '/var/lib/etcd',
    'listen-client-urls': `http://127.0.0.1:2379,${url(host, 2379)}`,
    'advertise-client-urls': url(host, 2379),
    'listen-peer-urls': url(host, 2380),
    'initial-advertise-peer-urls': url(host, 2380),
    'initial-cluster': HOSTS.map((name) => `${name}=${url(name, 2380)}`).join(),
    'listen-metrics-urls': 'http://127.0.0.1:2381',
  };
  const httpGet = { host: '127.0.0.1', port: 2381, path: '/metrics', scheme: 'HTTP' };
  const container = {
    name: 'etcd',
    image: `registry.k8s.io/etcd:${version}-0`,
    command: ['etcd', ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
    resources: { requests: { cpu: '100m', memory: '100Mi' }, limits: { memory: '1Gi' } },
    livenessProbe: { httpGet, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 3 },
    startupProbe: { httpGet, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 60 },
    volumeMounts: [{ name: 'data', mountPath: '/var/lib/etcd' }],
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'etcd', namespace: 'kube-system', annotations: { run } },
    spec: {
      hostNetwork: true,
      terminationGracePeriodSeconds: 5,
      priorityClassName: 'system-node-critical',
      containers: [container],
      volumes: [{ name: 'data', hostPath: { path: '/var/lib/etcd', type: 'DirectoryOrCreate' } }],
    },
  });
}

const place = (host: string, version: string, run: string) =>
  lab.run(host, `cat >/root/etcd.yaml && mv /root/etcd.yaml ${MANIFEST}`, manifest(host, version, run));

/** What the member on `host` serves with, or '' while it does not. */
async function serving(host: string): Promise<string> {
  const health = await lab.exec(host, 'curl -s -m 2 127.0.0.1:2379/health');
  if (!health.stdout.includes('"true"')) return '';
  return JSON.parse(await lab.run(host, 'curl -s -m 2 127.0.0.1:2379/version')).etcdserver;
}

const pid = async (host: string) => (await lab.exec(host, 'pgrep -x etcd')).stdout.trim();

beforeAll(() => lab.up(3, { fresh: true, kubelet: true }));
afterAll(() => lab.down());

let [older, newer] = ['', ''];

test('a host comes with containerd, images of each etcd, and a kubelet that nobody has started', async () => {
  expect(await lab.run('m1', 'systemctl is-system-running')).toBe('running');
  expect((await lab.exec('m1', 'systemctl is-active containerd kubelet')).stdout).toBe('active\ninactive\n');
  expect((await lab.exec('m1', 'systemctl is-enabled kubelet')).stdout).toBe('disabled\n');
  expect(await lab.run('m1', 'ls /etc/kubernetes/manifests')).toBe('');
  const versions = (await lab.run('m1', 'ls /opt/etcd')).split('\n').sort();
  const images = (await lab.run('m1', 'ctr -n k8s.io images ls -q')).split('\n');
  expect(images).toEqual(expect.arrayContaining(versions.map((version) => `registry.k8s.io/etcd:${version}-0`)));
  const newest = versions.filter((version) => version.startsWith('3.5.'));
  [older, newer] = [newest.at(0)!, newest.at(-1)!];
});

describe('static pods', () => {
  test('become a healthy cluster of three', async () => {
    await Promise.all(HOSTS.map((host) => place(host, older, 'first')));
    await Promise.all(HOSTS.map((host) => lab.run(host, 'systemctl enable -q --now kubelet')));
    for (const host of HOSTS) await expect.poll(() => serving(host), soon).toBe(older);
    const members = await lab.run('m1', `ETCDCTL_API=3 /opt/etcd/${older}/etcdctl member list`);
    expect(members.split('\n').filter((line) => line.includes('started'))).toHaveLength(3);
    expect(await lab.run('m1', 'curl -s 127.0.0.1:10248/healthz')).toBe('ok');
    expect(await lab.run('m1', 'tr "\\0" "\\n" </proc/$(pgrep -x etcd)/cmdline | head -n 1')).toBe('etcd');
  });

  test('leave the host as it is, also when a container is started again', async () => {
    const before = await lab.listing('m2');
    await sleep(5000);
    expect(await lab.listing('m2')).toEqual(before);
    const first = await pid('m2');
    await lab.run('m2', 'pkill -KILL -x etcd');
    await expect.poll(() => pid('m2'), soon).not.toBe('');
    await expect.poll(() => serving('m2'), soon).toBe(older);
    expect(await pid('m2')).not.toBe(first);
    expect(await lab.listing('m2')).toEqual(before);
  });

  test('are started again when their liveness probe fails', async () => {
    const first = await pid('m3');
    await lab.run('m3', `kill -STOP ${first}`);
    await expect.poll(() => pid('m3'), soon).not.toBe(first);
    await expect.poll(() => serving('m3'), soon).toBe(older);
  });

  test('are replaced when their manifest changes', async () => {
    const first = await pid('m1');
    await place('m1', newer, 'second');
    await expect.poll(() => serving('m1'), soon).toBe(newer);
    expect(await pid('m1')).not.toBe(first);
  });

  test('end when their manifest is moved away, and come back with it', async () => {
    await lab.run('m1', `mv ${MANIFEST} /root/etcd.was`);
    // A kubelet that is still busy with a change starts a pod once more before it ends it.
    const gone = 'for i in $(seq 10); do ! pgrep -x etcd || exit 1; sleep 0.2; done';
    await expect.poll(async () => (await lab.exec('m1', gone)).status, soon).toBe(0);
    await place('m1', newer, 'third');
    await expect.poll(() => serving('m1'), soon).toBe(newer);
  });

  test('come back by themselves after a crash, and after an orderly shutdown, which is quick', async () => {
    await lab.crash('m1');
    await lab.start('m1');
    await expect.poll(() => serving('m1'), soon).toBe(newer);
    const started = performance.now();
    await lab.poweroff('m1');
    // Systemd waits 90 s for a unit that does not end.
    expect(performance.now() - started).toBeLessThan(80_000);
    await lab.start('m1');
    await expect.poll(() => serving('m1'), soon).toBe(newer);
  });

  test('of one host are not those of another: what one does to its images the others do not see', async () => {
    await lab.run('m1', `ctr -n k8s.io images rm registry.k8s.io/etcd:${older}-0`);
    expect(await lab.run('m2', 'ctr -n k8s.io images ls -q')).toContain(`etcd:${older}-0`);
    await lab.up(4);
    expect(await lab.run('m4', 'ctr -n k8s.io images ls -q')).toContain(`etcd:${older}-0`);
  });
});

describe('the lab', () => {
  test('leaves nothing of hosts with running pods', async () => {
    expect(await pid('m2')).not.toBe('');
    await lab.down();
    expect(await lab.remains()).toEqual([]);
    expect((await quiet`pgrep -f ${'etcd.*--name=m[123].*10.213.74'}`).stdout).toBe('');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('k8s.io');
  });

  test.each([150, 500])('leaves nothing of an `up` killed %i ms after its start', async (delay) => {
    const up = spawn(process.execPath, [cli, 'up', '3', '--kubelet'], { env: environment, stdio: 'ignore' });
    await expect.poll(() => existsSync(lab.keyPath), { timeout: 60_000, interval: 5 }).toBe(true);
    await sleep(delay);
    up.kill('SIGKILL');
    await lab.down();
    expect(await lab.remains()).toEqual([]);
  });

  test('does not give a kubelet to hosts that were made without', async () => {
    await lab.up(1, { fresh: true });
    expect((await lab.exec('m1', 'command -v kubelet containerd')).stdout).toBe('');
    await expect(lab.up(2, { kubelet: true })).rejects.toThrow('npm run lab -- down, then up --kubelet');
  });

  test('whose kubelet is built by a process that is killed leaves nothing of the build running', async () => {
    const chroot = JSON.stringify(new URL('../../lab/chroot.ts', import.meta.url));
    const script = `import { inChroot } from ${chroot}; await inChroot(process.argv[1], 'sleep "$1"; exit', '4711');`;
    const base = await ensureKubernetesBase(() => {});
    const build = spawn(process.execPath, ['--input-type=module', '--eval', script, base], { stdio: 'ignore' });
    const running = async () => (await quiet`pgrep -f ${'^sleep 4711$'}`).stdout;
    await expect.poll(running, soon).not.toBe('');
    build.kill('SIGKILL');
    await expect.poll(running, soon).toBe('');
    // Hosts of other labs may run from the same base.
    expect((await quiet`pgrep -f ${`chroot ${base}`}`).stdout).toBe('');
  });
});
