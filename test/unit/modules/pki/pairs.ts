// Certificates for tables: what read prints of them, as a host with this clock would.
import { createHash } from 'node:crypto';
import { succeed } from '../../../../src/failure.ts';
import { type Authority, type CertificateWish, issueCertificate, makeAuthority } from '../../../../src/pki/issue.ts';
import type { KeyKeeper } from '../../../../src/pki/key-keeper.ts';

/** Every clock of these tests. */
export const NOW = new Date('2026-03-01T12:00:00Z');
export const DAY = 24 * 3600_000;

export const AUTHORITY = await makeAuthority({ commonName: 'etcd-ca', organization: 'main', days: 3650 }, NOW);
/** As much like the first as can be: made for the same cluster on a controller that had lost it. */
export const OTHER = await makeAuthority({ commonName: 'etcd-ca', organization: 'main', days: 3650 }, NOW);

export const WISH: CertificateWish = {
  commonName: 'm1',
  names: ['m1', 'localhost', '192.0.2.11', '127.0.0.1', '::1'],
  usages: ['serverAuth', 'clientAuth'],
  days: 365,
};

export async function issue(
  wish: Partial<CertificateWish> = {},
  { by = AUTHORITY, at = NOW }: { by?: Authority; at?: Date } = {},
): Promise<{ certificate: string; key: string }> {
  const { certificate, key } = await issueCertificate(by, { ...WISH, ...wish }, undefined, at);
  return { certificate, key: key!.reveal() };
}

export interface Observed {
  certificate?: string;
  key?: string;
  certificateMode?: string;
  keyMode?: string;
  /** Makes the reading that of an adopted pair. */
  trusted?: string;
}

/** What read prints of a pair of root's. */
export function observePair({ certificate, key, certificateMode, keyMode, trusted }: Observed): string {
  const [crt, own] = [observeFile(certificate, certificateMode ?? '0644'), observeFile(key, keyMode ?? '0600')];
  return [
    `${crt[0]} | ${own[0]}`,
    ...crt,
    ...own,
    `now ${NOW.getTime() / 1000}`,
    `key ${publicPart(key)}`,
    `${certificate ?? ''}${trusted === undefined ? '' : `trusted\n${trusted}`}`,
  ].join('\n');
}

export function observeFile(text: string | undefined, mode: string): string[] {
  if (text === undefined) return ['absent'];
  const sum = createHash('sha256').update(text).digest('hex');
  return [`regular ${mode} root:root ${text.length} ${sum}`, '0:0'];
}

function publicPart(key: string | undefined): string {
  if (key === undefined) return 'none';
  const lines = key.split('\n');
  return lines[0] === '-----BEGIN PRIVATE KEY-----' && lines.length === 6
    ? `${lines[2]!.slice(32)}${lines[3]}`
    : 'other';
}

/** The keeper of key pairs on a controller that has none. */
export const NO_KEYS: KeyKeeper = {
  place: (name) => `/state/pki/main/${name}/${name}.key`,
  read: async () => succeed(undefined),
  make: () => Promise.reject(new Error('nobody asked for one')),
};
