import { existsSync } from 'node:fs';
import { which } from 'zx';
import { LabFailure } from './failure.ts';

// Command → Debian package; `lab/install` installs the same packages.
const COMMANDS = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  nft: 'nftables',
  ip: 'iproute2',
  'ssh-keygen': 'openssh-client',
  flock: 'util-linux',
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
};
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** Throws {@link LabFailure} when this machine cannot hold a lab: not Linux, not root, or packages missing. */
export async function requireMachine(): Promise<void> {
  if (process.platform !== 'linux')
    throw new LabFailure(
      `The lab boots Linux hosts on this machine's own kernel, and this is ${process.platform}.`,
      'work in a Linux virtual machine, for example Debian 12: see docs/lab.md',
    );
  if (process.getuid?.() !== 0)
    throw new LabFailure(
      'The lab makes namespaces, mounts and cgroups, which only root may.',
      'run the same as root, for example with sudo',
    );

  const path = `/usr/sbin:/usr/bin:/sbin:/bin:${process.env.PATH ?? ''}`;
  const found = await Promise.all(Object.keys(COMMANDS).map((command) => which(command, { nothrow: true, path })));
  const missing = Object.values(COMMANDS).filter((_, i) => !found[i]);
  if (!existsSync(KEYRING)) missing.push('debian-archive-keyring');
  if (missing.length > 0)
    throw new LabFailure(
      `The lab needs Debian packages that are not installed: ${missing.join(', ')}.`,
      `apt-get install -y ${missing.join(' ')}   (or run lab/install)`,
    );
}
