import { type Recipe, recipe } from '../recipe.ts';
import { program } from './programs.ts';

/** The name that the pause image has everywhere. */
export const PAUSE = 'registry.k8s.io/pause:3.9';

/** That of a shell with its tools. */
export const BUSYBOX = 'docker.io/library/busybox:1.35';

const CONTAINERD = `version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE}"
  disable_cgroup = true
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;

// A node is ready when its pods can have a network: here one that ends at the host.
const NETWORK = {
  cniVersion: '0.3.1',
  name: 'lab',
  plugins: [
    {
      type: 'bridge',
      bridge: 'cni0',
      isGateway: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.244.0.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
  ],
};

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

/** A host that can become a Kubernetes master: containerd with the images, kubectl, and a kubelet that nobody has set up. */
export const kubernetesRecipe: Recipe & { program: unknown } = {
  ...recipe,
  edition: 3,
  program,
  packages: [...recipe.packages, 'containerd', 'runc', 'containernetworking-plugins', 'catatonit', 'kubernetes-client'],
  files: {
    ...recipe.files,
    '/etc/containerd/config.toml': { mode: 0o644, text: CONTAINERD },
    '/etc/cni/net.d/10-lab.conflist': { mode: 0o644, text: `${JSON.stringify(NETWORK, null, 2)}\n` },
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
  finish: ['mkdir -p /var/lib/kubelet', 'systemctl enable lab-kernel.service', ...recipe.finish],
};
