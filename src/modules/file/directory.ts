// file.directory: a directory with this owner, group and mode.
import { quote } from '../../shell/quote.ts';
import type { Module } from '../module.ts';
import { describeEntry, type Entry, fingerprintEntry, parseEntry, readEntry } from './entry.ts';
import {
  diffOwnership,
  expectOwnership,
  ownershipProperties,
  setOwnership,
  type WantedOwnership,
} from './ownership.ts';
import { pathProperty, SYNC_PARENT } from './path.ts';

type Id = { path: string };
type Want = Id & WantedOwnership & { parents: boolean };

export const fileDirectory: Module<Id, Want, Entry> = {
  name: 'file.directory',
  schema: {
    type: 'object',
    description: 'A directory with this owner, group and mode. What is in it is not touched.',
    properties: {
      path: pathProperty('Where the directory is', '/var/lib/etcd'),
      ...ownershipProperties('0755'),
      parents: {
        type: 'boolean',
        description: 'Make missing directories above it too, for root with mode 0755; else a missing one is an error',
        default: false,
        examples: [true],
      },
    },
    required: ['path'],
    additionalProperties: false,
    examples: [{ path: '/var/lib/etcd', owner: 'etcd', group: 'etcd', mode: '0700' }],
  },
  claims: ({ path }) => `file:${path}`,
  paths: ({ path }) => [path],
  shared: true,
  read: ({ path }) => readEntry(path, { content: false }),
  parse: (reading) => parseEntry(reading).entry,
  diff(want, seen) {
    if (seen.kind !== 'absent' && seen.kind !== 'directory') {
      return {
        refused: `${want.path} is ${describeEntry(seen)}, not a directory`,
        next: 'correct the path, or take it away first with file.absent (it goes to the trash)',
      };
    }
    if (seen.kind === 'directory') return diffOwnership(want, seen);
    return [{ path: 'exists', before: null, after: 'a directory' }, ...diffOwnership(want, undefined)];
  },
  expect: (want, seen) => ({
    kind: 'directory',
    ...expectOwnership(want, seen.kind === 'directory' ? seen : undefined),
  }),
  fingerprint: fingerprintEntry,
  write(want, changes) {
    const script = [`path=${quote(want.path)}`];
    if (changes.some(({ path }) => path === 'exists')) {
      script.push(want.parents ? MAKE_PARENTS : REQUIRE_PARENT);
      // Nobody may look into it before it has its owner and mode.
      script.push('(umask 077 && mkdir "$path") || exit');
    }
    script.push(setOwnership('"$path"', want), 'q_sync "$path"', SYNC_PARENT);
    return { script: script.join('\n') };
  },
};

const MAKE_PARENTS = `(umask 022 && mkdir -p "\${path%/*}/") || exit`;
const REQUIRE_PARENT = `if ! [ -d "\${path%/*}/" ]; then
  printf '%s does not exist: declare it, or set parents: true\\n' "\${path%/*}" >&2
  exit 1
fi`;
