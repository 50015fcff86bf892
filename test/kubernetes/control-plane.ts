// A control plane that no state has made: a master's certificates, kubeconfigs and kubelet as kubeadm writes them.
import { generateKeyPairSync } from 'node:crypto';
import { kubeletFlags } from '../../lab/kubernetes/kubelet.ts';
import { type Authority, issueCertificate, makeAuthority } from '../../src/pki/issue.ts';
import type { Rig } from '../lab/rig.ts';
import { addonManager, apiServer, controllerManager, ETC, PKI, type Pod, scheduler } from './manifests.ts';

export interface ControlPlane {
  /** Certificates, kubeconfigs and a kubelet that registers with its host's API server; nothing is started. */
  prepare(host: string): Promise<void>;
  /** The manifests of the API server, the controller manager and the scheduler, for the kubelet to start. */
  place(host: string): Promise<void>;
  /** That of the addon manager, which looks after /etc/kubernetes/addons every other second; for one of the hosts. */
  placeAddonManager(host: string): Promise<void>;
}

/** What each host of `rig` needs to be a master of one cluster, beside the etcd that it has. */
export async function makeControlPlane({ lab }: Rig): Promise<ControlPlane> {
  const authority = await makeAuthority({ commonName: 'kubernetes', organization: 'lab', days: 30 });
  const accounts = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  async function write(host: string, files: Record<string, string>): Promise<void> {
    // A kubelet takes any file for a manifest whose name does not begin with a dot.
    const place =
      'umask 077; folder=$(dirname "$0"); mkdir -p "$folder"; cat >"$folder/.new" && mv "$folder/.new" "$0"';
    for (const [path, text] of Object.entries(files)) await lab.run(host, ['sh', '-c', place, path], text);
  }
  const placePod = (host: string, pod: Pod) =>
    write(host, { [`${ETC}/manifests/${pod.metadata.name}.yaml`]: JSON.stringify(pod) });

  return {
    async prepare(host) {
      const server = `https://${lab.address(host)}:6443`;
      const names = [host, lab.address(host), '127.0.0.1', '10.96.0.1', 'kubernetes', 'kubernetes.default.svc'];
      const serving = await issue(authority, { commonName: 'kube-apiserver', names });
      const toKubelets = await issue(authority, {
        commonName: 'kube-apiserver-kubelet-client',
        organization: 'system:masters',
      });
      const config = async (commonName: string, organization?: string) =>
        kubeconfig(
          server,
          authority,
          await issue(authority, { commonName, ...(organization ? { organization } : {}) }),
        );
      await write(host, {
        [`${PKI}/ca.crt`]: authority.certificate,
        [`${PKI}/ca.key`]: authority.key.reveal(),
        [`${PKI}/apiserver.crt`]: serving.certificate,
        [`${PKI}/apiserver.key`]: serving.key,
        [`${PKI}/apiserver-kubelet-client.crt`]: toKubelets.certificate,
        [`${PKI}/apiserver-kubelet-client.key`]: toKubelets.key,
        [`${PKI}/sa.key`]: String(accounts.privateKey.export({ type: 'pkcs8', format: 'pem' })),
        [`${PKI}/sa.pub`]: String(accounts.publicKey.export({ type: 'spki', format: 'pem' })),
        [`${ETC}/admin.conf`]: await config('kubernetes-admin', 'system:masters'),
        [`${ETC}/controller-manager.conf`]: await config('system:kube-controller-manager'),
        [`${ETC}/scheduler.conf`]: await config('system:kube-scheduler'),
        [`${ETC}/kubelet.conf`]: await config(`system:node:${host}`, 'system:nodes'),
        '/var/lib/kubelet/config.yaml': JSON.stringify(KUBELET),
        '/etc/systemd/system/kubelet.service': UNIT,
      });
      await lab.run(host, `mkdir -p ${ETC}/manifests ${ETC}/addons && systemctl daemon-reload`);
    },

    async place(host) {
      for (const pod of [apiServer(lab.address(host)), controllerManager(), scheduler()]) await placePod(host, pod);
    },

    placeAddonManager: (host) => placePod(host, addonManager()),
  };
}

const KUBELET = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  staticPodPath: `${ETC}/manifests`,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: `${PKI}/ca.crt` },
  },
  authorization: { mode: 'Webhook' },
};

// systemd reads a % of its own.
const FLAGS = Object.entries(kubeletFlags).map(([name, value]) => `--${name}=${value.replaceAll('%', '%%')}`);

const UNIT = `[Unit]
Description=kubelet: The Kubernetes Node Agent
[Service]
ExecStart=/usr/bin/kubelet --kubeconfig=${ETC}/kubelet.conf --config=/var/lib/kubelet/config.yaml ${FLAGS.join(' ')}
Restart=always
RestartSec=2
[Install]
WantedBy=multi-user.target
`;

interface Pair {
  certificate: string;
  key: string;
}

/** A server's where it has names, else a client's. */
async function issue(
  authority: Authority,
  subject: { commonName: string; organization?: string; names?: string[] },
): Promise<Pair> {
  const usages = [subject.names ? 'serverAuth' : 'clientAuth'];
  const issued = await issueCertificate(authority, { names: [], ...subject, usages, days: 30 }, undefined);
  return { certificate: issued.certificate, key: issued.key!.reveal() };
}

function kubeconfig(server: string, authority: Authority, client: Pair): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const credentials = {
    'client-certificate-data': base64(client.certificate),
    'client-key-data': base64(client.key),
  };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': base64(authority.certificate) } }],
    users: [{ name: 'client', user: credentials }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'client' } }],
    'current-context': 'lab',
  });
}
