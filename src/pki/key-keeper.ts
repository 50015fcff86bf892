// Key pairs that all hosts of one cluster share: kept on the controller, so that a host that comes later gets the same.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { type Attempt, fail, succeed } from '../failure.ts';
import { explainWriteError } from '../load/writable.ts';
import { Sensitive } from '../sensitive.ts';
import { findReaders, keepTogether, readText } from './kept-files.ts';

export type KeyPair = {
  /** PEM, as its file has it. */
  key: Sensitive;
  /** PEM, SubjectPublicKeyInfo. */
  publicKey: string;
};

export interface KeyKeeper {
  /** The file of the private key, for messages. */
  place(name: string): string;
  /** Undefined: there is none of this name. A failure: there is, and it must not or cannot be used. */
  read(name: string): Promise<Attempt<KeyPair | undefined>>;
  /** Makes it, or gives the one that has come to be meanwhile. */
  make(name: string): Promise<Attempt<KeyPair>>;
}

/** `directory`: `$XDG_STATE_HOME/quorate/pki/<cluster>`. */
export function keepKeys(directory: string): KeyKeeper {
  const place = (name: string) => join(directory, name, `${name}.key`);
  return {
    place,
    read: (name) => readPair(place(name)),
    async make(name) {
      const known = await readPair(place(name));
      if (!known.ok) return known;
      if (known.value !== undefined) return succeed(known.value);
      // ECDSA P-256: the API server signs tokens with it as ES256 (RFC 7518), and every client library reads them.
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const text = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
      try {
        await keepTogether(join(directory, name), [{ name: `${name}.key`, text, mode: 0o600 }]);
        return succeed({ key: new Sensitive(text), publicKey: publicHalf(text) });
      } catch (error) {
        // Of two runs at once one makes it, and both use that one.
        const other = await readPair(place(name));
        if (other.ok && other.value !== undefined) return succeed(other.value);
        return fail(explainWriteError(join(directory, name), error));
      }
    },
  };
}

async function readPair(file: string): Promise<Attempt<KeyPair | undefined>> {
  const text = await readText(file);
  if (!text.ok || text.value === undefined) return text as Attempt<undefined>;
  const readers = await findReaders(file, 'move it away, and every token that it has signed becomes invalid');
  if (readers) return fail(readers);
  try {
    return succeed({ key: new Sensitive(text.value), publicKey: publicHalf(text.value) });
  } catch {
    return fail({ reason: 'guard', message: `${file} holds no private key`, next: 'bring it back from the backup' });
  }
}

function publicHalf(key: string): string {
  return String(createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' }));
}
