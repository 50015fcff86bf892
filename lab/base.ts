import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { aptMirror, privateApt } from './apt.ts';
import { ensureCached } from './cache.ts';
import { debootstrap } from './chroot.ts';
import { LabFailure } from './failure.ts';
import { recipe as plain, type Recipe } from './recipe.ts';
import { cacheFolder } from './settings.ts';
import { ask, sh } from './shell.ts';

/** What a recipe alone does not say: done in the image when all else is there; returns what to say of it. */
export type Finish = (root: string) => Promise<string[]>;

/** The folder of the base image that every host shares read-only, built first if the recipe has none yet (about a minute). */
export async function ensureBase(
  log: (line: string) => void,
  recipe: Recipe = plain,
  finish: Finish = async () => [],
): Promise<string> {
  return ensureCached('base', recipe, log, async (root) => {
    const mirror = await aptMirror();
    await debootstrap(root, recipe.suite, mirror, recipe.packages);
    log(`base: Debian ${recipe.suite} is there`);
    await configure(root, recipe);
    const versions = await addEtcd(root, await downloadEtcd(join(cacheFolder(), 'debs'), recipe, mirror, log));
    return [`etcd ${versions.join(', ')}`, ...(await finish(root))].join('; ');
  });
}

async function configure(root: string, recipe: Recipe) {
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
async function downloadEtcd(
  debs: string,
  recipe: Recipe,
  mirror: string,
  log: (line: string) => void,
): Promise<string[]> {
  const apt = join(debs, 'apt');
  const options = privateApt(apt, 'deb', mirror, recipe.etcd.suites);
  mkdirSync(join(apt, 'new'));

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
