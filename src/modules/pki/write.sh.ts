// Writing a certificate, or it and its key, so that etcd, which loads both anew for each handshake, meets no half of it.
import { Sensitive } from '../../sensitive.ts';
import { quote } from '../../shell/quote.ts';
import { setOwnership, type WantedOwnership } from '../file/ownership.ts';
import { parentOf } from '../file/path.ts';
import type { WriteScript } from '../module.ts';

type Want = WantedOwnership & { path: string };

/** Everybody may read a certificate. */
export const CERTIFICATE_MODE = '0644';

/** The changes that need no new certificate. */
export const OWNERSHIP: ReadonlySet<string> = new Set(
  ['key', 'certificate'].flatMap((file) => ['owner', 'group', 'mode'].map((each) => `${file} ${each}`)),
);

function begin({ path }: Want): string {
  return `crt=${quote(`${path}.crt`)} key=${quote(`${path}.key`)}`;
}

function own(want: Want, certificate: string, key: string): string {
  return `${setOwnership(certificate, { ...want, mode: CERTIFICATE_MODE })}\n${setOwnership(key, want)}`;
}

const SYNC_DIRECTORY = `q_sync "\${crt%/*}/"`;

export function writeOwnership(want: Want): WriteScript {
  return { script: [begin(want), own(want, '"$crt"', '"$key"'), 'q_sync "$crt" "$key"'].join('\n') };
}

/** The key stays: one rename, and every handshake meets a pair. */
export function writeCertificate(want: Want, certificate: string): WriteScript {
  const script = [
    begin(want),
    own(want, '"$1"', '"$key"'),
    'q_sync "$1" "$key" || exit',
    'q_keep "$crt" || exit',
    'mv -f "$1" "$crt" || exit',
    SYNC_DIRECTORY,
  ];
  return { script: script.join('\n'), inputs: [input(want, certificate)] };
}

/**
 * One `mv` renames both within microseconds, the certificate first, because Go's tls.LoadX509KeyPair reads it first: so
 * a handshake in between mostly meets two old or two new files. One that does not fails, and is tried again by whoever
 * began it. After a crash in between, the next run sees that the key does not match.
 */
export function writePair(want: Want, pair: { certificate: string; key: Sensitive }): WriteScript {
  const name = quote(want.path.slice(want.path.lastIndexOf('/') + 1));
  const script = [
    begin(want),
    `staged=$(mktemp -d "\${crt%/*}/.quorate-XXXXXX") && staged_crt=$staged/${name}.crt staged_key=$staged/${name}.key || exit`,
    `give_up() { rm -f "$staged_crt" "$staged_key"; rmdir "$staged"; exit 1; }`,
    'mv "$1" "$staged_crt" && mv "$2" "$staged_key" || give_up',
    `(\n${own(want, '"$staged_crt"', '"$staged_key"')}\n) || give_up`,
    'q_sync "$staged_crt" "$staged_key" || give_up',
    'for each in "$crt" "$key"; do [ ! -e "$each" ] || q_keep "$each" || give_up; done',
    `mv -f "$staged_crt" "$staged_key" "\${crt%/*}/" || give_up`,
    'rmdir "$staged"',
    SYNC_DIRECTORY,
  ];
  return { script: script.join('\n'), inputs: [input(want, pair.certificate), secretInput(want, pair.key)] };
}

function input({ path }: Want, text: string) {
  return { directory: parentOf(path), content: new TextEncoder().encode(text) };
}

function secretInput({ path }: Want, text: Sensitive) {
  return { directory: parentOf(path), content: new Sensitive(new TextEncoder().encode(text.reveal())) };
}
