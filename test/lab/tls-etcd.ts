// A TLS etcd for tests of the engine alone: certificates made by openssl on the machine, a small state around the guard.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Rig } from './rig.ts';

export const PKI = '/etc/kubernetes/pki/etcd';
export const STATE = 'cluster.configured';

/** Makes one CA and puts it, with server, peer and client certificates, on every host: what a bare host lacks in these tests. */
export async function plantCertificates(rig: Rig, hosts: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-tls-'));
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  try {
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '30', '-subj', '/CN=etcd-ca');
    for (const host of hosts) {
      const extensions = `extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:${host},DNS:localhost,IP:127.0.0.1,IP:${rig.lab.address(host)}\n`;
      writeFileSync(join(folder, 'extensions'), extensions);
      openssl('req', ...key, '-keyout', `${host}.key`, '-out', `${host}.csr`, '-subj', `/CN=${host}`);
      const sign = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30', '-extfile', 'extensions'];
      openssl('x509', '-req', '-in', `${host}.csr`, '-out', `${host}.crt`, ...sign);
      await rig.lab.run(host, `mkdir -p ${PKI}`);
      const place = (name: string, from: string) =>
        rig.lab.run(host, `umask 077; cat >${PKI}/${name}`, readFileSync(join(folder, from)));
      await place('ca.crt', 'ca.crt');
      for (const name of ['server', 'peer', 'healthcheck-client']) {
        await place(`${name}.crt`, `${host}.crt`);
        await place(`${name}.key`, `${host}.key`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The state: guard, configuration, service, gate. */
export function writeState(rig: Rig): void {
  rig.write({
    'states/cluster/templates/etcd.env.hbs': ENVIRONMENT,
    'states/cluster/templates/etcd.service.hbs': UNIT,
    'states/cluster/configured.yaml': `description: A small TLS etcd.
include: [kubernetes.etcd.guarded]
resources:
  data-directory:
    file.directory: { path: "{{ pillar.etcd_data_dir }}", mode: "0700" }
    require: [kubernetes.etcd.guarded]
  environment:
    file.managed: { path: /etc/etcd.env, template: templates/etcd.env.hbs }
    require: [kubernetes.etcd.guarded]
  unit:
    file.managed: { path: /etc/systemd/system/etcd.service, template: templates/etcd.service.hbs }
    require: [kubernetes.etcd.guarded]
  service:
    service.running: { name: etcd, enabled: true }
    require: [data-directory]
    watch: [unit, environment]
    disrupts: etcd
  healthy:
    etcd.healthy:
      bin_dir: "{{ pillar.etcd_bin_dir }}"
      hashkv: true
      timeout: 20
    scope: cluster
    require: [service]
`,
  });
}

const URL = (port: string) => `"https://" host.address ":" pillar.${port}`;

const ENVIRONMENT = `ETCD_NAME={{env host.name}}
ETCD_DATA_DIR={{env pillar.etcd_data_dir}}
ETCD_LISTEN_PEER_URLS={{env (concat ${URL('etcd_peer_port')})}}
ETCD_LISTEN_CLIENT_URLS={{env (concat "https://127.0.0.1:" pillar.etcd_client_port "," ${URL('etcd_client_port')})}}
ETCD_ADVERTISE_CLIENT_URLS={{env (concat ${URL('etcd_client_port')})}}
ETCD_INITIAL_ADVERTISE_PEER_URLS={{env (concat ${URL('etcd_peer_port')})}}
ETCD_INITIAL_CLUSTER="{{#each cluster.members}}{{#unless @first}},{{/unless}}{{plain this.name}}=https://{{plain this.address}}:{{plain pillar.etcd_peer_port}}{{/each}}"
ETCD_INITIAL_CLUSTER_STATE={{env facts.etcd.initial_state}}
{{#if (eq facts.etcd.initial_state "new")}}ETCD_INITIAL_CLUSTER_TOKEN={{env facts.etcd.token}}
{{/if}}ETCD_SNAPSHOT_COUNT={{env pillar.etcd_snapshot_count}}
ETCD_QUOTA_BACKEND_BYTES={{env pillar.etcd_quota_backend_bytes}}
ETCD_CLIENT_CERT_AUTH=true
ETCD_TRUSTED_CA_FILE=${PKI}/ca.crt
ETCD_CERT_FILE=${PKI}/server.crt
ETCD_KEY_FILE=${PKI}/server.key
ETCD_PEER_CLIENT_CERT_AUTH=true
ETCD_PEER_TRUSTED_CA_FILE=${PKI}/ca.crt
ETCD_PEER_CERT_FILE=${PKI}/peer.crt
ETCD_PEER_KEY_FILE=${PKI}/peer.key
`;

const UNIT = `[Service]
Type=notify
EnvironmentFile=/etc/etcd.env
ExecStart={{word pillar.etcd_bin_dir}}/etcd
Restart=on-failure
[Install]
WantedBy=multi-user.target
`;
