// pki.key_pair: a private key and its public half, the same on every host of the cluster.
import { createHash } from 'node:crypto';
import { type Attempt, fail, succeed } from '../../failure.ts';
import type { KeyPair } from '../../pki/key-keeper.ts';
import { Sensitive } from '../../sensitive.ts';
import { quote } from '../../shell/quote.ts';
import { describeEntry, type Entry, fingerprintEntry, parseEntry, takeLine } from '../file/entry.ts';
import { diffOwnership, expectOwnership, setOwnership, type WantedOwnership } from '../file/ownership.ts';
import { parentOf, pathProperty, SENT_PATH_PATTERN } from '../file/path.ts';
import type { Change, Controller, Module, Sibling } from '../module.ts';
import { readTwoEntries, withoutContent } from './reading.ts';

type Id = { path: string };
type Want = Id & {
  name: string;
  /** Absent: it is still to be made. */
  pair?: KeyPair;
  place?: string;
};
interface Seen {
  key: Entry;
  public: Entry;
  /** It is what only an apply can make, so nobody knows more of it yet. */
  later?: true;
}

const KEY: WantedOwnership = { owner: 'root', group: 'root', mode: '0600' };
const PUBLIC: WantedOwnership = { ...KEY, mode: '0644' };

export const pkiKeyPair: Module<Id, Want, Seen> = {
  name: 'pki.key_pair',
  schema: {
    type: 'object',
    description:
      'A private key and its public half that all hosts of a cluster share, such as the one that signs the tokens of service accounts. It is made once, on the controller, which keeps it for hosts that come later (docs/pki.md); where a host has one that the controller does not have, it is refused. What is replaced is kept in the trash.',
    properties: {
      path: {
        ...pathProperty('Where it is, without its endings: .key and .pub are added', '/etc/kubernetes/pki/sa'),
        pattern: SENT_PATH_PATTERN,
      },
      name: {
        type: 'string',
        pattern: '^[a-z0-9][a-z0-9_-]*$',
        description: 'Its name on the controller, once per cluster; not that of a CA',
        examples: ['sa'],
      },
    },
    required: ['path', 'name'],
    additionalProperties: false,
    examples: [{ path: '/etc/kubernetes/pki/sa', name: 'sa' }],
  },
  claims: ({ path }) => `file:${path}.key`,
  paths: ({ path }) => [`${path}.key`, `${path}.pub`],
  shared: true,
  read: ({ path }) => readTwoEntries(`${path}.key`, `${path}.pub`),
  parse({ stdout }) {
    const [, afterFingerprint] = takeLine(stdout);
    const key = parseEntry({ stdout: afterFingerprint });
    return { key: bare(key.entry), public: bare(parseEntry({ stdout: key.rest }).entry) };
  },
  recall,
  diff(want, seen) {
    for (const [entry, file] of [
      [seen.key, `${want.path}.key`],
      [seen.public, `${want.path}.pub`],
    ] as const) {
      if (entry.kind === 'absent' || entry.kind === 'regular') continue;
      const next = 'correct the path, or take it away first with file.absent (it goes to the trash)';
      return { refused: `${file} is ${describeEntry(entry)}, not a file`, next };
    }
    if (seen.later) return [];
    const { pair } = want;
    if (pair === undefined) return [{ path: 'key pair', before: null, after: null, later: true }];
    return [
      ...diffFile('key', pair.key.reveal(), seen.key, KEY),
      ...diffFile('public key', pair.publicKey, seen.public, PUBLIC),
    ];
  },
  warn: ({ pair, place }) =>
    pair === undefined
      ? [`a new key pair is made, and kept in ${place} on this controller: back it up (docs/pki.md)`]
      : [],
  expect: ({ pair }, seen) => ({
    key: expectFile(pair?.key.reveal(), seen.key, KEY),
    public: expectFile(pair?.publicKey, seen.public, PUBLIC),
    ...(pair === undefined ? { later: true as const } : {}),
  }),
  fingerprint: (seen) => `${fingerprintEntry(seen.key)} | ${fingerprintEntry(seen.public)}`,
  async prepare(want, _seen, _changes, { cluster }) {
    if (want.pair !== undefined) return succeed(want);
    const made = await cluster!.keys.make(want.name);
    return made.ok ? succeed({ ...want, pair: made.value }) : made;
  },
  write({ path, pair }) {
    const [key, publicKey] = [quote(`${path}.key`), quote(`${path}.pub`)];
    const script = [
      setOwnership('"$1"', KEY),
      setOwnership('"$2"', PUBLIC),
      'q_sync "$1" "$2" || exit',
      `for each in ${key} ${publicKey}; do [ ! -e "$each" ] || q_keep "$each" || exit; done`,
      `mv -f "$1" ${key} && mv -f "$2" ${publicKey} || exit`,
      `q_sync ${quote(parentOf(path))}`,
    ];
    const directory = parentOf(path);
    return {
      script: script.join('\n'),
      inputs: [
        { directory, content: new Sensitive(encode(pair!.key.reveal())) },
        { directory, content: encode(pair!.publicKey) },
      ],
    };
  },
};

/** Makes nothing. Refuses where a host has a pair, or may have one, and this controller has none. */
async function recall(want: Want, { host, cluster }: Controller, siblings: Sibling<Seen>[]): Promise<Attempt<Want>> {
  if (cluster === undefined) {
    const message = `a key pair belongs to a cluster, and ${host} is in none`;
    return fail({ reason: 'guard', message, next: 'put it into a group with etcd_cluster' });
  }
  const kept = await cluster.keys.read(want.name);
  if (!kept.ok) return kept;
  const place = cluster.keys.place(want.name);
  if (kept.value !== undefined) return succeed({ ...want, pair: kept.value, place });

  const lost = `this controller has no key pair ${want.name} for cluster ${cluster.name}`;
  const has = siblings.filter(({ seen }) => seen && (seen.key.kind !== 'absent' || seen.public.kind !== 'absent'));
  if (has.length > 0) {
    const message = `${lost}, but ${has.map((each) => each.host).join(', ')} ${has.length === 1 ? 'has' : 'have'} ${want.path}.key`;
    const next = `bring back ${place} from the backup, or copy ${want.path}.key of ${has[0]!.host} there (mode 0600)`;
    return fail({ reason: 'guard', message, next });
  }
  const unknown = siblings.filter(({ seen }) => seen === undefined).map((each) => each.host);
  if (unknown.length > 0) {
    const message = `${lost}, and ${unknown.join(', ')} could not be asked for an earlier one`;
    return fail({ reason: 'guard', message, next: `bring ${unknown.join(', ')} back first` });
  }
  return succeed({ ...want, place });
}

function diffFile(path: string, text: string, entry: Entry, ownership: WantedOwnership): Change[] {
  const known = entry.kind === 'regular' ? entry : undefined;
  const before = known === undefined ? null : 'another one';
  return [
    ...(known?.sha256 === sha256(text) ? [] : [{ path, before, after: "the cluster's" }]),
    ...diffOwnership(ownership, known).map((change) => ({ ...change, path: `${path} ${change.path}` })),
  ];
}

function expectFile(text: string | undefined, entry: Entry, ownership: WantedOwnership): Entry {
  const known = entry.kind === 'regular' ? entry : undefined;
  const content = text ?? '';
  return { kind: 'regular', ...expectOwnership(ownership, known), size: content.length, sha256: sha256(content) };
}

function bare(entry: Entry): Entry {
  return entry.kind === 'regular' ? withoutContent(entry) : entry;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
