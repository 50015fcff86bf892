import { type Recipe, recipe } from '../recipe.ts';
import { program } from './programs.ts';

/** The name that the pause image has everywhere. */
export const PAUSE = 'registry.k8s.io/pause:3.9';

// What kubeadm sets in /var/lib/kubelet/config.yaml, and then what is different here.
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
# A host of the lab may have no cgroup controllers to limit pods with.
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failSwapOn: false
# There is no registry to fetch an image from again, and the disk is this machine's.
imageGCHighThresholdPercent: 100
evictionHard: { memory.available: "0%", nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%" }
`;

const FLAGS = [
  ...['--container-runtime=remote', '--container-runtime-endpoint=unix:///run/containerd/containerd.sock'],
  `--pod-infra-container-image=${PAUSE}`,
];

const CONTAINERD = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE}"
  disable_cgroup = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;

// The kernel settings that a kubelet insists on, by the file below /proc/sys.
const KERNEL = {
  'vm/overcommit_memory': 1,
  'vm/panic_on_oom': 0,
  'kernel/panic': 10,
  'kernel/panic_on_oops': 1,
  'kernel/keys/root_maxkeys': 1_000_000,
  'kernel/keys/root_maxbytes': 25_000_000,
};

const shadows = Object.entries(KERNEL).map(
  ([name, value]) => `echo ${value} >/run/kernel/${name} && mount --bind /run/kernel/${name} /proc/sys/${name}`,
);

/** A host on which a kubelet can run static pods: installed and not enabled, as before kubeadm has been there. */
export const kubeletRecipe: Recipe & { program: unknown } = {
  ...recipe,
  edition: 1,
  program,
  packages: [...recipe.packages, 'containerd', 'runc', 'catatonit', 'kubernetes-client'],
  files: {
    ...recipe.files,
    '/etc/containerd/config.toml': { mode: 0o644, text: CONTAINERD },
    '/var/lib/kubelet/config.yaml': { mode: 0o644, text: CONFIG },
    '/var/lib/kubelet/kubeadm-flags.env': { mode: 0o644, text: `KUBELET_KUBEADM_ARGS="${FLAGS.join(' ')}"\n` },
    '/lib/systemd/system/kubelet.service': {
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
    // This machine's kernel is not the host's to set, and its messages are not the host's to read.
    '/etc/systemd/system/lab-kernel.service': {
      mode: 0o644,
      text: `[Unit]
Description=Show a kubelet the kernel it expects
Before=kubelet.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/mkdir -p /run/kernel/vm /run/kernel/kernel/keys
ExecStart=/bin/ln -sf /dev/null /dev/kmsg
${shadows.map((command) => `ExecStart=/bin/sh -c '${command}'`).join('\n')}
[Install]
WantedBy=multi-user.target
`,
    },
  },
  finish: ['mkdir -p /etc/kubernetes/manifests', 'systemctl enable lab-kernel.service', ...recipe.finish],
};
