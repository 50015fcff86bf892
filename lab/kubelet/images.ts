import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inChroot } from '../chroot.ts';
import { type Image, writeLayout } from './oci.ts';
import { PAUSE } from './recipe.ts';

// With the libraries that the program is linked with, if it is.
const COPY = `to=$1 program=$2; shift 2
libraries=$(ldd "$program" 2>/dev/null | grep -o '/[^ ]*' || true)
[ -z "$libraries" ] || cp --dereference --parents $libraries "$to"
cp "$@"`;

const IMPORT = `containerd >/tmp/containerd.log 2>&1 &
until ctr version >/dev/null 2>&1; do kill -0 $!; sleep 0.1; done
tar -c -C /tmp/images/layout . | ctr -n k8s.io images import - >/dev/null
kill $! && wait $!
rm -rf /tmp/* /run/containerd`;

/**
 * Puts the images that static pods need into the containerd of the base at `root`, there being no registry to pull from:
 * each etcd of /opt/etcd under the name that kubeadm gives it, and the one that holds a pod together. Returns their names.
 */
export async function addImages(root: string): Promise<string[]> {
  const folder = join(root, 'tmp/images');
  const versions = readdirSync(join(root, 'opt/etcd'));
  const etcd = versions.map((version) => stageEtcd(root, version));
  const images = await Promise.all([stagePause(root), ...etcd]);
  await writeLayout(join(folder, 'layout'), images);
  await inChroot(root, IMPORT);
  rmSync(folder, { recursive: true, force: true });
  return images.map((image) => image.name);
}

async function stageEtcd(root: string, version: string): Promise<Image> {
  const inside = `/tmp/images/${version}`;
  const files = join(root, inside);
  for (const name of ['usr/local/bin', 'var/lib/etcd', 'etc']) mkdirSync(join(files, name), { recursive: true });
  const program = `/opt/etcd/${version}/etcd`;
  await inChroot(root, COPY, inside, program, '--recursive', `/opt/etcd/${version}/.`, `${inside}/usr/local/bin/`);
  return { name: `registry.k8s.io/etcd:${version}-0`, files, command: ['etcd'] };
}

async function stagePause(root: string): Promise<Image> {
  const inside = '/tmp/images/pause';
  mkdirSync(join(root, inside), { recursive: true });
  await inChroot(root, COPY, inside, '/usr/bin/catatonit', '/usr/bin/catatonit', `${inside}/pause`);
  return { name: PAUSE, files: join(root, inside), command: ['/pause', '-P'] };
}
