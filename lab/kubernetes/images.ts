import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { inChroot } from '../chroot.ts';
import { sh } from '../shell.ts';
import { type Image, writeLayout } from './oci.ts';
import { program } from './programs.ts';
import { BUSYBOX, PAUSE } from './recipe.ts';

const REGISTRY = 'registry.k8s.io';
const BIN = 'usr/local/bin';

// With the libraries that the programs are linked with, if they are.
const COPY = `to=$1; shift
for program; do
  libraries=$(ldd "$program" 2>/dev/null | grep -o '/[^ ]*' || true)
  cp --dereference --parents "$program" $libraries "$to"
done`;

const IMPORT = `containerd >/tmp/containerd.log 2>&1 &
until ctr version >/dev/null 2>&1; do kill -0 $!; sleep 0.1; done
tar -c -C /tmp/images/layout . | ctr -n k8s.io images import - >/dev/null
kill $! && wait $!
rm -rf /tmp/* /run/containerd`;

/**
 * Puts the images that a master's pods need into the containerd of the base at `root`, there being no registry to pull
 * from, under the names that kubeadm and the addon manager's authors give them: each etcd of /opt/etcd, the programs of the
 * control plane in the folder `programs`, what holds a pod together, and a shell. Returns their names.
 */
export async function addImages(root: string, programs: string): Promise<string[]> {
  const version = (await sh`${join(programs, 'kubelet')} --version`).stdout.trim().split(' ').at(-1)!;
  const controlPlane = program.commands.filter((name) => name !== 'kubelet');
  const images = await Promise.all([
    stagePause(root),
    ...readdirSync(join(root, 'opt/etcd')).map((etcd) => stageEtcd(root, etcd)),
    ...controlPlane.map((name) => stageProgram(root, programs, name, version)),
    stageAddonManager(root, programs),
    stageShell(root),
  ]);
  const folder = join(root, 'tmp/images');
  await writeLayout(join(folder, 'layout'), images);
  await inChroot(root, IMPORT);
  rmSync(folder, { recursive: true, force: true });
  return images.map((image) => image.name);
}

/** The folder of an image's files as it is named inside the base, and as it is named here. */
function makeFolder(root: string, name: string, folders: readonly string[] = []): [string, string] {
  const inside = `/tmp/images/${name}`;
  for (const folder of ['', ...folders]) mkdirSync(join(root, inside, folder), { recursive: true });
  return [inside, join(root, inside)];
}

// Without a shell, as its authors make it.
async function stageEtcd(root: string, version: string): Promise<Image> {
  const [inside, files] = makeFolder(root, `etcd-${version}`, [BIN, 'var/lib/etcd', 'etc']);
  await inChroot(root, COPY, inside, `/opt/etcd/${version}/etcd`);
  rmSync(join(files, 'opt'), { recursive: true });
  cpSync(join(root, 'opt/etcd', version), join(files, BIN), { recursive: true });
  return { name: `${REGISTRY}/etcd:${version}-0`, files, command: ['etcd'] };
}

// They are linked with nothing.
async function stageProgram(root: string, programs: string, name: string, version: string): Promise<Image> {
  const [, files] = makeFolder(root, name, [BIN, 'etc', 'tmp']);
  copyFileSync(join(programs, name), join(files, BIN, name));
  return { name: `${REGISTRY}/${name}:${version}`, files, command: [name] };
}

// The number of its release stands in its makefile.
async function stageAddonManager(root: string, programs: string): Promise<Image> {
  const [inside, files] = makeFolder(root, 'addon-manager', [BIN, 'opt', 'tmp', 'var/log']);
  const tools = ['bash', 'cat', 'date', 'env', 'grep', 'sed', 'sleep'].map((name) => `/usr/bin/${name}`);
  await inChroot(root, COPY, inside, ...tools);
  symlinkSync('usr/bin', join(files, 'bin'));
  copyFileSync(join(root, 'usr/bin/kubectl'), join(files, BIN, 'kubectl'));
  const source = join(programs, 'addon-manager');
  for (const name of readdirSync(source).filter((name) => name.endsWith('.sh')))
    copyFileSync(join(source, name), join(files, 'opt', name));
  const version = (await sh`sed -n 's/^VERSION=//p' ${join(source, 'Makefile')}`).stdout.trim();
  return {
    name: `${REGISTRY}/addon-manager/kube-addon-manager:${version}`,
    files,
    command: ['/opt/kube-addons-main.sh'],
  };
}

// Of the version that Debian's suite has.
async function stageShell(root: string): Promise<Image> {
  const [inside, files] = makeFolder(root, 'busybox', ['tmp']);
  await inChroot(root, COPY, inside, '/usr/bin/busybox');
  await inChroot(root, 'busybox --install -s "$1/usr/bin"', inside);
  symlinkSync('usr/bin', join(files, 'bin'));
  return { name: BUSYBOX, files, command: ['sh'] };
}

async function stagePause(root: string): Promise<Image> {
  const [inside, files] = makeFolder(root, 'pause');
  await inChroot(root, COPY, inside, '/usr/bin/catatonit');
  cpSync(join(files, 'usr/bin', 'catatonit'), join(files, 'pause'));
  return { name: PAUSE, files, command: ['/pause', '-P'] };
}
