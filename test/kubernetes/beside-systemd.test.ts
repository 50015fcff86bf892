// A managed control plane beside etcd of systemd, with a cluster for events, behind a proxy, on one master: and its removal.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeletFlags } from '../../lab/kubernetes/kubelet.ts';
import { openRig, type Rig } from '../lab/rig.ts';

const APPLY = ['apply', 'running', '-t', 'masters', '--yes'];
const PKI = '/etc/kubernetes/pki/etcd';
const soon = { timeout: 120_000, interval: 500 };
/** Nobody listens there: what goes through it fails. */
const PROXY = 'http://192.0.2.1:9';
const SNAPSHOTS = join(import.meta.dirname, '../unit/states/snapshots');
let rig: Rig;
let etcd: string;

beforeAll(async () => {
  rig = await openRig('tbeside', '10.213.87', 1, { kubernetes: true });
  const listed = (await on('ls /opt/etcd')).split('\n');
  etcd = listed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)!;
});
afterAll(() => rig?.close());

const on = (command: string, input?: string) => rig.lab.run('m1', command, input);
const orNothing = (said: Promise<string>) => said.catch(() => '');
const kubectl = (command: string, input?: string) =>
  on(`kubectl --kubeconfig=/etc/kubernetes/admin.conf ${command}`, input);
const inodes = () =>
  on('stat -c %i /var/lib/etcd /var/lib/etcd/member /var/lib/etcd-events /var/lib/etcd-events/member');

function pillar(kubelet: string, more: Record<string, unknown> = {}): void {
  const data = {
    etcd_version: etcd,
    etcd_runtime: 'systemd',
    etcd_install: { path: `/opt/etcd/${etcd}` },
    etcd_allow_outage: true,
    etcd_events: true,
    etcd_resources: { limits: { cpu: '1500m', memory: '1Gi' } },
    bind_interface: 'eth0',
    proxy: { http: PROXY, https: PROXY },
    control_plane: 'managed',
    kubernetes_version: '1.20.2',
    kubelet_extra_args: kubeletFlags,
    ...more,
  };
  rig.write({ 'pillar/defaults.yaml': `${JSON.stringify(data)}\n`, 'pillar/clusters/main.yaml': kubelet });
}

/** What a package of kubelet does as soon as it is there: it starts it. */
const PACKAGE = `
set -e
mkdir -p /opt/kubelet /srv/debs/kubelet/DEBIAN /srv/debs/kubelet/usr/bin /srv/debs/kubelet/lib/systemd/system
mv /usr/bin/kubelet /opt/kubelet/kubelet
cd /srv/debs
ln /opt/kubelet/kubelet kubelet/usr/bin/kubelet
printf '[Service]\\nExecStart=/usr/bin/kubelet\\n[Install]\\nWantedBy=multi-user.target\\n' >kubelet/lib/systemd/system/kubelet.service
printf 'Package: kubelet\\nVersion: 1.20.2-00\\nArchitecture: amd64\\nMaintainer: the lab <root@localhost>\\nDescription: kubelet\\n' >kubelet/DEBIAN/control
printf '#!/bin/sh\\nsystemctl enable kubelet\\nsystemctl restart kubelet && touch /srv/debs/started || :\\n' >kubelet/DEBIAN/postinst
chmod 755 kubelet/DEBIAN/postinst
dpkg-deb --root-owner-group -Znone --build kubelet kubelet.deb >/dev/null
rm -r kubelet
{ dpkg-deb --field kubelet.deb; echo "Filename: ./kubelet.deb"; echo "Size: $(stat -c %s kubelet.deb)"; echo "SHA256: $(sha256sum <kubelet.deb | cut -d' ' -f1)"; } >Packages
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/debs ./' >/etc/apt/sources.list
apt-get -qq update`;

describe('kubernetes.kubelet.installed', () => {
  it('refuses what is missing, and says what to set', async () => {
    await on(PACKAGE);
    pillar('kubelet_version: 1.20.2\n');
    const { status, document } = await rig.json('apply', 'kubelet.installed', '-t', 'masters', '--yes');
    const refused = document.results.find(({ outcome }) => outcome === 'refused');
    expect([status, refused?.why]).toMatchObject([
      5,
      { message: 'there is no kubelet at /usr/bin/kubelet', next: expect.stringContaining('set kubelet_install') },
    ]);
  });

  it('installs a package, whose kubelet does not start before it is set up', async () => {
    pillar('kubelet_version: 1.20.2\nkubelet_install: { package: kubelet=1.20.2-00 }\n');
    const { status, document } = await rig.json('apply', 'kubelet.installed', '-t', 'masters', '--yes');
    expect([status, document.failures]).toEqual([0, []]);
    expect(await on('/usr/bin/kubelet --version; systemctl is-active kubelet || :; ls /srv/debs')).toBe(
      'Kubernetes v1.20.2\ninactive\nPackages\nkubelet.deb',
    );
    expect((await rig.json('apply', 'kubelet.installed', '-t', 'masters', '--yes')).document.outcome).toBe('ok');
  });

  it('does not take another version for the wanted one', async () => {
    pillar(
      'kubelet_version: 1.20.1\nkubelet_bin: /usr/local/bin/kubelet\nkubelet_install: { path: /opt/kubelet/kubelet }\n',
    );
    const { status, document } = await rig.json('apply', 'kubelet.installed', '-t', 'masters', '--yes');
    const refused = document.results.find(({ outcome }) => outcome === 'refused');
    expect([status, refused?.why?.message]).toEqual([
      5,
      '/opt/kubelet/kubelet is 1.20.2, and kubelet_version is 1.20.1',
    ]);
  });
});

const KUBELET =
  'kubelet_version: 1.20.2\nkubelet_bin: /usr/local/bin/kubelet\nkubelet_install: { path: /opt/kubelet/kubelet }\n';

describe('kubernetes.running with etcd of systemd', () => {
  it('refuses a member that would listen where nobody looks for it, and touches nothing', async () => {
    pillar(KUBELET, { bind_interface: 'lo' });
    const { status, document } = await rig.json(...APPLY);
    const refused = document.results.find(({ resource }) => resource === 'kubernetes.etcd.guarded/member');
    expect([status, refused?.why?.message]).toEqual([
      5,
      `no host is touched: bind_interface of m1 is lo, which the host does not have with an address: it has eth0 (${rig.lab.address('m1')})`,
    ]);
    expect(await on('ls /usr/local/bin/kubelet /var/lib/etcd /etc/etcd 2>/dev/null || :')).toBe('');
  });

  it('takes a bare master to an API that keeps its events in a cluster of their own', async () => {
    pillar(KUBELET);
    const { status, document } = await rig.json(...APPLY);
    const bad = document.results.filter(({ outcome }) => !['ok', 'changed', 'skipped'].includes(outcome));
    expect([status, bad, document.failures]).toEqual([0, [], []]);
    expect(await kubectl('get --raw /readyz')).toBe('ok');
    expect(await on('ls /etc/kubernetes/manifests; systemctl is-active etcd etcd-events')).toBe(
      'kube-apiserver.yaml\nkube-controller-manager.yaml\nkube-scheduler.yaml\nactive\nactive',
    );
    await expect.poll(() => orNothing(kubectl('get nodes -o name')), soon).toBe('node/m1');
    const client = `--cacert=${PKI}/ca.crt --cert=${PKI}/healthcheck-client.crt --key=${PKI}/healthcheck-client.key`;
    const count = async (port: number, prefix: string) => {
      const said = await on(
        `/usr/local/bin/etcdctl --endpoints=https://127.0.0.1:${port} ${client} get ${prefix} --prefix --keys-only --limit=1 -w json`,
      );
      return JSON.parse(said).count ?? 0;
    };
    await expect.poll(() => count(2382, '/registry/events/'), soon).toBeGreaterThan(0);
    expect(await count(2379, '/registry/events/')).toBe(0);
    expect(await count(2379, '/registry/minions/m1')).toBe(1);
  });

  it('has told etcd its limits, and everything its proxy', async () => {
    const address = rig.lab.address('m1');
    const environ = (name: string) =>
      on(
        `for pid in $(pgrep -x ${name}); do tr '\\0' '\\n' </proc/$pid/environ | grep -E '_PROXY|GOMAXPROCS' | sort; done`,
      );
    const proxies = (more: string) =>
      `HTTPS_PROXY=${PROXY}\nHTTP_PROXY=${PROXY}\nNO_PROXY=${address},localhost,127.0.0.1,::1,10.96.0.0/12,.svc,.cluster.local${more}`;
    expect(await environ('etcd')).toBe([0, 1].map(() => `GOMAXPROCS=2\n${proxies('')}`).join('\n'));
    for (const program of ['kube-apiserver', 'kube-controller', 'kube-scheduler', 'kubelet', 'containerd']) {
      expect([program, await environ(program)]).toEqual([program, proxies('')]);
    }
    expect(await on('systemctl show etcd -p CPUQuotaPerSecUSec -p MemoryMax')).toBe(
      'CPUQuotaPerSecUSec=1.500000s\nMemoryMax=1073741824',
    );
    const listening = `ss -Hltn 'sport = :2379 or sport = :2380 or sport = :2382' | awk '{ print $4 }' | sort`;
    expect((await on(listening)).split('\n')).toEqual(
      [`${address}:2379`, `${address}:2380`, `${address}:2382`, '127.0.0.1:2379', '127.0.0.1:2382'].sort(),
    );
  });

  it('has nothing to do then, and asks the host once', async () => {
    const { document } = await rig.json(...APPLY);
    expect([document.outcome, document.hosts.m1!.programs]).toEqual(['ok', 1]);
  });

  it.each([
    ['main', 'kubernetes.etcd.guarded/member', 'etcd'],
    ['main-events', 'kubernetes.etcd.guarded[events]/member', 'etcd-events'],
  ])('does not change to the other runtime while a member of %s serves', async (_cluster, resource, unit) => {
    pillar(KUBELET, { etcd_runtime: 'static_pod' });
    const { status, document } = await rig.json('plan', 'running', '-t', 'masters');
    expect([status, document.results.find((result) => result.resource === resource)?.why]).toMatchObject([
      5,
      {
        message: `systemd (${unit}.service) runs the etcd member of m1, and static_pod is declared: both would run on one data directory`,
        next: expect.stringContaining(`systemctl disable --now ${unit}, then apply with -t m1`),
      },
    ]);
    pillar(KUBELET);
  });
});

describe('each static pod that the states render', () => {
  const files = globSync(['static_pod-*.txt', 'control-plane/*/configured-kube-*.txt'], { cwd: SNAPSHOTS }).sort();
  const stream = (change = (text: string) => text) =>
    files.map((file) => change(readFileSync(join(SNAPSHOTS, file), 'utf8'))).join('---\n');

  it.each([
    ['kubectl', '--dry-run=client --validate'],
    ['the API server', '--dry-run=server'],
  ])('is accepted by %s', async (_who, flags) => {
    expect(files.length).toBeGreaterThan(14);
    const said = await kubectl(`create ${flags} -o name -f -`, stream());
    expect(said.split('\n')).toHaveLength(files.length);
  });

  it('would not be with a field that no pod has, or a value that none may have', async () => {
    const odd = stream((text) => text.replace('hostNetwork: true', 'hostNetwrk: true'));
    await expect(kubectl('create --dry-run=client --validate -f -', odd)).rejects.toThrow('unknown field "hostNetwrk"');
    const wrong = stream((text) => text.replace(/imagePullPolicy: \w+/, 'imagePullPolicy: Sometimes'));
    await expect(kubectl('create --dry-run=server -f -', wrong)).rejects.toThrow('imagePullPolicy');
  });
});

describe('kubernetes.removed', () => {
  it('leaves nothing running and nothing of what was written to run it, and never touches data', async () => {
    const before = await inodes();
    const { status, document } = await rig.json('apply', 'kubernetes.removed', '-t', 'masters', '--yes');
    expect([status, document.failures]).toEqual([0, []]);
    const traces = `pgrep -x -d ' ' 'etcd|kubelet|kube-.*|pause' || :; ls -A /etc/kubernetes/manifests; ls /etc/kubernetes/*.conf /etc/etcd/etcd.env /etc/etcd-events/etcd.env 2>/dev/null; ls /etc/systemd/system | grep -E '^(etcd|kubelet).*service$' || :; ls /etc/systemd/system/containerd.service.d`;
    expect(await on(traces)).toBe('');
    expect(await inodes()).toBe(before);
    expect((await rig.json('apply', 'kubernetes.removed', '-t', 'masters', '--yes')).document.outcome).toBe('ok');
  });

  it('is undone by running: the same clusters with the same data', async () => {
    const before = await inodes();
    const { status, document } = await rig.json(...APPLY);
    expect([status, document.failures]).toEqual([0, []]);
    expect(await inodes()).toBe(before);
    expect(await kubectl('get nodes -o name')).toBe('node/m1');
  });
});
