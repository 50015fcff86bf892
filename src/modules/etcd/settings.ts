// etcd.settings: the flags, image and resources of an etcd that others have set up, changed in their own files.
import { createHash } from 'node:crypto';
import { compareSettings, type WantedSettings } from '../../etcd/settings/compare.ts';
import { isUnfit, type Launch, type LaunchEdits, type LaunchFile, type Unfit } from '../../etcd/settings/launch.ts';
import { readPod } from '../../etcd/settings/pod.ts';
import { readUnit } from '../../etcd/settings/unit.ts';
import { fail, succeed } from '../../failure.ts';
import { Sensitive } from '../../sensitive.ts';
import { quote } from '../../shell/quote.ts';
import { parentOf } from '../file/path.ts';
import type { Change, Module, Refusal } from '../module.ts';
import { FILES_OF_UNIT, parseLaunchFiles, printFiles } from './launch-files.sh.ts';

type Quantities = { [name: string]: string };
type Id = { manifest: string | null; service: string | null; asks_version: boolean };
type Want = Id & {
  flags: { [flag: string]: string | number | boolean };
  version: string | null;
  program: string | null;
  image: string | null;
  resources: { requests?: Quantities; limits?: Quantities } | null;
  annotations: { [name: string]: string };
  /** What was prepared: the files as they are to be. */
  edited?: { kind: string; path: string; text: string }[];
};
interface Seen {
  files: LaunchFile[];
  /** What the program says of itself; asked only where nothing else would notice. */
  version?: string;
}

const NULLABLE_PATH = { type: ['string', 'null'], pattern: '^/[^\\p{Cc}]*$', default: null } as const;

export const etcdSettings: Module<Id, Want, Seen> = {
  name: 'etcd.settings',
  schema: {
    type: 'object',
    description:
      'The flags of an etcd that others have set up (kubeadm, a package, a person), and the image and the resources of its container, with the annotations of its pod. They are compared by what they do: the order of flags, a flag that says what etcd does anyhow, an address that stands for more, and what only the beginning of a cluster needs (initial-…) are no difference. A difference is changed where it is written, in the manifest, the environment file or the ExecStart line, and all else there stays as it is; the old file is kept in the trash. Give exactly one of manifest and service.',
    properties: {
      manifest: {
        ...NULLABLE_PATH,
        description: 'The manifest of the static pod. Absolute',
        examples: ['/etc/kubernetes/manifests/etcd.yaml'],
        'x-identity': true,
      },
      service: {
        type: ['string', 'null'],
        pattern: '^[A-Za-z0-9:_.@-]+$',
        description: 'The unit of systemd',
        default: null,
        examples: ['etcd'],
        'x-identity': true,
      },
      flags: {
        type: 'object',
        additionalProperties: { type: ['string', 'number', 'boolean'] },
        description:
          'All flags that etcd is to be started with, without dashes; one that is not among them is taken away',
        examples: [{ 'snapshot-count': 10000 }],
      },
      version: {
        type: ['string', 'null'],
        description: 'The version of etcd, which decides what it does without a flag',
        default: null,
        examples: ['3.5.16'],
      },
      asks_version: {
        type: 'boolean',
        description: 'Whether the program of the unit is asked for its version, and refused where it is another one',
        default: false,
        examples: [true],
        'x-identity': true,
      },
      program: { ...NULLABLE_PATH, description: 'The program of the unit', examples: ['/usr/bin/etcd'] },
      image: {
        type: ['string', 'null'],
        description: 'The image of the container',
        default: null,
        examples: ['registry.k8s.io/etcd:3.5.16-0'],
      },
      resources: {
        type: ['object', 'null'],
        description: 'The requests and limits of the container',
        default: null,
        examples: [{ requests: { cpu: '100m' } }],
      },
      annotations: {
        type: 'object',
        additionalProperties: { type: 'string' },
        description: 'Annotations that the pod must have; it may have others',
        default: {},
        examples: [{ 'example.com/backup': 'true' }],
      },
    },
    required: ['flags'],
    additionalProperties: false,
    examples: [{ manifest: '/etc/kubernetes/manifests/etcd.yaml', flags: { 'snapshot-count': 10000 } }],
  },
  claims: ({ manifest, service }) => (manifest === null ? `unit:${service}` : `file:${manifest}`),
  read({ manifest, service, asks_version: asks }) {
    const files = manifest === null ? FILES_OF_UNIT(service!) : `set -- ${quote(`manifest:${manifest}`)}`;
    return `${files}\n${printFiles(asks)}`;
  },
  parse({ stdout }) {
    return parseLaunchFiles(stdout);
  },
  diff(want, seen) {
    const launch = launchOf(want, seen);
    if (isUnfit(launch)) return refusal(launch);
    if (want.asks_version && want.version !== null && seen.version !== want.version) {
      return {
        refused: `${launch.program} is etcd ${seen.version ?? 'of a version that it does not say'}, and the pillar has etcd_version: ${want.version}`,
        next: 'correct etcd_version, or say with etcd_install where the programs come from',
      };
    }
    const changes = compareSettings(wantedOf(want), launch);
    if (changes.length === 0) return [];
    const edited = launch.edit(editsOf(want, changes));
    return isUnfit(edited) ? refusal(edited) : changes;
  },
  expect(want, seen) {
    const edited = filesAfter(want, seen);
    return isUnfit(edited)
      ? seen
      : { ...seen, files: seen.files.map((file) => edited.find(({ path }) => path === file.path) ?? file) };
  },
  fingerprint: ({ files, version }) =>
    [version ?? '-', ...files.map(({ path, text }) => `${sha256(text)} ${path}`)].join(' '),
  async prepare(want, seen) {
    const edited = filesAfter(want, seen);
    if (!isUnfit(edited))
      return succeed({ ...want, edited: edited.map(({ kind, path, text }) => ({ kind, path, text })) });
    return fail({ reason: 'guard', message: edited.wrong, next: edited.next });
  },
  write({ edited = [] }) {
    return {
      script: edited.map(({ path }, index) => REPLACE(path, index + 1)).join('\n'),
      // An environment file may hold what is nobody else's business.
      inputs: edited.map(({ path, text }) => ({
        directory: parentOf(path),
        content: new Sensitive(Buffer.from(text)),
      })),
    };
  },
};

function launchOf({ service }: Id, { files }: Seen): Launch | Unfit {
  if (service !== null) return readUnit(service, files);
  const [manifest] = files;
  return manifest
    ? readPod(manifest)
    : { wrong: 'there is no manifest of etcd', next: 'look at etcd_manifest_dir and etcd_configuration in the pillar' };
}

function wantedOf({ flags, version, program, image, resources, annotations }: Want): WantedSettings {
  return {
    flags: new Map(Object.entries(flags).map(([flag, value]) => [flag, String(value)])),
    ...(version === null ? {} : { version }),
    ...(program === null ? {} : { program }),
    ...(image === null ? {} : { image }),
    ...(resources === null ? {} : { resources: resources }),
    annotations,
  };
}

function editsOf(want: Want, changes: readonly Change[]): LaunchEdits {
  const { image, program, resources, annotations } = wantedOf(want);
  const has = (test: (path: string) => boolean) => changes.some(({ path }) => test(path));
  return {
    flags: new Map(
      changes.flatMap(({ path, after }): [string, string | null][] =>
        path.startsWith('--') ? [[path.slice(2), after as string | null]] : [],
      ),
    ),
    ...(has((path) => path === 'program') ? { program: program! } : {}),
    ...(has((path) => path === 'image') ? { image: image! } : {}),
    ...(has((path) => path.startsWith('resources.')) ? { resources: resources! } : {}),
    ...(has((path) => path.startsWith('annotations.')) ? { annotations: annotations! } : {}),
  };
}

function filesAfter(want: Want, seen: Seen): LaunchFile[] | Unfit {
  const launch = launchOf(want, seen);
  return isUnfit(launch) ? launch : launch.edit(editsOf(want, compareSettings(wantedOf(want), launch)));
}

function refusal({ wrong, next }: Unfit): Refusal {
  return { refused: wrong, next };
}

/** With the owner and mode that it had, whole or not at all. */
const REPLACE = (path: string, input: number) => `path=${quote(path)} new="\${${input}}"
stat -c '%u:%g %a' "$path" | { read -r owner mode && chown "$owner" "$new" && chmod "$mode" "$new"; } || exit
q_sync "$new" || exit
q_keep "$path" || exit
mv -f "$new" "$path" || exit
q_sync "\${path%/*}/"`;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
