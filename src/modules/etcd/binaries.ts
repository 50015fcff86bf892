// etcd.binaries: etcd's programs, of one version, in one directory.
import { readFile } from 'node:fs/promises';
import { fail, succeed } from '../../failure.ts';
import { explainReadError } from '../../load/readable.ts';
import { quote } from '../../shell/quote.ts';
import { PATH_PATTERN, pathProperty } from '../file/path.ts';
import { INSTALL } from '../install.sh.ts';
import type { Change, Module, Refusal } from '../module.ts';
import { REMEMBER } from '../remembered.sh.ts';
import { FIND_VERSION, installArchive, installPackage } from './install.sh.ts';

export type Source = { path?: string | null; package?: string | null; archive?: string | null; sha256?: string | null };
type Want = {
  directory: string;
  server: boolean;
  version: string | null;
  source: Source | null;
  /** The archive in base64, where the host does not have it. */
  sent?: string;
};
/** By program: its version, `-` where there is none, `?` where it does not say. */
type Versions = { [program: string]: string };
interface Seen {
  installed: Versions;
  /** What the source has; only of a directory on the host. */
  offered?: Versions;
  archive: boolean;
  apt: boolean;
  /** etcd.service is active. */
  active: boolean;
}

export const etcdBinaries: Module<Want, Want, Seen> = {
  name: 'etcd.binaries',
  schema: {
    type: 'object',
    description:
      "etcd's programs, of one version, in a directory of the host: etcd, etcdctl and, from 3.5 on, etcdutl. Without a source nothing is installed, and what is missing is refused. What was there before is kept in the trash.",
    properties: {
      directory: pathProperty('Where the programs are', '/usr/local/bin'),
      server: {
        type: 'boolean',
        description: 'Whether etcd itself is wanted too; false where a container brings it',
        default: true,
        examples: [false],
        'x-identity': true,
      },
      version: {
        type: ['string', 'null'],
        pattern: '^\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?$',
        description: 'Which version they must be. null: that of the source, else any',
        default: null,
        examples: ['3.5.16'],
        'x-identity': true,
      },
      source: {
        type: ['object', 'null'],
        description:
          'Where they come from, exactly one of: path, a directory of the host; package, for apt-get; archive with sha256, a .tar.gz on the host or else on the controller. null: nothing is installed',
        properties: {
          path: { type: ['string', 'null'], pattern: PATH_PATTERN, description: 'A directory of the host' },
          package: { type: ['string', 'null'], description: 'A Debian package' },
          archive: { type: ['string', 'null'], pattern: PATH_PATTERN, description: 'A .tar.gz' },
          sha256: { type: ['string', 'null'], pattern: '^[0-9a-f]{64}$', description: 'Its checksum' },
        },
        additionalProperties: false,
        default: null,
        examples: [{ path: '/opt/etcd/3.5.16' }],
        'x-identity': true,
      },
    },
    required: ['directory'],
    additionalProperties: false,
    examples: [{ directory: '/usr/local/bin', version: '3.5.16', source: { path: '/opt/etcd/3.5.16' } }],
  },
  claims: ({ directory }) => `etcd:${directory}`,
  read({ directory, server, version, source }) {
    const script = [REMEMBER, FIND_VERSION, `directory=${quote(directory)}`, printVersions('"$directory"', server)];
    const { path, archive, package: name } = source ?? {};
    // Each program takes a while to say what it is: where nothing is wanted, the source is not asked.
    if (version) script.push(`case \${said# } in ${rightVersions(version, server)}) exit 0 ;; esac`);
    if (path) script.push(`printf 'offered '\n${printVersions(quote(path), server)}`);
    if (archive) script.push(`if [ -f ${quote(archive)} ]; then echo archive; fi`);
    if (name) {
      script.push('if command -v apt-get >/dev/null; then echo apt; fi');
      script.push('if systemctl -q is-active etcd.service 2>/dev/null; then echo active; fi');
    }
    return script.join('\n');
  },
  parse(reading) {
    const [first = '', ...lines] = new TextDecoder().decode(reading.stdout).trimEnd().split('\n');
    const offered = lines.find((line) => line.startsWith('offered '));
    return {
      installed: parseVersions(first),
      ...(offered && { offered: parseVersions(offered.slice('offered '.length)) }),
      archive: lines.includes('archive'),
      apt: lines.includes('apt'),
      active: lines.includes('active'),
    };
  },
  diff(want, seen) {
    const version = wantedVersion(want, seen);
    const wrong = listWrong(version, seen.installed);
    if (wrong.length === 0) return [];
    const refusal = refuse(want, seen, version, wrong);
    if (refusal !== undefined) return refusal;
    return wrong.map((program): Change => {
      const before = seen.installed[program]!;
      return { path: program, before: before === '-' ? null : before, after: version ?? null };
    });
  },
  expect(want, seen) {
    const version = wantedVersion(want, seen);
    const changed = listWrong(version, seen.installed).map((program) => [program, version]);
    return { ...seen, installed: { ...seen.installed, ...Object.fromEntries(changed) } };
  },
  fingerprint: ({ installed }) =>
    Object.entries(installed)
      .map((pair) => pair.join(' '))
      .join(' '),
  async prepare(want, seen) {
    const archive = want.source?.archive;
    if (!archive || seen.archive) return succeed(want);
    try {
      return succeed({ ...want, sent: await readFile(archive, 'base64') });
    } catch (error) {
      const failure = explainReadError(archive, error);
      return fail({ ...failure, message: `neither the host nor the controller has it: ${failure.message}` });
    }
  },
  write(want, changes) {
    const { directory, source, sent } = want;
    const begin = [FIND_VERSION, `directory=${quote(directory)}\nversion=${quote(String(changes[0]!.after))}`];
    const programs = changes.map(({ path }) => path);
    if (source?.package) return { script: [...begin, installPackage(source.package, programs)].join('\n') };
    begin.push(INSTALL);
    if (source?.archive) {
      const script = [...begin, installArchive(source.archive, source.sha256 ?? '', programs)].join('\n');
      return { script, ...(sent && { inputs: [{ directory: '/var/tmp', content: Buffer.from(sent, 'base64') }] }) };
    }
    const steps = programs.map((program) => `install ${quote(`${source!.path}/${program}`)} ${program}`);
    return { script: [...begin, ...steps].join('\n') };
  },
};

function printVersions(directory: string, server: boolean): string {
  const programs = [...(server ? ['etcd'] : []), 'etcdctl', 'etcdutl'];
  return `said=
q_recall ${programs.map((program) => `${directory}/${program}`).join(' ')}
for program in ${programs.join(' ')}; do
  q_remembers ${directory}/$program || {
    q_version=$(find_version ${directory}/$program $program)
    q_note ${directory}/$program "$q_version"
  }
  said="$said $program $q_version"
done
echo "\${said# }"`;
}

function parseVersions(line: string): Versions {
  const words = line.split(' ');
  if (words.length % 2 !== 0) throw new Error(`not versions: ${line}`);
  return Object.fromEntries(words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1]!]] : [])));
}

/** What {@link printVersions} prints where all is right, as a pattern of the shell. */
function rightVersions(version: string, server: boolean): string {
  const utility = hasUtility(version) ? quote(version) : '*';
  return `${server ? `'etcd '${quote(version)}' '` : ''}'etcdctl '${quote(version)}' etcdutl '${utility}`;
}

/** Undefined where any is right: then all that count are the same as the first that is there. */
function wantedVersion(want: Want, seen: Seen): string | undefined {
  const known = (versions: Versions | undefined) =>
    Object.values(versions ?? {}).find((version) => /^\d/.test(version));
  return want.version ?? known(seen.offered) ?? known(seen.installed);
}

/** etcdutl came with 3.5. */
function hasUtility(version: string | undefined): boolean {
  const [major = 3, minor = 5] = version?.split('.').map(Number) ?? [];
  return major > 3 || minor >= 5;
}

function listWrong(version: string | undefined, installed: Versions): string[] {
  return Object.keys(installed).filter((program) => {
    if (program === 'etcdutl' && !hasUtility(version)) return false;
    return installed[program] !== version;
  });
}

function refuse(want: Want, seen: Seen, version: string | undefined, wrong: string[]): Refusal | undefined {
  const { directory, source } = want;
  const whole = version === undefined ? 'etcd' : `etcd ${version}`;
  if (source === null) {
    return {
      refused: `${whole} is not in ${directory}: ${describe(wrong, seen.installed)}`,
      next: 'install it there, or set etcd_install (where it comes from) or etcd_bin_dir (where it is) in the pillar',
    };
  }
  if (source.path) {
    const lacking = wrong.filter((program) => seen.offered?.[program] !== version);
    if (version !== undefined && lacking.length === 0) return undefined;
    return {
      refused: `${whole} is not in ${source.path}: ${describe(lacking, seen.offered ?? {})}`,
      next: 'correct etcd_install or etcd_version in the pillar, or put the programs there',
    };
  }
  if (want.version === null) {
    const what = source.package ? 'a package' : 'an archive';
    return { refused: `nobody has said which version ${what} must bring`, next: 'set etcd_version in the pillar' };
  }
  return source.package ? refusePackage(want, seen, source.package) : undefined;
}

function refusePackage({ directory }: Want, seen: Seen, name: string): Refusal | undefined {
  if (!seen.apt)
    return { refused: `this host has no apt-get for the package ${name}`, next: 'use a path or an archive' };
  if (directory !== '/usr/bin') {
    const refused = `the package ${name} puts its programs into /usr/bin, but etcd_bin_dir is ${directory}`;
    return { refused, next: 'set etcd_bin_dir: /usr/bin' };
  }
  if (!seen.active) return undefined;
  return {
    refused: `apt-get would restart etcd.service, which is running, while other members may be down`,
    next: 'use a path or an archive, which wait for their turn',
  };
}

function describe(programs: string[], versions: Versions): string {
  return programs
    .map((program) => {
      const version = versions[program] ?? '-';
      if (version === '-') return `${program} is missing`;
      return version === '?' ? `${program} does not say its version` : `${program} is ${version}`;
    })
    .join(', ');
}
