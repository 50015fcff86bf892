// From a cluster that others have set up to its inventory and pillar, and from those to a plan with nothing in it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { load as parseYaml } from 'js-yaml';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeCluster } from '../../../../src/engine/adoption/describe.ts';
import { makeFiles } from '../../../../src/engine/adoption/files.ts';
import type { SeenMaster, SeenProcess } from '../../../../src/engine/adoption/parse.ts';
import { load } from '../../../../src/engine/load.ts';
import { isUnfit } from '../../../../src/etcd/settings/launch.ts';
import { readPod } from '../../../../src/etcd/settings/pod.ts';
import { readUnit } from '../../../../src/etcd/settings/unit.ts';
import { etcdSettings } from '../../../../src/modules/etcd/settings.ts';
import { KUBEADM_1_20, KUBEADM_1_31, KUBEADM_1_34 } from '../../etcd/settings/manifests.ts';
import { must } from '../../states/rig.ts';
import { certificate, HOSTS, masters, type Shape } from './masters.ts';

const podFlags = (text: string) => {
  const launch = readPod({ kind: 'manifest', path: '/m', text });
  if (isUnfit(launch)) throw new Error(launch.wrong);
  return launch.flags;
};
const unitFlags = (text: string) => {
  const launch = readUnit('etcd', [{ kind: 'unit', path: '/u', text }]);
  if (isUnfit(launch)) throw new Error(launch.wrong);
  return launch.flags;
};

const UNIT = `[Service]
ExecStart=/usr/bin/etcd --name=m1 --data-dir=/var/lib/etcd/default --wal-dir=/wal --quota-backend-bytes=8589934592 \\
  --listen-client-urls=https://0.0.0.0:2379 --advertise-client-urls=https://192.0.2.11:2379 \\
  --listen-peer-urls=https://192.0.2.11:2380 --initial-advertise-peer-urls=https://192.0.2.11:2380 \\
  --cert-file=/etc/etcd/pki/server.crt --key-file=/etc/etcd/pki/server.key --trusted-ca-file=/etc/etcd/pki/ca.crt \\
  --peer-cert-file=/etc/etcd/pki/peer.crt --peer-key-file=/etc/etcd/pki/peer.key \\
  --peer-trusted-ca-file=/etc/etcd/pki/ca.crt --client-cert-auth --peer-client-cert-auth --auto-compaction-retention=8h
`;

const KUBEADM: Shape = { runtime: 'static_pod', version: '3.4.13', text: KUBEADM_1_20, flags: podFlags };
const SHAPES: [string, Shape][] = [
  ['kubeadm 1.20', KUBEADM],
  ['kubeadm 1.31', { runtime: 'static_pod', version: '3.5.15', text: KUBEADM_1_31, flags: podFlags }],
  ['kubeadm 1.34', { runtime: 'static_pod', version: '3.6.4', text: KUBEADM_1_34, flags: podFlags }],
  ['a unit', { runtime: 'systemd', version: '3.5.16', text: UNIT, flags: unitFlags, pki: '/etc/etcd/pki' }],
];

function filesOf(seen: Map<string, SeenMaster>): Map<string, string> {
  const { members, failures } = describeCluster(seen);
  expect(failures).toEqual([]);
  const named = members.map((member) => ({
    ...member,
    called: member.host,
    reached: { name: member.host, address: member.address, become: true, becomeUser: 'root', user: 'ops' } as never,
  }));
  return makeFiles('main', 'masters', named);
}

describe.each(SHAPES)('%s', (_name, shape) => {
  it('is described so that nothing is left to do, on any of its hosts', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quorate-adoption-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const seen = masters(shape);
    for (const [path, text] of filesOf(seen)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const loaded = must(
      await load({
        inventory: join(folder, 'inventory'),
        target: 'masters',
        pillar: join(folder, 'pillar'),
        stateDirectories: ['states'],
        states: ['etcd.configured'],
        limits: {},
      }),
    );
    for (const host of HOSTS) {
      const wanted = new Map(
        [...loaded.graph.nodes.values()].flatMap((node) => {
          const rendered = node.declarations.get(host)?.render({ etcd: { initial_state: 'existing', token: '' } });
          return rendered?.ok && !rendered.value.skip ? [[node.declarations.get(host)!.id, rendered.value.want]] : [];
        }),
      );
      const { manifest, unit } = seen.get(host)!;
      const want = wanted.get('kubernetes.etcd.configured/settings') as never;
      const sight = { files: [...manifest, ...unit], version: shape.version };
      expect(etcdSettings.diff(want, sight, undefined)).toEqual([]);
      // Nothing else of theirs is Quorate's to write.
      expect(
        [...wanted.keys()].filter((id) => /manifest$|unit$|environment$|directory$|binaries$|user$/.test(id as string)),
      ).toEqual([]);
    }
  });
});

describe('the files', () => {
  it('share what is the same, and give each host the rest', () => {
    const seen = masters(KUBEADM);
    const [manifest] = seen.get('m3')!.manifest;
    manifest!.text = manifest!.text.replace('count=10000', 'count=20000');
    const files = filesOf(seen);
    expect([...files.keys()]).toEqual([
      'inventory/main.yaml',
      'pillar/clusters/main.yaml',
      'pillar/hosts/m1.yaml',
      'pillar/hosts/m2.yaml',
      'pillar/hosts/m3.yaml',
    ]);
    expect(parseYaml(files.get('pillar/hosts/m3.yaml')!)).toEqual({ etcd_snapshot_count: 20000 });
    expect(parseYaml(files.get('inventory/main.yaml')!)).toMatchObject({
      masters: { vars: { etcd_cluster: 'main' }, hosts: { m2: { ansible_host: '192.0.2.12', ansible_user: 'ops' } } },
    });
    expect(parseYaml(files.get('pillar/clusters/main.yaml')!)).toMatchObject({
      etcd_configuration: 'adopted',
      etcd_pki: 'adopted',
      image_repository: 'k8s.gcr.io',
      control_plane: 'kubeadm',
      etcd_resources: { requests: { cpu: '100m', 'ephemeral-storage': '100Mi', memory: '100Mi' } },
    });
  });

  it('give flags without a key of their own as further flags, and take away defaults that the cluster does not have', () => {
    const shape = {
      ...KUBEADM,
      text: KUBEADM_1_20.replace('        memory: 100Mi\n', '').replace(
        '    - --name',
        '    - --max-wals=3\n    - --name',
      ),
    };
    const pillar = parseYaml(filesOf(masters(shape)).get('pillar/clusters/main.yaml')!);
    expect(pillar).toMatchObject({
      etcd_extra_args: { 'max-wals': '3' },
      etcd_resources: { requests: { memory: null } },
    });
  });
});

type Spoil = (master: SeenMaster, process: SeenProcess) => void;
const manifestWith =
  (from: string, to: string): Spoil =>
  (master) => {
    master.manifest[0]!.text = master.manifest[0]!.text.replace(from, to);
  };

describe('what cannot be taken over is told, with what to do, and nothing is described', () => {
  it.each<[string, Spoil, string]>([
    ['no etcd', (master) => master.processes.splice(0), 'no etcd runs here'],
    [
      'an etcd that nobody looks after',
      (_master, process) => delete process.pod,
      'etcd (pid 100) runs under nothing that starts it again, and neither in a static pod nor in etcd.service',
    ],
    [
      'another unit',
      (_master, process) => Object.assign(process, { pod: undefined, unit: 'etcd3.service' }),
      'etcd (pid 100) runs in the unit etcd3.service, and neither in a static pod nor in etcd.service',
    ],
    [
      'a manifest of another name',
      (master) => master.manifest.splice(0),
      "etcd (pid 100) runs in a pod, and its manifest is not etcd.yaml in the kubelet's directory of static pods",
    ],
    [
      'a configuration file',
      manifestWith('- --name', '- --config-file=/x\n    - --name'),
      '--config-file=/x in /etc/kubernetes/manifests/etcd.yaml cannot be taken over',
    ],
    [
      'clients without certificates',
      manifestWith('- --client-cert-auth=true', '- --pre-vote'),
      'etcd asks its clients for no certificate (--client-cert-auth)',
    ],
    [
      'no TLS',
      manifestWith(
        'listen-client-urls=https://127.0.0.1:2379,https://',
        'listen-client-urls=http://127.0.0.1:2379,http://',
      ),
      '--listen-client-urls names no https URL with a port',
    ],
    ['a relative directory', manifestWith('data-dir=/var', 'data-dir=var'), 'etcd is told no absolute --data-dir'],
    [
      'data that is elsewhere on the host',
      manifestWith('      path: /var/lib/etcd', '      path: /mnt/etcd'),
      '--data-dir=/var/lib/etcd in /etc/kubernetes/manifests/etcd.yaml is /mnt/etcd on the host',
    ],
    [
      'certificates of other names',
      manifestWith('pki/etcd/peer.crt', 'pki/etcd/member.crt'),
      "--peer-cert-file=/etc/kubernetes/pki/etcd/member.crt in /etc/kubernetes/manifests/etcd.yaml is not /etc/kubernetes/pki/etcd/peer.crt: the certificates do not have kubeadm's names in one directory",
    ],
    [
      'no client certificate',
      (master) => master.certificates.delete('/etc/kubernetes/pki/etcd/healthcheck-client.crt'),
      'there is no certificate in /etc/kubernetes/pki/etcd/healthcheck-client.crt',
    ],
    [
      'a certificate for another address',
      (master) =>
        master.certificates.set('/etc/kubernetes/pki/etcd/peer.crt', [{ ...certificate('m2'), names: ['m2'] }]),
      '/etc/kubernetes/pki/etcd/peer.crt is not for 192.0.2.12',
    ],
    [
      'no etcdctl',
      (_master, process) => Object.assign(process, { lack: 'etcdctl' }),
      'there is no etcdctl to ask etcd with',
    ],
    [
      'no quorum',
      (_master, process) => Object.assign(process, { list: undefined, said: 'no leader' }),
      'etcd does not say who its members are: no leader',
    ],
    [
      'a learner',
      (_master, process) => Object.assign(process.list![1]!, { learner: true }),
      'm2 is a learner, and has no vote yet',
    ],
    [
      'another cluster',
      (_master, process) => Object.assign(process.status!, { clusterId: 'c2' }),
      'its member is of cluster c2, and that of m1 of cluster c1',
    ],
  ])('%s', (_what, spoil, message) => {
    const seen = masters(KUBEADM);
    const master = seen.get('m2')!;
    spoil(master, master.processes[0]!);
    const { failures } = describeCluster(seen);
    expect(failures).toMatchObject([{ host: 'm2', reason: 'guard', message }]);
    expect(failures[0]!.next).toBeTruthy();
  });

  it('a member whose host was not asked', () => {
    const seen = masters(KUBEADM);
    seen.delete('m3');
    expect(describeCluster(seen).failures).toMatchObject([
      {
        message:
          'the cluster has the member m3 at https://192.0.2.13:2380, whose host is not among those that were asked',
      },
    ]);
  });
});

it('says what the operator should know: other processes, files that have changed since, and what ends first', () => {
  const seen = masters(KUBEADM);
  const [process] = seen.get('m1')!.processes;
  process!.flags = new Map([...process!.flags, ['snapshot-count', '5']]);
  seen
    .get('m1')!
    .processes.push({ pid: 200, exe: '/e', pod: 'b', flags: new Map([['data-dir', '/var/lib/etcd-events']]) });
  expect(describeCluster(seen).notes).toEqual([
    'm1: another etcd (pid 200, data in /var/lib/etcd-events) is not taken over',
    "m1: etcd runs with --snapshot-count=5, but /etc/kubernetes/manifests/etcd.yaml says 10000, which is taken over: it holds from etcd's next start on",
    expect.stringMatching(/^m1, m2, m3: .*ca\.crt is the first certificate to end, on .* \(in \d+ d\)/),
    expect.stringMatching(/^m1, m2, m3: should its data be lost, etcd would start empty/),
  ]);
});
