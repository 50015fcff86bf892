// The CAs of one cluster on the controller: their keys stay here, and a CA that is there is never written again.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { type Attempt, fail, succeed } from '../failure.ts';
import { explainWriteError } from '../load/writable.ts';
import { Sensitive } from '../sensitive.ts';
import { readCertificates } from './certificate.ts';
import type { Authority, AuthorityWish } from './issue.ts';
import { findReaders, keepTogether, readText } from './kept-files.ts';

export interface AuthorityKeeper {
  /** The directory with the authority's `ca.crt` and `ca.key`, for messages. */
  place(name: string): string;
  /** Undefined: there is none of this name. A failure: there is, and it must not or cannot be used. */
  read(name: string): Promise<Attempt<Authority | undefined>>;
  /** Makes it, or gives the one that has come to be meanwhile. */
  make(name: string, wish: AuthorityWish): Promise<Attempt<Authority>>;
}

/** `directory`: `$XDG_STATE_HOME/quorate/pki/<cluster>`; made when the first CA is. */
export function keepAuthorities(directory: string): AuthorityKeeper {
  return {
    place: (name) => join(directory, name),
    read: (name) => readAuthority(join(directory, name)),
    make: (name, wish) => makeKept(join(directory, name), wish),
  };
}

async function readAuthority(place: string): Promise<Attempt<Authority | undefined>> {
  const [certificateFile, keyFile] = [join(place, 'ca.crt'), join(place, 'ca.key')];
  const [certificate, key] = await Promise.all([readText(certificateFile), readText(keyFile)]);
  if (!certificate.ok) return certificate;
  if (!key.ok) return key;
  if (certificate.value === undefined && key.value === undefined) return succeed(undefined);
  if (certificate.value === undefined || key.value === undefined) {
    const missing = certificate.value === undefined ? certificateFile : keyFile;
    return refuse(`${missing} is missing, and a CA is both of its files`, `bring ${missing} back from the backup`);
  }
  const readers = await findReaders(keyFile, 'make a new CA (docs/pki.md)');
  if (readers) return fail(readers);
  const [first] = readCertificates(certificate.value) ?? [];
  if (first === undefined || !first.authority) {
    return refuse(`${certificateFile} holds no CA certificate`, `bring it back from the backup`);
  }
  if (!belongs(key.value, first.publicKey)) {
    return refuse(`${keyFile} is not the key of ${certificateFile}`, 'bring both back from the same backup');
  }
  return succeed({ certificate: certificate.value, key: new Sensitive(key.value) });
}

function belongs(key: string, publicKey: Uint8Array): boolean {
  try {
    const own = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' });
    return own.equals(publicKey);
  } catch {
    return false;
  }
}

function refuse(
  message: string,
  next: string,
): { ok: false; failures: [{ reason: 'guard'; message: string; next: string }] } {
  return { ok: false, failures: [{ reason: 'guard', message, next }] };
}

async function makeKept(place: string, wish: AuthorityWish): Promise<Attempt<Authority>> {
  const known = await readAuthority(place);
  if (!known.ok) return known;
  if (known.value !== undefined) return succeed(known.value);
  const { makeAuthority } = await import('./issue.ts');
  const made = await makeAuthority(wish);
  try {
    await keepTogether(place, [
      { name: 'ca.key', text: made.key.reveal(), mode: 0o600 },
      { name: 'ca.crt', text: made.certificate, mode: 0o644 },
    ]);
    return succeed(made);
  } catch (error) {
    // Of two runs at once one makes it, and both use that one.
    const other = await readAuthority(place);
    if (other.ok && other.value !== undefined) return succeed(other.value);
    return fail(explainWriteError(place, error));
  }
}
