// pki.ca: a CA whose certificate is on the host and whose key is on the controller alone.
import { createHash } from 'node:crypto';
import { succeed } from '../../failure.ts';
import { type Certificate, daysUntil, formatDay, formatTime, readCertificates } from '../../pki/certificate.ts';
import { quote } from '../../shell/quote.ts';
import { describeEntry, type Entry, fingerprintEntry, parseEntry, readEntry, takeLine } from '../file/entry.ts';
import {
  diffOwnership,
  expectOwnership,
  ownershipProperties,
  setOwnership,
  type WantedOwnership,
} from '../file/ownership.ts';
import { parentOf, pathProperty, SENT_PATH_PATTERN, SYNC_PARENT } from '../file/path.ts';
import type { Change, Module, Refusal } from '../module.ts';
import { PRINT_NOW, PRINT_PUBLIC_PARTS, parseNow, withoutContent } from './reading.ts';
import { adopting, type KeptAuthority, recallAuthority, type Trace } from './recall-authority.ts';

type Id = { path: string };
type Want = Id &
  WantedOwnership & { name: string; days: number; adopted: boolean; signs?: string[] } & Partial<KeptAuthority>;

interface Seen {
  entry: Entry;
  /** By the host's clock, in milliseconds. */
  now: number;
  /** Other `.crt` files in the directory. */
  beside: string[];
  /** Undefined: it is no file of certificates. */
  certificates: Certificate[] | undefined;
  /** It is what only an apply can make, so nobody knows more of it yet. */
  later?: true;
}

/** A CA is replaced with care, so its end is told long before. Days. */
const WARNED_DAYS = 90;

export const pkiCa: Module<Id, Want, Seen> = {
  name: 'pki.ca',
  schema: {
    type: 'object',
    description:
      'The certificate of a CA that the cluster trusts. The CA is made once, on the controller, where its key stays (docs/pki.md); a host that trusts another CA, and not this one, is refused. Its file on the controller may hold more certificates behind the first, which signs: all are trusted.',
    properties: {
      path: {
        ...pathProperty('Where its certificate is', '/etc/kubernetes/pki/etcd/ca.crt'),
        pattern: SENT_PATH_PATTERN,
      },
      name: {
        type: 'string',
        pattern: '^[a-z0-9][a-z0-9_-]*$',
        description: 'Its name on the controller, once per cluster',
        default: 'etcd',
        examples: ['etcd'],
      },
      days: {
        type: 'integer',
        minimum: 1,
        maximum: 36500,
        description: 'How long it is valid when it is made',
        default: 3650,
        examples: [3650],
      },
      adopted: {
        type: 'boolean',
        description: 'Somebody else makes it: it is only checked, and nothing is ever written',
        default: false,
        examples: [true],
      },
      signs: {
        type: 'array',
        items: { type: 'string', pattern: '^[^/\\u0000]+\\.crt$', description: 'The name of a file' },
        description:
          'The certificates in its directory that it signs, by file name: where one of them is, a CA that is not there is lost, and none is made in its place. Left out: every .crt',
        examples: [['apiserver.crt']],
      },
      ...ownershipProperties('0644'),
    },
    required: ['path'],
    additionalProperties: false,
    examples: [{ path: '/etc/kubernetes/pki/etcd/ca.crt' }],
  },
  claims: ({ path }) => `file:${path}`,
  paths: ({ path }) => [path],
  shared: true,
  read: ({ path }) => `${PRINT_PUBLIC_PARTS}
${readEntry(path, { content: false })} && {
  ${PRINT_NOW}
  for q_beside in ${quote(path.slice(0, path.lastIndexOf('/')))}/*.crt; do
    if [ -f "$q_beside" ] && [ "$q_beside" != ${quote(path)} ]; then printf 'beside %s\\n' "\${q_beside##*/}"; fi
  done
  if [ -f ${quote(path)} ]; then q_print_certificates ${quote(path)} "$q_size"; fi
}`,
  parse(reading) {
    const { entry, rest } = parseEntry(reading);
    const [now, others] = takeLine(rest);
    const text = new TextDecoder().decode(others);
    return {
      entry: entry.kind === 'regular' ? withoutContent(entry) : entry,
      now: parseNow(now),
      beside: [...text.matchAll(/^beside (.*)$/gm)].map(([, name]) => name!),
      certificates: readCertificates(text),
    };
  },
  async recall(want, controller, siblings) {
    if (want.adopted) return succeed(want);
    const kept = await recallAuthority(want.name, controller, () => siblings.map((sibling) => traceOf(want, sibling)));
    return kept.ok ? succeed({ ...want, ...kept.value }) : kept;
  },
  diff: (want, seen) => (want.adopted ? (checkAdopted(want, seen) ?? []) : diffManaged(want, seen)),
  warn(want, { certificates, now }) {
    const made = want.adopted || want.authority !== undefined;
    if (!made) {
      return [
        `a new CA is made; its only key will be ${want.place}/ca.key on this controller: back it up (docs/pki.md)`,
      ];
    }
    const [first] = want.authority === undefined ? (certificates ?? []) : (readCertificates(want.authority) ?? []);
    if (first === undefined || daysUntil(first.notAfter, now) >= WARNED_DAYS) return [];
    return [`the CA in ${want.path} ends ${formatDay(first.notAfter)}, in ${daysUntil(first.notAfter, now)} d`];
  },
  expect(want, { entry, now, beside, certificates }) {
    const ownership = expectOwnership(want, entry.kind === 'regular' ? entry : undefined);
    if (want.adopted) return { entry, now, beside, certificates };
    const text = want.authority ?? '';
    const file: Entry = { kind: 'regular', ...ownership, size: text.length, sha256: sha256(text) };
    const later = want.authority === undefined ? { later: true as const } : {};
    return { entry: file, now, beside, certificates: readCertificates(text), ...later };
  },
  fingerprint: ({ entry }) => fingerprintEntry(entry),
  async prepare(want, _seen, changes, { cluster }) {
    if (want.authority !== undefined || !changes.some(({ path }) => path === 'certificate')) return succeed(want);
    const wish = { commonName: `${want.name}-ca`, organization: cluster!.name, days: want.days };
    const made = await cluster!.authorities.make(want.name, wish);
    return made.ok ? succeed({ ...want, authority: made.value.certificate }) : made;
  },
  write(want, changes) {
    const path = `path=${quote(want.path)}`;
    const change = changes.find((each) => each.path === 'certificate');
    if (change === undefined) return { script: `${path}\n${setOwnership('"$path"', want)}\nq_sync "$path"` };
    const script = [
      path,
      setOwnership('"$1"', want),
      'q_sync "$1" || exit',
      ...(change.before === null ? [] : ['q_keep "$path" || exit']),
      'mv -f "$1" "$path" || exit',
      SYNC_PARENT,
    ];
    const content = new TextEncoder().encode(want.authority!);
    return { script: script.join('\n'), inputs: [{ directory: parentOf(want.path), content }] };
  },
};

function traceOf({ signs }: Want, { host, seen }: { host: string; seen?: Seen }): Trace {
  if (seen === undefined) return { host, unknown: true };
  const [trusted] = seen.certificates ?? [];
  if (trusted !== undefined) return { host, has: `trusts one with fingerprint ${trusted.fingerprint}` };
  const signed = seen.beside.filter((name) => signs === undefined || signs.includes(name));
  return { host, has: signed.length > 0 ? `has certificates of one (${signed.join(', ')})` : undefined };
}

function checkAdopted({ path }: Want, { certificates, now }: Seen): Refusal | undefined {
  const next = 'put the certificate of the CA there, or let Quorate make one (etcd_pki: managed)';
  if (certificates === undefined || certificates.length === 0) {
    return { refused: `${path} is adopted, but there is no certificate in it`, next };
  }
  const leaf = certificates.find(({ authority }) => !authority);
  if (leaf)
    return { refused: `${path} holds a certificate that is no CA's: ${leaf.commonName ?? leaf.fingerprint}`, next };
  const ended = certificates.every(({ notAfter }) => notAfter <= now) ? certificates[0] : undefined;
  if (ended) return { refused: `the CA in ${path} ended ${formatTime(ended.notAfter)}`, next };
  return undefined;
}

function diffManaged(want: Want, { entry, certificates, later }: Seen): Change[] | Refusal {
  if (later) return [];
  if (entry.kind !== 'absent' && entry.kind !== 'regular') {
    const refused = `${want.path} is ${describeEntry(entry)}, not a file`;
    return { refused, next: 'correct the path, or take it away first with file.absent (it goes to the trash)' };
  }
  const kept = readCertificates(want.authority ?? '') ?? [];
  const trusted = certificates ?? [];
  // What it signs must be trusted before it signs: members read this file only when they start.
  if (trusted.length > 0 && !trusted.some(({ fingerprint }) => fingerprint === kept[0]?.fingerprint)) {
    return {
      refused: `${want.path} trusts a CA with fingerprint ${trusted[0]!.fingerprint}, and not that of this controller, ${kept[0]?.fingerprint ?? 'which has none'}`,
      next: `bring back the right ${want.place}/ca.key and ca.crt from the backup, or set ${adopting(want.name)}; to move to another CA, see docs/pki.md`,
    };
  }
  const known = kept.length > 0 && describeTrust(trusted) === describeTrust(kept);
  const ownership = diffOwnership(want, entry.kind === 'regular' ? entry : undefined);
  if (known) return ownership;
  const before = entry.kind === 'absent' ? null : describeTrust(trusted);
  const change: Change = { path: 'certificate', before, after: kept.length > 0 ? describeTrust(kept) : null };
  return [kept.length > 0 ? change : { ...change, later: true }, ...ownership];
}

function describeTrust(certificates: Certificate[]): string {
  if (certificates.length === 0) return 'no certificate';
  return certificates
    .map(({ fingerprint }) => `sha256 ${fingerprint}`)
    .sort()
    .join(', ');
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
