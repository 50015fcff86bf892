// file.managed: a file with this content, owner, group and mode.
import { createHash } from 'node:crypto';
import { Sensitive } from '../../sensitive.ts';
import { quote } from '../../shell/quote.ts';
import type { Value } from '../../value.ts';
import type { Change, Module } from '../module.ts';
import { describeEntry, type Entry, fingerprintEntry, parseEntry, readEntry } from './entry.ts';
import {
  diffOwnership,
  expectOwnership,
  ownershipProperties,
  setOwnership,
  type WantedOwnership,
} from './ownership.ts';
import { parentOf, pathProperty, SENT_PATH_PATTERN, SYNC_PARENT } from './path.ts';
import { type ContentSource, type WantedContent, wantedContent } from './wanted-content.ts';

type Id = { path: string; sensitive: boolean };
type Want = Id & ContentSource & WantedOwnership;

export const fileManaged: Module<Id, Want, Entry> = {
  name: 'file.managed',
  schema: {
    type: 'object',
    description:
      'A file with exactly this content, owner, group and mode. A new content is written beside the file, brought to the disk and renamed, so nobody ever sees half of it; the old file is kept in the trash. Its directory must exist. A symbolic link is never followed.',
    properties: {
      path: { ...pathProperty('Where the file is', '/etc/etcd/etcd.conf.yaml'), pattern: SENT_PATH_PATTERN },
      content: {
        type: 'string',
        description:
          'The content, byte for byte as UTF-8; nothing is added, no newline either. Give exactly one of content, template and document',
        examples: ['listen = 127.0.0.1\n'],
        'x-sensitive': true,
      },
      template: {
        type: 'string',
        description:
          'A template file beside the state, rendered for the host. Give exactly one of content, template and document',
        examples: ['etcd.service.hbs'],
        'x-template': true,
      },
      document: {
        description:
          'Any data, written as YAML or JSON and compared as data: other layout, comments or order of keys are no change. Give exactly one of content, template and document',
        examples: [{ name: 'm1', 'initial-cluster-state': 'new' }],
        'x-sensitive': true,
      },
      format: {
        enum: ['yaml', 'json'],
        description: 'How a document is written. Left out: json where the path ends in .json, else yaml',
        examples: ['json'],
      },
      ...ownershipProperties('0644'),
      sensitive: {
        type: 'boolean',
        description:
          'The content is secret: it is never shown, and that of the host is compared by its checksum and never fetched',
        default: false,
        examples: [true],
        'x-identity': true,
      },
    },
    required: ['path'],
    anyOf: [{ required: ['content'] }, { required: ['template'] }, { required: ['document'] }],
    dependentSchemas: {
      content: { properties: { template: false, document: false, format: false } },
      template: { properties: { document: false } },
    },
    additionalProperties: false,
    examples: [
      { path: '/etc/motd', content: 'A member of the cluster main.\n' },
      {
        path: '/etc/etcd/etcd.conf.yaml',
        document: { name: 'm1', 'data-dir': '/var/lib/etcd' },
        owner: 'etcd',
        group: 'etcd',
        mode: '0640',
      },
    ],
  },
  claims: ({ path }) => `file:${path}`,
  paths: ({ path }) => [path],
  contents: ({ path, sensitive }) => (sensitive ? [] : [path]),
  shared: true,
  read: ({ path, sensitive }) => readEntry(path, { content: !sensitive }),
  parse: (reading) => parseEntry(reading).entry,
  diff,
  expect(want, seen) {
    const wanted = wantedContent(want, want.path);
    const ownership = expectOwnership(want, seen.kind === 'regular' ? seen : undefined);
    if (seen.kind === 'regular' && isAsWanted(want, wanted, seen)) return { ...seen, ...ownership };
    const { bytes } = wanted;
    return { kind: 'regular', ...ownership, size: bytes.length, sha256: sha256(bytes), content: bytes };
  },
  fingerprint: fingerprintEntry,
  write(want, changes) {
    const exists = changes.some(({ path }) => path === 'exists');
    const path = `path=${quote(want.path)}`;
    if (!exists && !changes.some(({ path }) => path === 'content')) {
      return { script: `${path}\n${setOwnership('"$path"', want)}\nq_sync "$path"` };
    }
    const { bytes, secret } = wantedContent(want, want.path);
    const script = [
      path,
      setOwnership('"$1"', want),
      'q_sync "$1" || exit',
      ...(exists ? [] : ['q_keep "$path" || exit']),
      'mv -f "$1" "$path" || exit',
      SYNC_PARENT,
    ];
    const content = want.sensitive || secret ? new Sensitive(bytes) : bytes;
    return { script: script.join('\n'), inputs: [{ directory: parentOf(want.path), content }] };
  },
};

function diff(want: Want, seen: Entry): ReturnType<typeof fileManaged.diff> {
  if (seen.kind === 'symlink') {
    return {
      refused: `${want.path} is a symbolic link to ${seen.target}, and links are not followed`,
      next: `manage ${seen.target} itself, or take the link away first with file.absent`,
    };
  }
  if (seen.kind !== 'absent' && seen.kind !== 'regular') {
    return {
      refused: `${want.path} is ${describeEntry(seen)}, not a file`,
      next: 'correct the path, or take it away first with file.absent (it goes to the trash)',
    };
  }
  const wanted = wantedContent(want, want.path);
  const shown = (value: string): Value => (want.sensitive || wanted.secret ? new Sensitive(value) : value);
  const changes: Change[] = [];
  if (seen.kind === 'absent') {
    changes.push({ path: 'exists', before: null, after: 'a file' });
    changes.push({ path: 'content', before: null, after: shown(wanted.text) });
  } else if (!isAsWanted(want, wanted, seen)) {
    changes.push({ path: 'content', before: shown(textOf(seen)), after: shown(wanted.text) });
  }
  return [...changes, ...diffOwnership(want, seen.kind === 'regular' ? seen : undefined)];
}

type Regular = Extract<Entry, { kind: 'regular' }>;

function isAsWanted(want: Want, wanted: WantedContent, seen: Regular): boolean {
  if (seen.sha256 === sha256(wanted.bytes)) return true;
  if (want.sensitive || seen.content === undefined) return false;
  const text = decode(seen.content);
  return text !== undefined && wanted.accepts(text);
}

/** For a diff: the content, or what can be said of it where it was not fetched or is no text. */
function textOf(seen: Regular): string {
  const text = seen.content && decode(seen.content);
  return text ?? `(${seen.size} bytes, sha256 ${seen.sha256})`;
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
