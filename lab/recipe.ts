/** What an image for hosts is made of. Its hash names the image, so any change builds a new one. */
export interface Recipe {
  /** Counts changes of how the recipe is followed. */
  edition: number;
  suite: string;
  packages: string[];
  /** Every suite whose etcd goes to /opt/etcd/<version>. */
  etcd: { suites: string[]; packages: string[] };
  /** Units that have no work in a host without hardware, or would change a host by themselves. */
  masked: string[];
  files: Record<string, { mode: number; text: string }>;
  /** Run in the image as root, in order, when all of the above but etcd is there. */
  finish: string[];
}

/** A bare host. */
export const recipe: Recipe = {
  edition: 1,
  suite: 'bookworm',

  packages: [
    // A host as an administrator knows it: systemd, logins, sudo, network, disks.
    ...['systemd', 'systemd-sysv', 'dbus', 'libpam-systemd', 'openssh-server', 'sudo'],
    ...['iproute2', 'nftables', 'procps', 'e2fsprogs', 'openssl', 'ca-certificates', 'curl', 'jq'],
    // The shells that a program sent to a host may meet.
    ...['dash', 'bash', 'busybox', 'tcsh'],
  ],

  etcd: { suites: ['bookworm', 'trixie', 'sid'], packages: ['etcd-server', 'etcd-client'] },

  masked: [
    ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'fstrim.timer'],
    ...['e2scrub_reap.service', 'systemd-networkd.service', 'nftables.service', 'systemd-remount-fs.service'],
    ...['getty.target', 'console-getty.service', 'dev-hugepages.mount', 'sys-fs-fuse-connections.mount'],
  ],

  files: {
    '/etc/sudoers.d/ops': { mode: 0o440, text: 'ops ALL=(ALL) NOPASSWD:ALL\n' },
    '/etc/ssh/sshd_config.d/lab.conf': { mode: 0o644, text: 'PasswordAuthentication no\n' },
    // systemd in a container leaves the disks that fstab names alone; a host of the lab mounts them as a machine does.
    '/etc/systemd/system/lab-fstab.service': {
      mode: 0o644,
      text: `[Unit]
Description=Mount the disks that fstab names
DefaultDependencies=no
After=systemd-tmpfiles-setup-dev.service local-fs-pre.target
Before=local-fs.target
[Service]
Type=oneshot
ExecStart=/bin/mount --all
RemainAfterExit=yes
[Install]
WantedBy=local-fs.target
`,
    },
    '/etc/resolv.conf': { mode: 0o644, text: '# a lab host resolves the names in /etc/hosts only\n' },
    '/etc/default/locale': { mode: 0o644, text: '' },
    '/etc/machine-id': { mode: 0o444, text: '' },
  },

  // Host keys and identity are each host's own.
  finish: [
    'useradd --create-home --shell /bin/bash ops',
    'systemctl enable lab-fstab.service',
    'rm -rf /etc/ssh/ssh_host_* /etc/hostname /var/lib/apt/lists/* /var/log/*.log /var/log/apt',
    'apt-get clean',
  ],
};
