// An etcd cluster that kubeadm has made: its certificates and its manifests, under a real kubelet, as kubeadm's guide to
// a highly available etcd has it.
import { readFileSync } from 'node:fs';
import { ensureKubeadm } from '../../lab/kubernetes/kubeadm.ts';
import type { Rig } from './rig.ts';

const PKI = '/etc/kubernetes/pki';
const CERTIFICATES = ['etcd-server', 'etcd-peer', 'etcd-healthcheck-client', 'apiserver-etcd-client'];

/** Needs hosts with a kubelet; returns when each member serves. `version`: one that the hosts have an image of. */
export async function foundWithKubeadm({ lab }: Rig, hosts: readonly string[], version: string): Promise<void> {
  const kubeadm = readFileSync(await ensureKubeadm((line) => console.log(line)));
  const initial = hosts.map((host) => `${host}=https://${lab.address(host)}:2380`).join(',');
  await Promise.all(
    hosts.map(async (host) => {
      await lab.run(host, 'cat >/usr/bin/kubeadm && chmod 755 /usr/bin/kubeadm', kubeadm);
      await lab.run(host, 'cat >/root/kubeadm.yaml', configuration(host, lab.address(host), version, initial));
    }),
  );
  const phase = (host: string, name: string) => lab.run(host, `kubeadm init phase ${name} --config /root/kubeadm.yaml`);
  const [first, ...others] = hosts;
  await phase(first!, 'certs etcd-ca');
  const authority = await lab.run(first!, `tar -C / -cf - ${PKI.slice(1)}/etcd | base64`);
  await Promise.all(others.map((host) => lab.run(host, 'base64 -d | tar -C / -xf -', authority)));
  await Promise.all(
    hosts.map(async (host) => {
      for (const name of CERTIFICATES) await phase(host, `certs ${name}`);
      // Only where it signs: the guide has it taken away elsewhere.
      if (host !== first) await lab.run(host, `rm ${PKI}/etcd/ca.key`);
      await phase(host, 'etcd local');
      await lab.run(host, 'systemctl enable --now kubelet');
    }),
  );
  const etcdctl = `/proc/$(pgrep -x etcd)/root/usr/local/bin/etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${PKI}/etcd/ca.crt --cert=${PKI}/etcd/healthcheck-client.crt --key=${PKI}/etcd/healthcheck-client.key`;
  const serves = `until ${etcdctl} endpoint health >/dev/null 2>&1; do sleep 0.2; done`;
  await Promise.all(hosts.map((host) => lab.run(host, ['timeout', '120', 'sh', '-c', serves])));
}

/** Nothing but what the guide sets; a host of the lab has no default route to find its address by. */
function configuration(host: string, address: string, version: string, initial: string): string {
  return `apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
localAPIEndpoint: { advertiseAddress: ${address} }
nodeRegistration: { name: ${host} }
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
kubernetesVersion: v1.20.2
imageRepository: registry.k8s.io
etcd:
  local:
    imageTag: ${version}-0
    extraArgs:
      initial-cluster: ${initial}
      initial-cluster-state: new
`;
}
