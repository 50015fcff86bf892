// Reading certificates and keys on a host with sh, coreutils or busybox alone. No byte of a key's secret part is printed.

import type { Entry } from '../file/entry.ts';

/** Prints the certificates of a file, and nothing else that may be in it: `file` is a word of sh. */
export function printCertificates(file: string): string {
  return `sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END /{/PRIVATE KEY/q;p;}' ${file}`;
}

/**
 * Prints `key` and the public point of the key in `$key`; `key other` for a key of another kind, `key none` where there
 * is no file. An ECDSA P-256 key in PKCS #8, as Quorate makes them, is 138 bytes, all but the numbers always the same
 * (RFC 5915 in RFC 5958): 36 bytes of form, 32 of secret, 6 of form, 64 of the point. 138 bytes are 184 letters of
 * base64 on three lines, and from the 97th on they are public: the second half of the second line, and the third.
 */
export const PRINT_PUBLIC_KEY = `
point=none
if [ -f "$key" ]; then
  point=other
  { read -r head; read -r first; read -r second; read -r third; read -r foot; } <"$key"
  case $head$first:\${#first}:\${#second}:\${#third}:$foot in
    "-----BEGIN PRIVATE KEY-----MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"*":64:64:56:-----END PRIVATE KEY-----")
      point=\${second#????????????????????????????????}$third ;;
  esac
  unset first second third
fi
printf 'key %s\\n' "$point"`.trimStart();

/** By the host's clock; once for a whole program, where it has looked up its paths. */
export const PRINT_NOW = `printf 'now %s\\n' "\${q_clock:-$(date +%s)}"`;

/** `now SECONDS`, as milliseconds. */
export function parseNow(line: string): number {
  const seconds = /^now (\d+)$/.exec(line)?.[1];
  if (seconds === undefined) throw new Error(`not a time: ${line}`);
  return Number(seconds) * 1000;
}

/** What follows an entry is not always the content of it. */
export function withoutContent(entry: Extract<Entry, { kind: 'regular' }>): Entry {
  const { content: _, ...rest } = entry;
  return rest;
}
