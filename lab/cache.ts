import { createHash } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { locked } from './lock.ts';
import { cacheFolder } from './settings.ts';

/**
 * The folder in the cache that holds what `recipe` describes, built first if there is none yet. It is called after its
 * kind and a hash of the recipe, and appears under that name only when it is complete.
 */
export async function ensureCached(
  kind: string,
  recipe: unknown,
  log: (line: string) => void,
  build: (folder: string) => Promise<string>,
): Promise<string> {
  const cache = cacheFolder();
  const name = `${kind}-${hash(recipe)}`;
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;

  const waiting = () => log(`${kind}: another process is building it; waiting`);
  return locked(join(cache, `${kind}.lock`), waiting, async () => {
    if (existsSync(folder)) return folder;
    const started = performance.now();
    // Only an interrupted build leaves one: whoever builds has the lock.
    for (const left of readdirSync(cache))
      if (left.startsWith(`building-${kind}-`)) rmSync(join(cache, left), { recursive: true });
    log(`${kind}: building ${folder}`);
    const building = join(cache, `building-${name}`);
    const what = await build(building);
    renameSync(building, folder);
    log(`${kind}: ready in ${((performance.now() - started) / 1000).toFixed(0)} s, ${what}`);
    return folder;
  });
}

function hash(recipe: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([recipe, arch()]))
    .digest('hex')
    .slice(0, 12);
}
