// Reading certificates and keys on a host with sh, coreutils or busybox alone. No byte of a key's secret part is printed.

import { quote } from '../../shell/quote.ts';
import { ENTRY_FUNCTIONS } from '../file/entry.sh.ts';
import type { Entry } from '../file/entry.ts';

/**
 * Prints both fingerprint lines as one, and then the lines of each, as readEntry does without content. `q_one_size` is the
 * first one's size, if it is a file.
 */
export function readTwoEntries(one: string, other: string): string {
  return `${ENTRY_FUNCTIONS}
${TWO_ENTRIES}
q_print_two ${quote(one)} ${quote(other)}`;
}

const TWO_ENTRIES = `
q_print_two() {
  q_entry_of "$1" || return
  q_one=$q_head q_one_ids=$q_ids q_one_size=$q_size
  q_entry_of "$2" || return
  printf '%s\\n' "$q_one | $q_head" "$q_one" \${q_one_ids:+"$q_one_ids"} "$q_head" \${q_ids:+"$q_ids"}
}`.trim();

/** The shell itself reads a byte at a time: a larger file is cheaper by a process. Bytes. */
const SMALL_FILE = 8192;

/**
 * `q_print_certificates FILE [SIZE]` prints the certificates of a file, and nothing else that may be in it;
 * `q_print_public_key FILE` prints `key` and the public point of a key; `key other` for a key of another kind, `key none`
 * where there is no file. An ECDSA P-256 key in PKCS #8, as Quorate makes them, is 138 bytes, all but the numbers always
 * the same (RFC 5915 in RFC 5958): 36 bytes of form, 32 of secret, 6 of form, 64 of the point. 138 bytes are 184 letters
 * of base64 on three lines, and from the 97th on they are public: the second half of the second line, and the third.
 */
export const PRINT_PUBLIC_PARTS = `
q_print_certificates() {
  if [ "\${2:-${SMALL_FILE + 1}}" -gt ${SMALL_FILE} ]; then
    sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END /{/PRIVATE KEY/q;p;}' "$1"
    return
  fi
  q_within= q_pem=
  while IFS= read -r q_line || [ -n "$q_line" ]; do
    if [ -n "$q_within" ]; then
      case $q_line in "-----END "*) q_within= ;; esac
    else
      case $q_line in "-----BEGIN CERTIFICATE-----"*) q_within=y ;; *) continue ;; esac
    fi
    case $q_line in *"PRIVATE KEY"*) break ;; esac
    q_pem="$q_pem$q_line
"
  done <"$1"
  printf %s "$q_pem"
}
q_print_public_key() {
  q_point=none
  if [ -f "$1" ]; then
    q_point=other
    { read -r q_a; read -r q_b; read -r q_c; read -r q_d; read -r q_e; } <"$1"
    case $q_a$q_b:\${#q_b}:\${#q_c}:\${#q_d}:$q_e in
      "-----BEGIN PRIVATE KEY-----MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"*":64:64:56:-----END PRIVATE KEY-----")
        q_point=\${q_c#????????????????????????????????}$q_d ;;
    esac
    unset q_a q_b q_c q_d q_e
  fi
  printf 'key %s\\n' "$q_point"
}`.trim();

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
