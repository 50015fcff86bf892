// Keys of the control plane that must agree with each other.
import { type Cidr, overlap, parseCidr } from '../cidr.ts';
import { compareVersions } from '../etcd/versions.ts';
import type { Failure } from '../failure.ts';
import { explainSkew } from '../kubelet-skew.ts';
import type { Pillar } from './pillar.ts';
import { refuse } from './refuse.ts';

/** Manifests and flags are known from this version on: before it the API server still had a port without TLS. */
const OLDEST = '1.20.0';

/** The API server itself has the second address, the DNS the eleventh. */
const SERVICES = 16n;

export function checkControlPlane(pillar: Pillar): Failure[] {
  return [
    ...checkStorageBackend(pillar),
    ...checkVersion(pillar),
    ...checkKubelet(pillar),
    ...checkNetworks(pillar),
    ...checkDirectories(pillar),
  ];
}

/** Source: kube-apiserver's `--storage-backend`; etcd2 left with 1.13 (kubernetes/kubernetes#69310). */
function checkStorageBackend(pillar: Pillar): Failure[] {
  const { storage_backend: backend } = pillar.data;
  if (backend === undefined || backend === null || backend === 'etcd3') return [];
  const why =
    backend === 'etcd2'
      ? 'etcd2 keeps its data where no snapshot of etcd 3 finds it, and Kubernetes cannot use it since 1.13'
      : 'etcd3 is all there is';
  const next = 'leave storage_backend out, or set it to etcd3; data of etcd2 has to be migrated first, with etcd 3.3';
  return [refuse(pillar, [['storage_backend']], `storage_backend cannot be ${JSON.stringify(backend)}: ${why}`, next)];
}

function checkVersion(pillar: Pillar): Failure[] {
  const { control_plane: plane, kubernetes_version: version } = pillar.data;
  if (plane !== 'managed') return [];
  if (typeof version !== 'string') {
    const message = 'control_plane: managed needs kubernetes_version, for its images and its flags';
    return [refuse(pillar, [['control_plane']], message, 'kubernetes_version: MAJOR.MINOR.PATCH')];
  }
  if (compareVersions(version, OLDEST) >= 0) return [];
  const message = `kubernetes_version is ${version}, and control_plane: managed begins with ${OLDEST}`;
  return [refuse(pillar, [['kubernetes_version']], message, 'upgrade first, or set control_plane: kubeadm or none')];
}

function checkKubelet(pillar: Pillar): Failure[] {
  const { kubelet_install: install, kubelet_version: version, kubernetes_version: plane } = pillar.data;
  if (typeof version !== 'string') {
    if (install === undefined) return [];
    const message = 'kubelet_install needs kubelet_version: nobody has said which one is to be there';
    return [refuse(pillar, [['kubelet_install']], message, 'kubelet_version: MAJOR.MINOR.PATCH')];
  }
  const why = typeof plane === 'string' ? explainSkew(plane, version) : undefined;
  if (why === undefined) return [];
  const message = `kubelet_version (${version}) does not go with kubernetes_version (${String(plane)}): ${why}`;
  const next = 'the control plane is upgraded first, then the kubelet';
  return [refuse(pillar, [['kubernetes_version'], ['kubelet_version']], message, next)];
}

/** Both have a ca.crt. */
function checkDirectories(pillar: Pillar): Failure[] {
  const { control_plane: plane, kubernetes_pki_dir: kubernetes, etcd_pki_dir: etcd } = pillar.data;
  if (plane !== 'managed' || kubernetes !== etcd) return [];
  const message = `kubernetes_pki_dir and etcd_pki_dir are both ${String(etcd)}, and the CA of Kubernetes is another one than etcd's`;
  return [refuse(pillar, [['etcd_pki_dir'], ['kubernetes_pki_dir']], message, 'give each a directory of its own')];
}

function checkNetworks(pillar: Pillar): Failure[] {
  const failures: Failure[] = [];
  const networks = ['service_cidr', 'cluster_cidr'].flatMap((key): [string, Cidr][] => {
    const text = pillar.data[key];
    if (typeof text !== 'string') return [];
    const network = parseCidr(text);
    if (network !== undefined) return [[key, network]];
    const message = `${key} (${text}) is no network: an address with nothing behind its prefix, and the prefix's length`;
    failures.push(refuse(pillar, [[key]], message, `${key}: 10.96.0.0/12`));
    return [];
  });
  const [service, pods] = networks.map(([, network]) => network);
  if (networks[0]?.[0] === 'service_cidr' && service!.size < SERVICES) {
    const message = `service_cidr (${String(pillar.data.service_cidr)}) has only ${service!.size} addresses`;
    failures.push(refuse(pillar, [['service_cidr']], message, `give it ${SERVICES} or more: the DNS has the tenth`));
  }
  if (service !== undefined && pods !== undefined && overlap(service, pods)) {
    const message = `service_cidr (${String(pillar.data.service_cidr)}) and cluster_cidr (${String(pillar.data.cluster_cidr)}) overlap`;
    const next = 'give services and pods networks of their own';
    failures.push(refuse(pillar, [['service_cidr'], ['cluster_cidr']], message, next));
  }
  return failures;
}
