// Hosts whose etcd others have set up, as they would be seen: three masters at 192.0.2.11 to .13.
import type { SeenMaster, SeenProcess } from '../../../../src/engine/adoption/parse.ts';
import type { Flags } from '../../../../src/etcd/settings/flags.ts';
import type { LaunchFile } from '../../../../src/etcd/settings/launch.ts';
import type { MemberStatus } from '../../../../src/etcd/status.ts';
import type { Certificate } from '../../../../src/pki/certificate.ts';

export const HOSTS = ['m1', 'm2', 'm3'];
const ENDS = Date.now() + 200 * 86_400_000;

/** `text` is that of m1; the others have their own name and address in it. */
export function ownText(text: string, host: string): string {
  const n = host.slice(1);
  return text
    .replaceAll('192.0.2.11', `192.0.2.1${n}`)
    .replaceAll('name=m1', `name=m${n}`)
    .replaceAll('NAME=m1', `NAME=m${n}`);
}

export function certificate(host: string, names: string[] = []): Certificate {
  const address = `192.0.2.1${host.slice(1)}`;
  return {
    pem: '',
    authority: false,
    names: [...names, host, 'localhost', '127.0.0.1', '::1', address],
    usages: [],
    notBefore: 0,
    notAfter: ENDS,
    fingerprint: '',
    publicKey: new Uint8Array(),
  };
}

export interface Shape {
  runtime: 'static_pod' | 'systemd';
  version: string;
  /** Of m1. */
  text: string;
  flags: (text: string) => Flags;
  pki?: string;
}

/** Three of a kind, by host. */
export function masters(shape: Shape): Map<string, SeenMaster> {
  return new Map(HOSTS.map((host) => [host, master(host, shape)]));
}

function master(host: string, { runtime, version, text, flags, pki = '/etc/kubernetes/pki/etcd' }: Shape): SeenMaster {
  const own = ownText(text, host);
  const inPod = runtime === 'static_pod';
  const kind = inPod ? 'manifest' : 'unit';
  const path = inPod ? '/etc/kubernetes/manifests/etcd.yaml' : '/etc/systemd/system/etcd.service';
  const file: LaunchFile = { kind, path, text: own };
  const process: SeenProcess = {
    pid: 100,
    exe: '/usr/local/bin/etcd',
    ...(inPod ? { pod: 'f00' } : { unit: 'etcd.service' }),
    flags: flags(own),
    status: { memberId: `id-${host}`, clusterId: 'c1', version } as MemberStatus,
    list: HOSTS.map((each) => ({
      id: `id-${each}`,
      name: each,
      peerUrls: [`https://192.0.2.1${each.slice(1)}:2380`],
      started: true,
      learner: false,
    })),
  };
  const files = ['ca', 'server', 'peer', 'healthcheck-client'].map((name) => `${pki}/${name}.crt`);
  return {
    hostname: host,
    manifestDir: '/etc/kubernetes/manifests',
    ...(inPod ? { kubelet: 'kubelet' } : {}),
    static: inPod ? ['etcd.yaml', 'kube-apiserver.yaml'] : [],
    processes: [process],
    manifest: inPod ? [file] : [],
    unit: inPod ? [] : [file],
    certificates: new Map(
      [...files, ...(inPod ? ['/etc/kubernetes/pki/apiserver-etcd-client.crt'] : [])].map((each) => [
        each,
        [certificate(host)],
      ]),
    ),
  };
}
