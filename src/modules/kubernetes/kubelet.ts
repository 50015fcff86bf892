// kubernetes.kubelet: there is a kubelet, of the wanted version, and one that the control plane's version can have.
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { fail, succeed } from '../../failure.ts';
import { explainSkew } from '../../kubelet-skew.ts';
import { explainReadError } from '../../load/readable.ts';
import { quote } from '../../shell/quote.ts';
import { PATH_PATTERN, parentOf, pathProperty } from '../file/path.ts';
import { INSTALL } from '../install.sh.ts';
import type { Module, Refusal } from '../module.ts';
import { REMEMBER } from '../remembered.sh.ts';
import { FIND_VERSION, installArchive, installFile, installPackage } from './install.sh.ts';

const VERSION = '^\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?$';

type Source = { path?: string | null; package?: string | null; archive?: string | null; sha256?: string | null };
type Id = { path: string; version: string | null; source: Source | null };
type Want = Id & {
  kubernetes_version: string | null;
  unit: string;
  /** The program or the archive in base64, where the host does not have it. */
  sent?: string;
};
/** `version`: `-`: there is none, `?`: it does not say. The rest is asked only where the version is another. */
interface Seen {
  version: string;
  /** That of the program at the source's path; absent: the host has none there. */
  offered?: string;
  archive: boolean;
  apt: boolean;
}

export const kubernetesKubelet: Module<Id, Want, Seen> = {
  name: 'kubernetes.kubelet',
  schema: {
    type: 'object',
    description:
      'The program of the kubelet is there, and of a version that goes with that of the control plane: never a newer minor version, and up to three older (two for a kubelet before 1.25). Without a source it is not installed: what is missing, or does not go with it, is refused. What was there before is kept in the trash. A kubelet that runs goes on as it is until it is restarted.',
    properties: {
      path: pathProperty('Where it is', '/usr/bin/kubelet'),
      version: {
        type: ['string', 'null'],
        pattern: VERSION,
        description: 'Which version it must be. null: any that goes with the control plane',
        default: null,
        examples: ['1.34.1'],
        'x-identity': true,
      },
      kubernetes_version: {
        type: ['string', 'null'],
        pattern: VERSION,
        description: 'The version of the control plane. null: any kubelet will do',
        default: null,
        examples: ['1.34.1'],
      },
      source: {
        type: ['object', 'null'],
        description:
          'Where it comes from, exactly one of: path, the program itself, on the host or else on the controller; package, for apt-get, with =VERSION if need be; archive with sha256, a .tar.gz on the host or else on the controller. null: nothing is installed',
        properties: {
          path: { type: ['string', 'null'], pattern: PATH_PATTERN, description: 'The program' },
          package: { type: ['string', 'null'], description: 'A Debian package' },
          archive: { type: ['string', 'null'], pattern: PATH_PATTERN, description: 'A .tar.gz' },
          sha256: { type: ['string', 'null'], pattern: '^[0-9a-f]{64}$', description: 'Its checksum' },
        },
        additionalProperties: false,
        default: null,
        examples: [{ path: '/opt/kubernetes/1.34.1/kubelet' }],
        'x-identity': true,
      },
      unit: {
        type: 'string',
        pattern: '^[A-Za-z0-9_][A-Za-z0-9:_.@-]*$',
        description: 'The unit of systemd that a package brings, which must not start meanwhile',
        default: 'kubelet',
        examples: ['kubelet'],
      },
    },
    required: ['path'],
    additionalProperties: false,
    examples: [
      {
        path: '/usr/bin/kubelet',
        version: '1.34.1',
        kubernetes_version: '1.34.1',
        source: { path: '/opt/kubernetes/1.34.1/kubelet' },
      },
    ],
  },
  claims: ({ path }) => `kubelet:${path}`,
  read({ path, version, source }) {
    const program = quote(path);
    const ask = `q_remembers ${program} || { q_version=$(find_version ${program}); q_note ${program} "$q_version"; }`;
    const script = [REMEMBER, FIND_VERSION, `q_recall ${program}\n${ask}\nsaid=$q_version\necho "$said"`];
    const { path: file, archive, package: name } = source ?? {};
    if (version && source) script.push(`[ "$said" != ${quote(version)} ] || exit 0`);
    if (file) script.push(`[ ! -e ${quote(file)} ] || echo "offered $(find_version ${quote(file)})"`);
    if (archive) script.push(`[ ! -f ${quote(archive)} ] || echo archive`);
    if (name) script.push('! command -v apt-get >/dev/null || echo apt');
    return script.join('\n');
  },
  parse({ stdout }) {
    const [version = '', ...lines] = new TextDecoder().decode(stdout).trimEnd().split('\n');
    const offered = lines.find((line) => line.startsWith('offered '));
    return {
      version,
      ...(offered && { offered: offered.slice('offered '.length) }),
      archive: lines.includes('archive'),
      apt: lines.includes('apt'),
    };
  },
  diff(want, seen) {
    const right = want.version === null || seen.version === want.version;
    if (!right && want.source !== null) {
      const refusal = refuseSource(want, want.version!, seen);
      const before = seen.version === '-' ? null : seen.version;
      return refusal ?? [{ path: 'version', before, after: want.version }];
    }
    return refuseSeen(want, seen.version) ?? [];
  },
  expect: ({ version }, seen) => ({ ...seen, version: version ?? seen.version }),
  fingerprint: ({ version }) => version,
  async prepare(want, seen) {
    const { path, archive } = want.source ?? {};
    const file = path ?? archive;
    if (!file || (path ? seen.offered !== undefined : seen.archive)) return succeed(want);
    try {
      const bytes = await readFile(file);
      // A program is three times as large as it has to be on its way.
      const sent = path ? await promisify(gzip)(bytes, { level: 1 }) : bytes;
      return succeed({ ...want, sent: sent.toString('base64') });
    } catch (error) {
      const failure = explainReadError(file, error);
      return fail({ ...failure, message: `neither the host nor the controller has it: ${failure.message}` });
    }
  },
  write({ path, source, sent, unit }, changes) {
    const begin = [FIND_VERSION, `directory=${quote(parentOf(path))}\nversion=${quote(String(changes[0]!.after))}`];
    if (source?.package) return { script: [...begin, installPackage(source.package, unit)].join('\n') };
    const step = source?.archive ? installArchive(source.archive, source.sha256 ?? '') : installFile(source!.path!);
    return {
      script: [...begin, INSTALL, step].join('\n'),
      ...(sent && { inputs: [{ directory: '/var/tmp', content: Buffer.from(sent, 'base64') }] }),
    };
  },
};

/** The kubelet that is there stays as it is. */
function refuseSeen({ path, version, kubernetes_version: plane }: Want, seen: string): Refusal | undefined {
  if (seen === '-') {
    return {
      refused: `there is no kubelet at ${path}`,
      next: 'install it, or set kubelet_install (where it comes from) or kubelet_bin (where it is) in the pillar',
    };
  }
  const is = seen === '?' ? 'of an unknown version' : seen;
  if (version !== null && seen !== version) {
    return {
      refused: `${path} is ${is}, and kubelet_version is ${version}`,
      next: 'install that one, or set kubelet_install (where it comes from), or correct kubelet_version',
    };
  }
  const why = plane === null ? undefined : explainSkew(plane, seen);
  if (why === undefined) return undefined;
  return {
    refused: `${path} is ${is}, which does not go with a control plane of ${plane}: ${why}`,
    next: 'install a kubelet of the same minor version (kubelet_install, kubelet_version), or correct kubernetes_version',
  };
}

function refuseSource({ path, source }: Want, version: string, seen: Seen): Refusal | undefined {
  if (!path.endsWith('/kubelet')) {
    return {
      refused: `the kubelet that is installed is called kubelet, but kubelet_bin is ${path}`,
      next: 'let kubelet_bin end in /kubelet',
    };
  }
  if (source!.path && seen.offered !== undefined && seen.offered !== version) {
    const is = { '-': 'no program', '?': 'of an unknown version' }[seen.offered] ?? seen.offered;
    return { refused: `${source!.path} is ${is}, and kubelet_version is ${version}`, next: 'correct one of the two' };
  }
  if (!source!.package) return undefined;
  if (!seen.apt) {
    const refused = `this host has no apt-get for the package ${source!.package}`;
    return { refused, next: 'use a path or an archive' };
  }
  if (path === '/usr/bin/kubelet') return undefined;
  return {
    refused: `the package ${source!.package} puts its kubelet into /usr/bin, but kubelet_bin is ${path}`,
    next: 'set kubelet_bin: /usr/bin/kubelet',
  };
}
