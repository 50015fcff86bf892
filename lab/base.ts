import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { LabFailure } from './failure.ts';
import { locked } from './lock.ts';
import { recipe } from './recipe.ts';
import { cacheFolder } from './settings.ts';
import { ask, sh } from './shell.ts';

const APT_OPTIONS = ['APT::Install-Recommends=false', 'APT::Sandbox::User=root', 'Acquire::Check-Valid-Until=false'];

/**
 * The folder of the base image that every host shares read-only, built first if the recipe has none yet (about a minute).
 * It appears under its name only when it is complete.
 */
export async function ensureBase(log: (line: string) => void): Promise<string> {
  const cache = cacheFolder();
  const base = join(cache, `base-${recipeHash()}`);
  if (existsSync(base)) return base;

  const waiting = () => log('base: another process is building it; waiting');
  return locked(join(cache, 'base.lock'), waiting, async () => {
    if (existsSync(base)) return base;
    const started = performance.now();
    // Only an interrupted build leaves one: whoever builds has the lock.
    for (const name of readdirSync(cache))
      if (name.startsWith('building-')) rmSync(join(cache, name), { recursive: true });
    const building = join(cache, `building-${basename(base)}`);
    log(`base: building ${base}`);
    const mirror = await aptMirror();
    await bootstrap(building, mirror);
    log(`base: Debian ${recipe.suite} is there`);
    await configure(building);
    const versions = await addEtcd(building, await downloadEtcd(join(cache, 'debs'), mirror, log));
    renameSync(building, base);
    log(`base: ready in ${((performance.now() - started) / 1000).toFixed(0)} s, etcd ${versions.join(', ')}`);
    return base;
  });
}

function recipeHash(): string {
  return createHash('sha256')
    .update(JSON.stringify([recipe, arch()]))
    .digest('hex')
    .slice(0, 12);
}

// The machine's own mirror, so that a lab needs no more of the network than the machine's apt does.
async function aptMirror(): Promise<string> {
  const format = '$(REPO_URI) $(ORIGIN)';
  const targets = await sh`apt-get indextargets --format ${format} ${'Created-By: Packages'}`;
  const main = targets.stdout
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([uri]) => !uri?.includes('security'));
  // Without package lists nothing says where an archive comes from, but its address.
  const mirror = main.find(([, origin]) => origin === 'Debian') ?? main.find(([uri]) => /\/debian\/?$/.test(uri ?? ''));
  if (mirror?.[0]) return mirror[0];
  throw new LabFailure(
    'apt on this machine knows no Debian mirror to build the base from.',
    'add a Debian source to apt and run apt-get update',
  );
}

async function bootstrap(root: string, mirror: string) {
  const options = APT_OPTIONS.flatMap((option) => ['--aptopt', option.replace('=', ' "').concat('"')]);
  const include = recipe.packages.join(',');
  // In namespaces of its own, and dying with this process: an interrupted build leaves neither mounts nor processes.
  await sh`exec setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
    mmdebstrap --quiet --mode=root --variant=minbase ${options} --include=${include} ${recipe.suite} ${root} ${mirror}`;
}

async function configure(root: string) {
  for (const unit of recipe.masked) symlinkSync('/dev/null', join(root, 'etc/systemd/system', unit));
  for (const [path, file] of Object.entries(recipe.files)) {
    rmSync(join(root, path), { force: true });
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), file.text);
    chmodSync(join(root, path), file.mode);
  }
  for (const step of recipe.finish) await sh`chroot ${root} sh -c ${step}`;
}

// Suites move on: a version once downloaded stays in the cache and in every later base.
async function downloadEtcd(debs: string, mirror: string, log: (line: string) => void): Promise<string[]> {
  const apt = join(debs, 'apt');
  rmSync(apt, { recursive: true, force: true });
  mkdirSync(join(apt, 'lists/partial'), { recursive: true });
  mkdirSync(join(apt, 'cache/archives/partial'), { recursive: true });
  mkdirSync(join(apt, 'new'), { recursive: true });
  const signed = 'signed-by=/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(
    join(apt, 'sources.list'),
    recipe.etcd.suites.map((suite) => `deb [${signed}] ${mirror} ${suite} main\n`).join(''),
  );
  const dirs = [
    `Dir::Etc::SourceList=${apt}/sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${apt}/lists`,
    `Dir::Cache=${apt}/cache`,
  ];
  const options = [...APT_OPTIONS, ...dirs].flatMap((option) => ['-o', option]);

  const updated = await ask`apt-get -qq ${options} update`;
  if (updated.exitCode !== 0) log(`base: no package lists (${updated.stderr.trim()})`);
  for (const suite of recipe.etcd.suites) {
    const wanted = recipe.etcd.packages.map((name) => `${name}/${suite}`);
    const got = await ask({ cwd: join(apt, 'new') })`apt-get -qq ${options} download ${wanted}`;
    if (got.exitCode !== 0) log(`base: no etcd from ${suite} this time (${got.stderr.trim()})`);
  }
  // Only what arrived whole is kept.
  for (const name of readdirSync(join(apt, 'new'))) renameSync(join(apt, 'new', name), join(debs, name));
  rmSync(apt, { recursive: true });

  const found = readdirSync(debs)
    .filter((name) => name.endsWith('.deb'))
    .sort();
  if (found.length > 0) return found.map((name) => join(debs, name));
  throw new LabFailure(
    'No etcd package could be downloaded.',
    'see that apt-get update works on this machine, then try again',
  );
}

async function addEtcd(root: string, debs: string[]): Promise<string[]> {
  for (const deb of debs) {
    const full = (await sh`dpkg-deb --field ${deb} Version`).stdout;
    const version = /\d+\.\d+\.\d+/.exec(full)?.[0];
    if (!version) continue;
    const place = join(root, 'opt/etcd', version);
    await sh`mkdir -p ${place} && dpkg-deb --fsys-tarfile ${deb} | tar -x -C ${place} --strip-components=3 ./usr/bin`;
  }
  return readdirSync(join(root, 'opt/etcd'));
}
