// The static pods of a master, with the flags that kubeadm 1.20 gives them; etcd's is Quorate's own.

export const ETC = '/etc/kubernetes';
export const PKI = `${ETC}/pki`;
const VERSION = 'v1.20.2';

export interface Pod {
  metadata: { name: string; namespace: string; labels: Record<string, string> };
  [key: string]: unknown;
}

export function apiServer(address: string): Pod {
  const flags = {
    'advertise-address': address,
    'allow-privileged': 'true',
    'authorization-mode': 'Node,RBAC',
    'client-ca-file': `${PKI}/ca.crt`,
    'enable-admission-plugins': 'NodeRestriction',
    'enable-bootstrap-token-auth': 'true',
    'etcd-cafile': `${PKI}/etcd/ca.crt`,
    'etcd-certfile': `${PKI}/apiserver-etcd-client.crt`,
    'etcd-keyfile': `${PKI}/apiserver-etcd-client.key`,
    'etcd-servers': 'https://127.0.0.1:2379',
    'insecure-port': '0',
    'kubelet-client-certificate': `${PKI}/apiserver-kubelet-client.crt`,
    'kubelet-client-key': `${PKI}/apiserver-kubelet-client.key`,
    'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
    'secure-port': '6443',
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'service-account-key-file': `${PKI}/sa.pub`,
    'service-account-signing-key-file': `${PKI}/sa.key`,
    'service-cluster-ip-range': '10.96.0.0/16',
    'tls-cert-file': `${PKI}/apiserver.crt`,
    'tls-private-key-file': `${PKI}/apiserver.key`,
  };
  const probes = probe({ host: address, port: 6443, path: '/livez' });
  return pod('kube-apiserver', { ...program('kube-apiserver', flags), ...probes }, [PKI, '/etc/ssl/certs']);
}

export function controllerManager(): Pod {
  const config = `${ETC}/controller-manager.conf`;
  const flags = {
    'authentication-kubeconfig': config,
    'authorization-kubeconfig': config,
    'bind-address': '127.0.0.1',
    'client-ca-file': `${PKI}/ca.crt`,
    'cluster-signing-cert-file': `${PKI}/ca.crt`,
    'cluster-signing-key-file': `${PKI}/ca.key`,
    controllers: '*,bootstrapsigner,tokencleaner',
    kubeconfig: config,
    'leader-elect': 'true',
    port: '0',
    'root-ca-file': `${PKI}/ca.crt`,
    'service-account-private-key-file': `${PKI}/sa.key`,
    'use-service-account-credentials': 'true',
  };
  const probes = probe({ host: '127.0.0.1', port: 10257, path: '/healthz' });
  const container = { ...program('kube-controller-manager', flags), ...probes };
  return pod('kube-controller-manager', container, [PKI, '/etc/ssl/certs', config]);
}

export function scheduler(): Pod {
  const config = `${ETC}/scheduler.conf`;
  const flags = {
    'authentication-kubeconfig': config,
    'authorization-kubeconfig': config,
    'bind-address': '127.0.0.1',
    kubeconfig: config,
    'leader-elect': 'true',
    port: '0',
  };
  const probes = probe({ host: '127.0.0.1', port: 10259, path: '/healthz' });
  return pod('kube-scheduler', { ...program('kube-scheduler', flags), ...probes }, [config]);
}

export function addonManager(): Pod {
  const config = `${ETC}/admin.conf`;
  const container = {
    name: 'kube-addon-manager',
    image: 'registry.k8s.io/addon-manager/kube-addon-manager:v9.1.2',
    env: [
      { name: 'KUBECTL_OPTS', value: `--kubeconfig=${config}` },
      { name: 'TEST_ADDON_CHECK_INTERVAL_SEC', value: '2' },
      // Else the one beside the leading controller manager works, and the others look on.
      { name: 'ADDON_MANAGER_LEADER_ELECTION', value: 'false' },
      // Its own list has kinds that later API servers know no more, and looks through all of them in each turn.
      { name: 'KUBECTL_PRUNE_WHITELIST_OVERRIDE', value: 'core/v1/ConfigMap' },
    ],
  };
  return pod('kube-addon-manager', container, [`${ETC}/addons`, config]);
}

function program(name: string, flags: Record<string, string>) {
  return {
    name,
    image: `registry.k8s.io/${name}:${VERSION}`,
    command: [name, ...Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`)],
    resources: { requests: { cpu: '100m' } },
  };
}

function probe(where: { host: string; port: number; path: string }) {
  const httpGet = { ...where, scheme: 'HTTPS' };
  return {
    livenessProbe: { httpGet, periodSeconds: 10, timeoutSeconds: 15, failureThreshold: 8 },
    startupProbe: { httpGet, periodSeconds: 2, timeoutSeconds: 15, failureThreshold: 60 },
  };
}

/** `paths` of the host are there for the pod to read, under the same names. */
function pod(name: string, container: object, paths: readonly string[]): Pod {
  const volumeMounts = paths.map((mountPath, i) => ({ name: `path-${i}`, mountPath, readOnly: true }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'kube-system', labels: { component: name, tier: 'control-plane' } },
    spec: {
      hostNetwork: true,
      priorityClassName: 'system-node-critical',
      containers: [{ ...container, volumeMounts }],
      volumes: paths.map((path, i) => ({ name: `path-${i}`, hostPath: { path } })),
    },
  };
}
