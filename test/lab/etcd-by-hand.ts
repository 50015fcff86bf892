// A real etcd over TLS that no state has made: certificates in kubeadm's places, a plain unit, and what tests do to them.
import { type Authority, issueCertificate, makeAuthority } from '../../src/pki/issue.ts';
import type { Rig } from './rig.ts';

export const PKI = '/etc/kubernetes/pki/etcd';
export const DATA = '/var/lib/etcd';

export interface HandMadeEtcd {
  readonly version: string;
  /** etcdctl with all that it needs to ask a host's own member. */
  readonly command: string;
  /** Founds the cluster of `hosts` over TLS and waits until each of its members serves. */
  found(hosts: readonly string[], flags?: string): Promise<void>;
  /** Writes certificates, unit and environment, and starts nothing. `cluster`: `initial-cluster` as these hosts. */
  prepare(host: string, cluster: readonly string[], state: 'new' | 'existing', flags?: string): Promise<void>;
  /** A new `NAME.crt` and key in place of the old; `now` may be long ago, so that it has ended. */
  certify(host: string, name: CertificateName, days: number, now?: Date): Promise<void>;
  /** Until the host's member serves a linearizable read; throws after 30 s. */
  serving(host: string): Promise<string>;
  /** etcdctl on the host, against its own member. Throws when it fails. */
  ctl(host: string, command: string): Promise<string>;
}

type CertificateName = 'server' | 'peer' | 'healthcheck-client';

/** The newest etcd of the lab's hosts, unless another version is asked for. */
export async function openEtcdByHand({ lab }: Rig, wanted?: string): Promise<HandMadeEtcd> {
  const authority: Authority = await makeAuthority({ commonName: 'etcd-ca', organization: 'lab', days: 3650 });
  const listed = (await lab.run('m1', 'ls /opt/etcd')).split('\n');
  const version = wanted ?? listed.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)!;

  async function certify(host: string, name: CertificateName, days: number, now = new Date()): Promise<void> {
    const wish = {
      commonName: name === 'healthcheck-client' ? 'kube-etcd-healthcheck-client' : host,
      names: name === 'healthcheck-client' ? [] : [host, 'localhost', lab.address(host), '127.0.0.1'],
      usages: name === 'healthcheck-client' ? ['clientAuth'] : ['serverAuth', 'clientAuth'],
      days,
    };
    // Its CA would otherwise be younger than it.
    const signer = now < new Date(Date.now() - 60_000) ? await agedAuthority(authority, now) : authority;
    const { certificate, key } = await issueCertificate(signer, wish, undefined, now);
    await put(host, `${PKI}/${name}.key`, key!.reveal());
    await put(host, `${PKI}/${name}.crt`, certificate);
  }

  /** Renamed into place: etcd reads the pair at each handshake. */
  async function put(host: string, path: string, text: string): Promise<void> {
    await lab.run(host, `umask 077; cat >${path}.new && mv ${path}.new ${path}`, text);
  }

  const etcdctl = `/opt/etcd/${version}/etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${PKI}/ca.crt \
    --cert=${PKI}/healthcheck-client.crt --key=${PKI}/healthcheck-client.key --command-timeout=5s`;
  const ctl = (host: string, command: string) => lab.run(host, `${etcdctl} ${command}`);

  function serving(host: string): Promise<string> {
    const health = `until ${etcdctl} endpoint health >/dev/null 2>&1; do sleep 0.1; done`;
    return lab.run(host, ['timeout', '30', 'sh', '-c', health]);
  }

  async function prepare(host: string, cluster: readonly string[], state: 'new' | 'existing', flags = '') {
    const url = (port: number) => `https://${lab.address(host)}:${port}`;
    const initial = cluster.map((member) => `${member}=https://${lab.address(member)}:2380`).join(',');
    await lab.run(host, `mkdir -p ${PKI}; cat >${PKI}/ca.crt`, authority.certificate);
    for (const name of ['server', 'peer', 'healthcheck-client'] as const) await certify(host, name, 365);
    const unit = `[Service]
Type=exec
ExecStart=/opt/etcd/${version}/etcd --name ${host} --data-dir ${DATA} --initial-cluster ${initial} \\
 --initial-cluster-state ${state} --initial-cluster-token lab --initial-advertise-peer-urls ${url(2380)} \\
 --listen-peer-urls ${url(2380)} --listen-client-urls https://127.0.0.1:2379,${url(2379)} \\
 --advertise-client-urls ${url(2379)} --client-cert-auth --trusted-ca-file ${PKI}/ca.crt --cert-file ${PKI}/server.crt \\
 --key-file ${PKI}/server.key --peer-client-cert-auth --peer-trusted-ca-file ${PKI}/ca.crt \\
 --peer-cert-file ${PKI}/peer.crt --peer-key-file ${PKI}/peer.key --snapshot-count 10000 ${flags}
Restart=no
[Install]
WantedBy=multi-user.target
`;
    await lab.run(host, 'cat >/etc/systemd/system/etcd.service && systemctl daemon-reload', unit);
  }

  return {
    version,
    command: etcdctl,
    prepare,
    certify,
    serving,
    ctl,
    async found(hosts, flags) {
      await Promise.all(hosts.map((host) => prepare(host, hosts, 'new', flags)));
      await Promise.all(hosts.map((host) => lab.run(host, 'systemctl enable --now etcd')));
      await Promise.all(hosts.map((host) => serving(host)));
    },
  };
}

/** The same CA with the same key, as it was at another time. */
async function agedAuthority(authority: Authority, now: Date): Promise<Authority> {
  const aged = await makeAuthority({ commonName: 'etcd-ca', organization: 'lab', days: 3650 }, now);
  return { certificate: aged.certificate, key: authority.key };
}
