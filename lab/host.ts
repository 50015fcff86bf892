import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { cgroupOf, isPopulated } from './cgroup.ts';
import { LabFailure } from './failure.ts';
import { exec } from './guest.ts';
import { standaloneKubelet } from './kubernetes/kubelet.ts';
import { namespaceOf, setPort } from './network.ts';
import { addressOf, hostFolder, hostNames, type LabRecord, MAX_HOSTS, type Settings } from './settings.ts';
import { ask, sh, until } from './shell.ts';

// Below /var/lib; nothing else there is ever written in place.
const DATABASES = [
  'containerd/io.containerd.metadata.v1.bolt/meta.db',
  'containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db',
];

/** A cable pulled out stays out through a crash and a start: this file says so. */
export function cutMark(lab: Settings, host: string): string {
  return join(hostFolder(lab, host), 'cut');
}

/** Whether the host was made completely; one that was interrupted is made again. */
export function isMade(lab: Settings, host: string): boolean {
  return existsSync(join(hostFolder(lab, host), 'made'));
}

/** Makes a host's own files over the base: who it is, its host key, who may log in, how its kubelet is set up. */
export async function makeHost(lab: Settings, host: string, { base, flavour }: LabRecord): Promise<void> {
  const folder = hostFolder(lab, host);
  rmSync(folder, { recursive: true, force: true });
  for (const name of ['upper', 'work', 'root', 'disks']) mkdirSync(join(folder, name), { recursive: true });
  const place = (path: string, mode: number, text: string, owner = 0) =>
    placeFile(base, join(folder, 'upper'), path, mode, text, owner);

  const names = hostNames(MAX_HOSTS).map((name) => `${addressOf(lab, name)} ${name}\n`);
  place('etc/hosts', 0o644, `127.0.0.1 localhost\n${names.join('')}`);
  place('etc/hostname', 0o644, `${host}\n`);
  place('etc/machine-id', 0o444, `${createHash('md5').update(`${lab.id} ${host}`).digest('hex')}\n`);

  const hostKey = join(folder, 'host_key');
  await sh`ssh-keygen -q -t ed25519 -N ${''} -C ${`root@${host}`} -f ${hostKey}`;
  const publicKey = readFileSync(`${hostKey}.pub`, 'utf8');
  place('etc/ssh/ssh_host_ed25519_key', 0o600, readFileSync(hostKey, 'utf8'));
  place('etc/ssh/ssh_host_ed25519_key.pub', 0o644, publicKey);
  const login = readFileSync(`${lab.key}.pub`, 'utf8');
  place('root/.ssh/authorized_keys', 0o600, login);
  place('home/ops/.ssh/authorized_keys', 0o600, login, 1000);

  await placePlain(base, folder);
  if (flavour === 'kubelet') placeKubelet(base, folder);

  writeFileSync(join(folder, 'made'), '');
}

/** Boots a host and returns when its systemd has finished booting and its sshd answers. */
export async function bootHost(lab: Settings, host: string, record: LabRecord): Promise<void> {
  const cgroup = cgroupOf(lab, host);
  const folder = hostFolder(lab, host);
  mkdirSync(cgroup, { recursive: true });
  writeFileSync(join(cgroup, 'cgroup.freeze'), '0');
  const plugged = !existsSync(cutMark(lab, host));
  await setPort(lab, host, plugged ? 'up' : 'down');

  const consoleLog = openSync(join(folder, 'console.log'), 'a');
  const script = join(import.meta.dirname, 'boot.sh');
  const keeper = [
    '--mount',
    '--propagation',
    'slave',
    'bash',
    script,
    folder,
    record.base,
    cgroup,
    host,
    lab.switch,
    namespaceOf(lab, host),
  ];
  const child = spawn('/usr/bin/unshare', keeper, {
    detached: true,
    stdio: ['ignore', consoleLog, consoleLog],
    cwd: '/',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  child.unref();
  closeSync(consoleLog);
  let ended = false;
  child.on('exit', () => (ended = true)).on('error', () => (ended = true));

  const ready = await until(90, async () => {
    if (ended) return false;
    if (!isPopulated(cgroup) || (await bootState(lab, host)) === undefined) return undefined;
    return !plugged || (await sshAnswers(addressOf(lab, host))) || undefined;
  });
  if (ready) return;
  const said = readFileSync(join(folder, 'console.log'), 'utf8').trimEnd().split('\n').slice(-8).join('\n    ');
  throw new LabFailure(
    `${host} did not boot; its console said last:\n    ${said}`,
    `read ${folder}/console.log, or start over: npm run lab -- down`,
  );
}

// `degraded` is a host that works with a unit that failed: the caller may look which.
async function bootState(lab: Settings, host: string): Promise<string | undefined> {
  const state = await exec(lab, host, ['systemctl', 'is-system-running', '--wait']).catch(() => undefined);
  return state && ['running', 'degraded'].includes(state.stdout.trim()) ? state.stdout.trim() : undefined;
}

function sshAnswers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: 22, timeout: 1000 });
    const answer = (works: boolean) => {
      socket.destroy();
      resolve(works);
    };
    socket.once('data', (data) => answer(data.toString().startsWith('SSH-')));
    socket
      .once('error', () => answer(false))
      .once('timeout', () => answer(false))
      .once('close', () => answer(false));
  });
}

// What containerd and a kubelet write cannot be on an overlay: boot.sh binds it from the lab's own folder.
async function placePlain(base: string, folder: string) {
  const [from, to] = [join(base, 'var/lib'), join(folder, 'plain')];
  if (!existsSync(join(from, 'containerd'))) return;
  mkdirSync(to);
  await sh`cp --archive ${join(from, 'kubelet')} ${to}`;
  // Of an image's files containerd only makes and removes names, so all hosts may have the same ones; its databases it writes.
  const linked = await ask`cp --archive --link ${join(from, 'containerd')} ${to}`;
  const own =
    linked.exitCode === 0 ? ['--remove-destination', '--parents', ...DATABASES] : ['--recursive', 'containerd'];
  await sh({ cwd: from })`cp --archive ${own} ${to}`;
}

function placeKubelet(base: string, folder: string) {
  const plain = '/var/lib/';
  for (const [path, { mode, text }] of Object.entries(standaloneKubelet)) {
    if (path.startsWith(plain))
      placeFile(join(base, plain), join(folder, 'plain'), path.slice(plain.length), mode, text, 0);
    else placeFile(base, join(folder, 'upper'), path.slice(1), mode, text, 0);
  }
  mkdirSync(join(folder, 'upper/etc/kubernetes/manifests'), { recursive: true });
}

// An upper folder covers the base's own: it must have the same mode and owner, or the host would see others.
function placeFile(base: string, upper: string, path: string, mode: number, text: string, owner: number) {
  makeFolder(base, upper, dirname(path), owner);
  writeFileSync(join(upper, path), text);
  chmodSync(join(upper, path), mode);
  chownSync(join(upper, path), owner, owner);
}

function makeFolder(base: string, upper: string, path: string, owner: number) {
  if (path === '.' || existsSync(join(upper, path))) return;
  makeFolder(base, upper, dirname(path), owner);
  const model = statSync(join(base, path), { throwIfNoEntry: false }) ?? { mode: 0o700, uid: owner, gid: owner };
  mkdirSync(join(upper, path));
  chmodSync(join(upper, path), model.mode & 0o7777);
  chownSync(join(upper, path), model.uid, model.gid);
}
