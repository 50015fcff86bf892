// What a kubelet's package and kubeadm leave on a host before anything is started: the files of the flavour `kubelet`.
import type { Recipe } from '../recipe.ts';
import { PAUSE } from './recipe.ts';

/**
 * What any kubelet on a host of the lab has to be told, as command line flags without their dashes: they come before what
 * its configuration file says.
 */
export const kubeletFlags: Readonly<Record<string, string>> = {
  'container-runtime': 'remote',
  'container-runtime-endpoint': 'unix:///run/containerd/containerd.sock',
  'pod-infra-container-image': PAUSE,
  // A host of the lab may have no cgroup controllers to limit pods with.
  'cgroup-driver': 'cgroupfs',
  'cgroups-per-qos': 'false',
  'enforce-node-allocatable': '',
  'fail-swap-on': 'false',
  // There is no registry to fetch an image from again, and the disk is this machine's.
  'image-gc-high-threshold': '100',
  'eviction-hard': 'memory.available<0%,nodefs.available<0%,nodefs.inodesFree<0%,imagefs.available<0%',
};

const FLAGS = Object.entries(kubeletFlags).map(([name, value]) => `--${name}=${value}`);

const CONFIG = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
staticPodPath: /etc/kubernetes/manifests
address: 127.0.0.1
authentication:
  anonymous: { enabled: true }
  webhook: { enabled: false }
authorization: { mode: AlwaysAllow }
healthzBindAddress: 127.0.0.1
healthzPort: 10248
`;

/** A kubelet that runs static pods and knows no API server: installed and not enabled. No path leads through a link of the base. */
export const standaloneKubelet: Recipe['files'] = {
  '/var/lib/kubelet/config.yaml': { mode: 0o644, text: CONFIG },
  '/var/lib/kubelet/kubeadm-flags.env': { mode: 0o644, text: `KUBELET_KUBEADM_ARGS="${FLAGS.join(' ')}"\n` },
  '/usr/lib/systemd/system/kubelet.service': {
    mode: 0o644,
    text: `[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/home/
Wants=network-online.target
After=network-online.target
[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10
[Install]
WantedBy=multi-user.target
`,
  },
  '/etc/systemd/system/kubelet.service.d/10-kubeadm.conf': {
    mode: 0o644,
    text: `[Service]
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`,
  },
};
