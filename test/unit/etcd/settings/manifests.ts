// Manifests of etcd as kubeadm writes them, for the host m1 at 192.0.2.11.

const FLAGS_1_20 = `    - --advertise-client-urls=https://192.0.2.11:2379
    - --cert-file=/etc/kubernetes/pki/etcd/server.crt
    - --client-cert-auth=true
    - --data-dir=/var/lib/etcd
    - --initial-advertise-peer-urls=https://192.0.2.11:2380
    - --initial-cluster=m1=https://192.0.2.11:2380
    - --key-file=/etc/kubernetes/pki/etcd/server.key
    - --listen-client-urls=https://127.0.0.1:2379,https://192.0.2.11:2379
    - --listen-metrics-urls=http://127.0.0.1:2381
    - --listen-peer-urls=https://192.0.2.11:2380
    - --name=m1
    - --peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt
    - --peer-client-cert-auth=true
    - --peer-key-file=/etc/kubernetes/pki/etcd/peer.key
    - --peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt
    - --snapshot-count=10000
    - --trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt
`;

function manifest(
  flags: string,
  image: string,
  rest: { annotations?: string; requests: string; security: string },
): string {
  return `apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubeadm.kubernetes.io/etcd.advertise-client-urls: https://192.0.2.11:2379
${rest.annotations ?? ''}  labels:
    component: etcd
    tier: control-plane
  name: etcd
  namespace: kube-system
spec:
  containers:
  - command:
    - etcd
${flags}    image: ${image}
    imagePullPolicy: IfNotPresent
    livenessProbe:
      failureThreshold: 8
      httpGet:
        host: 127.0.0.1
        path: /health
        port: 2381
        scheme: HTTP
      initialDelaySeconds: 10
      periodSeconds: 10
      timeoutSeconds: 15
    name: etcd
    resources:
      requests:
${rest.requests}    volumeMounts:
    - mountPath: /var/lib/etcd
      name: etcd-data
    - mountPath: /etc/kubernetes/pki/etcd
      name: etcd-certs
  hostNetwork: true
  priorityClassName: system-node-critical
${rest.security}  volumes:
  - hostPath:
      path: /etc/kubernetes/pki/etcd
      type: DirectoryOrCreate
    name: etcd-certs
  - hostPath:
      path: /var/lib/etcd
      type: DirectoryOrCreate
    name: etcd-data
status: {}
`;
}

/** Made by kubeadm 1.20.2. */
export const KUBEADM_1_20 = manifest(FLAGS_1_20, 'k8s.gcr.io/etcd:3.4.13-0', {
  annotations: '',
  requests: '        cpu: 100m\n        ephemeral-storage: 100Mi\n        memory: 100Mi\n',
  security: '',
});

const SECURITY = '  priority: 2000001000\n  securityContext:\n    seccompProfile:\n      type: RuntimeDefault\n';
const USUAL = '        cpu: 100m\n        memory: 100Mi\n';

/** With the flags that kubeadm has had since 1.25. */
export const KUBEADM_1_31 = manifest(
  FLAGS_1_20.replace(
    '    - --initial-advertise',
    '    - --experimental-initial-corrupt-check=true\n    - --experimental-watch-progress-notify-interval=5s\n    - --initial-advertise',
  ),
  'registry.k8s.io/etcd:3.5.15-0',
  { requests: USUAL, security: SECURITY },
);

/** With those it has for etcd 3.6. */
export const KUBEADM_1_34 = manifest(
  `${FLAGS_1_20.replace(
    '    - --initial-advertise',
    '    - --feature-gates=InitialCorruptCheck=true\n    - --initial-advertise',
  )}    - --watch-progress-notify-interval=5s\n`,
  'registry.k8s.io/etcd:3.6.4-0',
  { requests: USUAL, security: SECURITY },
);
