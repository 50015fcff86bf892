import { APT_OPTIONS } from './apt.ts';
import { sh } from './shell.ts';

// Mounts and processes of its own, all gone with this process: an interrupted build leaves neither.
const ALONE = 'setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child'.split(' ');

/** Makes a Debian of `suite` with `packages` in the folder `root`. */
export async function debootstrap(root: string, suite: string, mirror: string, packages: readonly string[]) {
  const options = APT_OPTIONS.flatMap((option) => ['--aptopt', option.replace('=', ' "').concat('"')]);
  await sh`exec ${ALONE} --mount-proc \
    mmdebstrap --quiet --mode=root --variant=minbase ${options} --include=${packages.join(',')} ${suite} ${root} ${mirror}`;
}

/** Runs a script of sh in the Debian at `root`, without the network. Starts at once; the process can be listened to. */
export function inChroot(root: string, script: string, ...args: readonly string[]) {
  return sh`exec ${ALONE} --net --mount-proc=${`${root}/proc`} chroot ${root} sh -euc ${script} sh ${args}`;
}
