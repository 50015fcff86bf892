// A certificate and its key on a host: how both are read, in one reading.
import { type Certificate, readCertificates } from '../../pki/certificate.ts';
import { quote } from '../../shell/quote.ts';
import { type Entry, fingerprintEntry, parseEntry, takeLine } from '../file/entry.ts';
import type { Reading } from '../module.ts';
import { PRINT_NOW, PRINT_PUBLIC_PARTS, parseNow, readTwoEntries, withoutContent } from './reading.ts';

/** `path` is without `.crt` and `.key`; `ca_path` is read only for what is adopted. */
export type PairId = { path: string; ca_path?: string; adopted: boolean };

export interface Pair {
  certificate: Entry;
  key: Entry;
  /** By the host's clock, in milliseconds. */
  now: number;
  /** What the certificate's file holds: it, then what led to it. Undefined: something there is no certificate. */
  chain: Certificate[] | undefined;
  /** The key's public half, as a certificate carries it (DER); absent: no key, or none of Quorate's kind. */
  publicKey?: Uint8Array;
  /** What stands in `ca_path`. */
  trusted: Certificate[] | undefined;
}

export function pathsOfPair({ path }: Pick<PairId, 'path'>): string[] {
  return [`${path}.crt`, `${path}.key`];
}

export function readPair({ path, ca_path, adopted }: PairId): string {
  const [crt, key] = [quote(`${path}.crt`), quote(`${path}.key`)];
  const trusted = adopted && ca_path !== undefined ? quote(ca_path) : undefined;
  return `${PRINT_PUBLIC_PARTS}
${readTwoEntries(`${path}.crt`, `${path}.key`)} && {
  ${PRINT_NOW}
  q_print_public_key ${key}
  if [ -f ${crt} ]; then q_print_certificates ${crt} "$q_one_size"; fi
  ${trusted === undefined ? ':' : `echo trusted\n  if [ -f ${trusted} ]; then q_print_certificates ${trusted}; fi`}
}`;
}

export function parsePair({ stdout }: Reading): Pair {
  const [, afterFingerprint] = takeLine(stdout);
  const certificate = parseEntry({ stdout: afterFingerprint });
  const key = parseEntry({ stdout: certificate.rest });
  const [now, afterNow] = takeLine(key.rest);
  const [point, afterPoint] = takeLine(afterNow);
  const [chain, trusted = ''] = new TextDecoder().decode(afterPoint).split(/^trusted$/m);
  const publicKey = parsePublicKey(point);
  return {
    certificate: bare(certificate.entry),
    key: bare(key.entry),
    now: parseNow(now),
    chain: readCertificates(chain!),
    ...(publicKey ? { publicKey } : {}),
    trusted: readCertificates(trusted),
  };
}

export function fingerprintPair({ certificate, key }: Pick<Pair, 'certificate' | 'key'>): string {
  return `${fingerprintEntry(certificate)} | ${fingerprintEntry(key)}`;
}

function bare(entry: Entry): Entry {
  return entry.kind === 'regular' ? withoutContent(entry) : entry;
}

/** How SubjectPublicKeyInfo begins for every point on P-256 (RFC 5480). */
const P256 = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** A zero byte of form, then the point as 04, x, y. */
function parsePublicKey(line: string): Uint8Array | undefined {
  const letters = /^key ([A-Za-z0-9+/]{88})$/.exec(line)?.[1];
  return letters === undefined ? undefined : Buffer.concat([P256, Buffer.from(letters, 'base64').subarray(1)]);
}
