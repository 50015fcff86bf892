// What the pillar asks of an etcd that others have set up, against how it is started: only what does something else counts.
import type { Change } from '../../modules/module.ts';
import { defaultOf, normalizeValue } from './flags.ts';
import type { Annotations, Launch, Resources } from './launch.ts';

export interface WantedSettings {
  /** By name, without dashes. */
  flags: ReadonlyMap<string, string>;
  version?: string;
  /** A path; for what systemd runs. */
  program?: string;
  image?: string;
  resources?: Resources;
  /** Others may be there. */
  annotations?: Annotations;
}

/** A cluster that is there has been begun: etcd looks at none of these where it finds its data. */
const OF_THE_BEGINNING = new Set([
  'initial-advertise-peer-urls',
  'initial-cluster',
  'initial-cluster-state',
  'initial-cluster-token',
]);

/** Enough where what is wanted is among them. */
const URLS = new Set(['listen-client-urls', 'listen-peer-urls', 'listen-metrics-urls', 'advertise-client-urls']);

/** Nobody has to serve metrics at a port of their own. */
const MAY_BE_ABSENT = new Set(['listen-metrics-urls']);

/** Every flag is the pillar's, those that it does not name too; of the rest only what it speaks of. */
export function compareSettings(want: WantedSettings, launch: Launch): Change[] {
  const changes: Change[] = [];
  for (const [flag, value] of want.flags) {
    const seen = launch.flags.get(flag);
    if (OF_THE_BEGINNING.has(flag) || (seen === undefined && MAY_BE_ABSENT.has(flag))) continue;
    if (!doesTheSame(flag, value, seen, want.version))
      changes.push({ path: `--${flag}`, before: seen ?? null, after: value });
  }
  for (const [flag, value] of launch.flags) {
    if (want.flags.has(flag) || OF_THE_BEGINNING.has(flag)) continue;
    changes.push({ path: `--${flag}`, before: value, after: null });
  }
  if (want.program !== undefined && want.program !== launch.program)
    changes.push({ path: 'program', before: launch.program, after: want.program });
  if (want.image !== undefined && want.image !== launch.image)
    changes.push({ path: 'image', before: launch.image ?? null, after: want.image });
  if (want.resources !== undefined) changes.push(...compareResources(want.resources, launch.resources ?? {}));
  for (const [name, value] of Object.entries(want.annotations ?? {})) {
    const seen = launch.annotations?.[name];
    if (seen !== value) changes.push({ path: `annotations.${name}`, before: seen ?? null, after: value });
  }
  return changes;
}

function doesTheSame(flag: string, wanted: string, seen: string | undefined, version: string | undefined): boolean {
  const now = seen ?? defaultOf(flag, version);
  if (now === undefined) return false;
  if (!URLS.has(flag)) return normalizeValue(flag, now) === normalizeValue(flag, wanted);
  const urls = now.split(',').map(parseUrl);
  return wanted
    .split(',')
    .map(parseUrl)
    .every((url) => urls.some((each) => covers(each, url, flag.startsWith('listen'))));
}

interface Url {
  scheme: string;
  host: string;
  port: string;
}

function parseUrl(text: string): Url {
  const [, scheme = '', host = '', port = ''] = /^(\w+):\/\/(\[[^\]]*\]|[^:/]*)(?::(\d+))?\/?$/.exec(text.trim()) ?? [];
  return { scheme, host: host.toLowerCase(), port };
}

/** An address that stands for all of the host's listens at each of them. */
function covers(seen: Url, wanted: Url, listens: boolean): boolean {
  if (seen.scheme !== wanted.scheme || seen.port !== wanted.port) return false;
  return seen.host === wanted.host || (listens && (seen.host === '0.0.0.0' || seen.host === '[::]'));
}

function compareResources(wanted: Resources, seen: Resources): Change[] {
  return (['requests', 'limits'] as const).flatMap((kind) => {
    const [one, other] = [wanted[kind] ?? {}, seen[kind] ?? {}];
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap((name): Change[] => {
      if (one[name] === other[name]) return [];
      return [{ path: `resources.${kind}.${name}`, before: other[name] ?? null, after: one[name] ?? null }];
    });
  });
}
