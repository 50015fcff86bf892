// Where programs come from: one place, and what it takes to know that they are the right ones.
import type { Failure } from '../failure.ts';
import { isMap } from '../load/map.ts';
import type { Pillar } from './pillar.ts';
import { refuse } from './refuse.ts';

/** `key`: `etcd_install`, `kubelet_install`. */
export function checkInstall(pillar: Pillar, key: string): Failure[] {
  const install = pillar.data[key];
  if (!isMap(install)) return [];
  const given = Object.keys(install).filter((name) => install[name] !== null);
  const sources = given.filter((name) => name !== 'sha256');
  const at = [key];
  if (sources.length !== 1) {
    const has = sources.length === 0 ? 'none of them' : sources.join(' and ');
    const message = `${key} takes exactly one of path, package and archive, but has ${has}`;
    return [refuse(pillar, [at], message, 'keep one; null takes away what a lower layer has set')];
  }
  if (given.includes('sha256') !== (sources[0] === 'archive')) {
    const message =
      sources[0] === 'archive' ? `${key} has an archive without sha256` : `${key} has a sha256 without an archive`;
    const program = key.split('_')[0];
    return [refuse(pillar, [at], message, `${key}: { archive: /PATH/${program}.tar.gz, sha256: HEX }`)];
  }
  return [];
}
