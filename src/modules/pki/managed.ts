// What is wrong with a certificate of Quorate's own, and what will be: the reasons to make it anew.
import {
  type Certificate,
  daysUntil,
  formatTime,
  isIssuedBy,
  normalizeName,
  readCertificates,
} from '../../pki/certificate.ts';
import type { Sensitive } from '../../sensitive.ts';
import { describeEntry } from '../file/entry.ts';
import { diffOwnership, type WantedOwnership } from '../file/ownership.ts';
import type { Change, Refusal } from '../module.ts';
import type { Pair, PairId } from './pair.ts';
import type { KeptAuthority } from './recall-authority.ts';
import { CERTIFICATE_MODE } from './write.sh.ts';

export type Want = PairId &
  WantedOwnership &
  Partial<KeptAuthority> & {
    ca: string;
    common_name: string;
    organization?: string;
    names: string[];
    usages: string[];
    days: number;
    renew_days: number;
    optional: boolean;
    /** What was prepared: the new certificate, and its key where that is new too. */
    issued?: { certificate: string; key?: Sensitive };
  };

export type Seen = Pair & {
  /** It is what only an apply can make, so nobody knows more of it yet. */
  later?: true;
};

export function namesOf({ names }: Want): string[] {
  return [...new Set(names.map(normalizeName))].sort();
}

export function diffManaged(want: Want, seen: Seen): Change[] | Refusal {
  const refusal = refuse(want, seen);
  if (refusal !== undefined) return refusal;
  if (seen.later) return [];
  if (!mustIssue(want, seen)) return ownershipOf(want, seen);
  const [leaf] = seen.chain ?? [];
  const [issued] = readCertificates(want.issued?.certificate ?? '') ?? [];
  const until: Change = {
    path: 'valid until',
    before: leaf === undefined ? null : explainEnd(leaf, want, seen),
    after: issued === undefined ? null : formatTime(issued.notAfter),
  };
  const ends: Change = issued === undefined ? { ...until, later: true } : until;
  return [...differencesOf(want, seen), ends, ...ownershipOf(want, seen)];
}

function refuse(want: Want, { certificate, key, now }: Seen): Refusal | undefined {
  for (const [entry, file] of [
    [certificate, `${want.path}.crt`],
    [key, `${want.path}.key`],
  ] as const) {
    if (entry.kind === 'absent' || entry.kind === 'regular') continue;
    const next = 'correct the path, or take it away first with file.absent (it goes to the trash)';
    return { refused: `${file} is ${describeEntry(entry)}, not a file`, next };
  }
  if (want.renew_days >= want.days) {
    const refused = `it is to be renewed with fewer than ${want.renew_days} d left, but made for ${want.days} d only`;
    return { refused, next: 'let renew_days be less than days (etcd_pki_renew_days, etcd_pki_days)' };
  }
  const [authority] = readCertificates(want.authority ?? '') ?? [];
  if (authority === undefined || daysUntil(authority.notAfter, now) > want.renew_days) return undefined;
  return {
    refused: `the CA ${want.ca} ends ${formatTime(authority.notAfter)}, and what it signs would have to be renewed at once`,
    next: 'replace the CA first (docs/pki.md)',
  };
}

export function mustIssue(want: Want, seen: Seen): boolean {
  const [leaf] = seen.chain ?? [];
  return differencesOf(want, seen).length > 0 || leaf === undefined || isDue(leaf, want, seen);
}

/** What a certificate says other than is wanted: each of it needs another one. */
function differencesOf(want: Want, seen: Seen): Change[] {
  const [leaf] = seen.chain ?? [];
  const names = namesOf(want).join(', ');
  const usages = [...want.usages].sort().join(', ');
  const subject = subjectOf(want.common_name, want.organization);
  if (leaf === undefined) {
    const what = seen.certificate.kind === 'absent' ? null : 'no certificate';
    return [
      { path: 'exists', before: what, after: 'a certificate and its key' },
      { path: 'subject', before: null, after: subject },
      ...(names === '' ? [] : [{ path: 'names', before: null, after: names }]),
      { path: 'usages', before: null, after: usages },
    ];
  }
  const [authority] = readCertificates(want.authority ?? '') ?? [];
  const before = subjectOf(leaf.commonName ?? '', leaf.organization);
  const changes: Change[] = [];
  if (authority !== undefined && !isIssuedBy(leaf, authority)) {
    changes.push({ path: 'signed by', before: 'another CA', after: `sha256 ${authority.fingerprint}` });
  }
  const key = faultOfKey(leaf, seen);
  if (key !== undefined) changes.push({ path: 'key', before: key, after: 'a new key' });
  if (before !== subject) changes.push({ path: 'subject', before, after: subject });
  if (leaf.names.join(', ') !== names) changes.push({ path: 'names', before: leaf.names.join(', '), after: names });
  if (leaf.usages.join(', ') !== usages)
    changes.push({ path: 'usages', before: leaf.usages.join(', '), after: usages });
  return changes;
}

function faultOfKey(leaf: Certificate, { key, publicKey }: Seen): string | undefined {
  if (key.kind === 'absent') return 'is missing';
  if (publicKey === undefined) return 'is no ECDSA P-256 key of Quorate';
  return Buffer.from(publicKey).equals(leaf.publicKey) ? undefined : 'does not match the certificate';
}

function isDue({ notBefore, notAfter }: Certificate, { renew_days }: Want, { now }: Seen): boolean {
  return notBefore > now || notAfter <= now || daysUntil(notAfter, now) < renew_days;
}

/** Without counting the days: a saved plan is still the same plan tomorrow. */
function explainEnd(leaf: Certificate, want: Want, { now }: Seen): string {
  const end = formatTime(leaf.notAfter);
  if (leaf.notAfter <= now) return `${end} (has passed)`;
  if (leaf.notBefore > now) return `${end} (begins only ${formatTime(leaf.notBefore)})`;
  return daysUntil(leaf.notAfter, now) < want.renew_days ? `${end} (fewer than ${want.renew_days} d left)` : end;
}

function subjectOf(commonName: string, organization: string | undefined): string {
  return [...(organization === undefined ? [] : [`O=${organization}`]), `CN=${commonName}`].join(', ');
}

/** Of a pair that is made as a whole only the key's is worth saying. */
function ownershipOf(want: Want, { certificate, key }: Seen): Change[] {
  const name = (prefix: string) => (change: Change) => ({ ...change, path: `${prefix} ${change.path}` });
  const ofKey = diffOwnership(want, key.kind === 'regular' ? key : undefined).map(name('key'));
  if (certificate.kind !== 'regular') return ofKey;
  return [...ofKey, ...diffOwnership({ ...want, mode: CERTIFICATE_MODE }, certificate).map(name('certificate'))];
}
