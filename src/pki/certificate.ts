// What a certificate says, read with Node's own parser: a run with nothing to renew loads no library for it.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

/** What a certificate may be used for (RFC 5280, 4.2.1.12); others are there as their OID. */
export const USAGES: { readonly [oid: string]: string } = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
};

export interface Certificate {
  /** This one alone, as PEM. */
  pem: string;
  /** It may sign others. */
  authority: boolean;
  commonName?: string;
  organization?: string;
  /** DNS names and IP addresses, in the form of {@link normalizeName}, sorted. */
  names: string[];
  /** Sorted. */
  usages: string[];
  /** Milliseconds since 1970. */
  notBefore: number;
  notAfter: number;
  /** SHA-256 of the whole, as `openssl x509 -fingerprint -sha256` prints it. */
  fingerprint: string;
  /** SubjectPublicKeyInfo, DER. */
  publicKey: Uint8Array;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** All certificates of a PEM file, in its order; what stands around them means nothing. Undefined: one cannot be read. */
export function readCertificates(pem: string): Certificate[] | undefined {
  try {
    return (pem.match(BLOCK) ?? []).map(readCertificate);
  } catch {
    return undefined;
  }
}

/** What a text says never changes, and a run asks it of the same few many times: to read one takes a millisecond. */
const KNOWN = new Map<string, Certificate>();
const MOST_KNOWN = 10_000;

function readCertificate(pem: string): Certificate {
  const known = KNOWN.get(pem) ?? parseCertificate(pem);
  if (KNOWN.size < MOST_KNOWN) KNOWN.set(pem, known);
  return known;
}

function parseCertificate(pem: string): Certificate {
  const x509 = new X509Certificate(pem);
  const { CN: commonName, O: organization } = (x509.toLegacyObject().subject ?? {}) as Subject;
  return {
    pem,
    authority: x509.ca,
    ...(commonName === undefined ? {} : { commonName: String(commonName) }),
    ...(organization === undefined ? {} : { organization: String(organization) }),
    names: readNames(x509.subjectAltName ?? ''),
    usages: (x509.keyUsage ?? []).map((oid) => USAGES[oid] ?? oid).sort(),
    notBefore: x509.validFromDate.getTime(),
    notAfter: x509.validToDate.getTime(),
    fingerprint: x509.fingerprint256,
    publicKey: new Uint8Array(x509.publicKey.export({ type: 'spki', format: 'der' })),
  };
}

/** An attribute that is there more than once is a list. */
type Subject = { [attribute in 'CN' | 'O']?: string | string[] };

/** Node writes `DNS:m1, IP Address:192.0.2.1`; anything odd stands in JSON quotes. */
function readNames(text: string): string[] {
  const names = [...text.matchAll(/(?:^|, )(?:DNS|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g)].map(([, name]) => name!);
  return names.map((name) => normalizeName(name.startsWith('"') ? (JSON.parse(name) as string) : name)).sort();
}

/** A DNS name in small letters, an IPv6 address in its shortest form: equal names are equal texts. */
export function normalizeName(name: string): string {
  return isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name.toLowerCase();
}

/** True if `authority` signed it, by name and by signature. Dates are not looked at. */
export function isIssuedBy(certificate: Pick<Certificate, 'pem'>, authority: Pick<Certificate, 'pem'>): boolean {
  const [one, other] = [new X509Certificate(certificate.pem), new X509Certificate(authority.pem)];
  return one.checkIssued(other) && one.verify(other.publicKey);
}

/** `2026-12-01 14:05Z`: what an operator compares with a calendar. */
export function formatTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')}Z`;
}

/** `2026-12-01`: certificates made one after another end on the same day. */
export function formatDay(milliseconds: number): string {
  return formatTime(milliseconds).slice(0, 10);
}

/** Whole days until `end`; negative when it has passed. Both in milliseconds. */
export function daysUntil(end: number, now: number): number {
  return Math.floor((end - now) / (24 * 3600_000));
}
