// The CAs of one cluster on the controller: their keys stay here, and a CA that is there is never written again.
import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Attempt, fail, succeed } from '../failure.ts';
import { explainReadError } from '../load/readable.ts';
import { explainWriteError } from '../load/writable.ts';
import { Sensitive } from '../sensitive.ts';
import { readCertificates } from './certificate.ts';
import type { Authority, AuthorityWish } from './issue.ts';

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
  const { mode } = await stat(keyFile);
  if ((mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    const message = `${keyFile} may be read by others than its owner (mode ${shown}), so it may be secret no more`;
    return refuse(message, `if nobody else can have read it: chmod 600 ${keyFile}; else make a new CA (docs/pki.md)`);
  }
  const [first] = readCertificates(certificate.value) ?? [];
  if (first === undefined || !first.authority) {
    return refuse(`${certificateFile} holds no CA certificate`, `bring it back from the backup`);
  }
  if (!belongs(key.value, first.publicKey)) {
    return refuse(`${keyFile} is not the key of ${certificateFile}`, 'bring both back from the same backup');
  }
  return succeed({ certificate: certificate.value, key: new Sensitive(key.value) });
}

/** Undefined: it does not exist. */
async function readText(file: string): Promise<Attempt<string | undefined>> {
  try {
    return succeed(await readFile(file, 'utf8'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? succeed(undefined)
      : fail(explainReadError(file, error));
  }
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

/** Both files are made whole in a directory beside the place, which is then renamed to it: there is never half a CA. */
async function makeKept(place: string, wish: AuthorityWish): Promise<Attempt<Authority>> {
  const known = await readAuthority(place);
  if (!known.ok) return known;
  if (known.value !== undefined) return succeed(known.value);
  const { makeAuthority } = await import('./issue.ts');
  const made = await makeAuthority(wish);
  const beside = `${place}.${randomBytes(6).toString('hex')}`;
  try {
    await mkdir(beside, { recursive: true, mode: 0o700 });
    await writeDurably(join(beside, 'ca.key'), made.key.reveal(), 0o600);
    await writeDurably(join(beside, 'ca.crt'), made.certificate, 0o644);
    await syncDirectory(beside);
    await rename(beside, place);
    await syncDirectory(dirname(place));
    return succeed(made);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    // Of two runs at once one makes it, and both use that one.
    const other = await readAuthority(place);
    if (other.ok && other.value !== undefined) return succeed(other.value);
    return fail(explainWriteError(place, error));
  }
}

async function writeDurably(file: string, text: string, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
