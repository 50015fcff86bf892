// Whether a host is the one that is known by its name: strict, with what to do when it is not.
import { readFile } from 'node:fs/promises';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import type { Failure } from '../failure.ts';
import { findKnownKeys, fingerprint, type KnownKey, keyType, parseKnownHosts } from './known_hosts.ts';
import type { Endpoint } from './openssh.ts';

/** For each known type the signatures to ask for: RSA keys never with SHA-1. */
const ALGORITHMS: Record<string, ServerHostKeyAlgorithm[]> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

export interface HostKeyCheck {
  /** Asked for in this order; those of the known types alone, so that the host shows the key that is known. */
  algorithms: ServerHostKeyAlgorithm[];
  /** Undefined if the key is the known one. */
  judge(key: Buffer): Failure | undefined;
  /** The host has no key of the known types. */
  explainNoMatch(): Failure;
}

export async function readKnownKeys(files: readonly string[]): Promise<KnownKey[]> {
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.flatMap((text, index) => parseKnownHosts(files[index] as string, text));
}

/** What is known of an endpoint's key, and how to judge the one it shows. */
export function checkHostKey(endpoint: Endpoint, keys: readonly KnownKey[]): HostKeyCheck {
  const name = endpoint.hostKeyAlias ?? endpoint.hostname;
  const found = findKnownKeys(keys, name, endpoint.hostKeyAlias === undefined ? endpoint.port : 22);
  const known = found.filter((key) => key.marker === undefined);
  const authority = found.find((key) => key.marker === 'cert-authority');
  const types = [...new Set(known.map((key) => key.type))];
  const wanted = types.flatMap((type) => ALGORITHMS[type] ?? []);
  const where = endpoint.knownHostsFiles[0] ?? '~/.ssh/known_hosts';
  const address = endpoint.port === 22 ? endpoint.hostname : `-p ${endpoint.port} ${endpoint.hostname}`;
  const fail = (message: string, next: string): Failure => ({ reason: 'host-key', message, next });

  return {
    algorithms: wanted.length > 0 ? wanted : Object.values(ALGORITHMS).flat(),
    judge(key) {
      const offered = `${keyType(key)} ${fingerprint(key)}`;
      const revoked = found.find((entry) => entry.marker === 'revoked' && entry.key.equals(key));
      if (revoked !== undefined) {
        return fail(
          `the key that ${name} shows (${offered}) is REVOKED at ${revoked.file}:${revoked.line}`,
          'do not connect; find out which machine answers there',
        );
      }
      if (known.some((entry) => entry.key.equals(key))) return undefined;
      const other = known.find((entry) => entry.type === keyType(key)) ?? known[0];
      if (other !== undefined) {
        return fail(
          `THE HOST KEY OF ${name} HAS CHANGED: it shows ${offered}, but ${other.file}:${other.line} knows ${other.type} ${fingerprint(other.key)}; somebody may be listening, or the host was installed anew`,
          `compare with the host's own console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub); only if it is right: remove line ${other.line} of ${other.file} and add the new key`,
        );
      }
      if (authority !== undefined) {
        return fail(
          `${name} is known by a certificate authority (${authority.file}:${authority.line}), and host certificates cannot be checked here; it shows ${offered}`,
          `add its own key too: compare ssh-keyscan ${address} with the host's console, then append it to ${where}`,
        );
      }
      return fail(
        `the host key of ${name} is not known; it shows ${offered}`,
        `compare this with the host's own console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub), then run \`ssh ${address}\` once, or append the output of \`ssh-keyscan ${address}\` to ${where}`,
      );
    },
    explainNoMatch() {
      const places = known.map((entry) => `${entry.type} at ${entry.file}:${entry.line}`).join(', ');
      return fail(
        `${name} shows no host key of a known type (${places || 'none is known'})`,
        `compare ssh-keyscan ${address} with the host's console, then append it to ${where}`,
      );
    },
  };
}
