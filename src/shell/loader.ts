// The first line that a host's shell reads: it takes programs from the stream, exactly, and runs them one by one.
import { createHash } from 'node:crypto';

/**
 * What the login shell is given: the same in sh, bash, csh and fish. The loader itself follows on stdin,
 * so neither it nor its nonce is ever seen in a process list.
 */
export const BOOTSTRAP = `sh -c 'IFS= read -r l; eval "$l"'`;

/** Seconds that a program may outlive its limit on the host before its process group is ended. */
export const GRACE_SECONDS = 5;

/** Of the loader itself, in sh. Joined to one line; names begin with `q_` so that they meet no script's own. */
const LOADER = [
  // An inherited variable of the same name would be exported to every child, and the nonce with it.
  'unset l q_nonce q_kind q_size q_sum q_limit q_tail q_text q_exit q_dog q_status q_last;',
  'q_nonce=NONCE q_exit=:;',
  `LC_ALL=C PATH="\${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";`,
  'export LC_ALL PATH; umask 022;',

  // A marker on both streams. Where nobody listens any more the shell ends here: after the part, not within it.
  `q_mark() { printf '%s %s\\n' "$q_nonce" "$1" && printf '%s %s\\n' "$q_nonce" "$1" >&2 || exit 1; };`,

  // Exactly $1 bytes of stdin: a pipe gives short reads, and head -c of busybox takes more than it gives.
  'q_take() {',
  'if [ "$1" -ge 65536 ]; then dd bs=65536 count=$(($1 / 65536)) iflag=fullblock || return; fi;',
  'if [ $(($1 % 65536)) -gt 0 ]; then dd bs=$(($1 % 65536)) count=1 iflag=fullblock || return; fi;',
  '} 2>/dev/null;',

  // A dd that does not know fullblock takes nothing. After damage nothing of the stream is ever taken for a header again.
  'q_load() { q_text=$(q_take "$q_size"); if [ -z "$q_text" ]; then',
  'q_take() { [ "$1" = 0 ] || dd bs=1 count="$1" 2>/dev/null; }; q_text=$(q_take "$q_size"); fi;',
  'case $(printf %s "$q_tail$q_text" | sha256sum) in "$q_sum "*) return;; esac;',
  `printf '%s damaged\\n' "$q_nonce" >&2; cat >/dev/null; exit 1; };`,

  'q_beat() { q_load; ( unset q_nonce; eval "$q_text" ) </dev/null >/dev/null 2>&1; };',

  // While a program runs this one reader of the stream hands its inputs on, so that heartbeats still get through.
  `q_feed() { while IFS=' ' read -r q_kind q_size q_sum q_limit q_tail; do case $q_kind in`,
  'I) q_take "$q_size" || cat >/dev/null;; H) q_beat;; E) return;; *) cat >/dev/null;; esac; done; };',

  // Ends the whole process group at the limit; ended itself by TERM, it takes its sleep along: with KILL, since a sleep
  // that has only just been forked still has its shell's trap, and TERM would be lost on it.
  `q_watch() { q_last=$!; trap '[ "$!" = "$q_last" ] || { kill -KILL "$!"; wait "$!"; }; exit' TERM;`,
  'sleep "$1" & wait "$!" || exit;',
  `trap '' TERM; kill -TERM 0; sleep ${GRACE_SECONDS}; kill -KILL 0; };`,

  // The program's stdin is empty, its inputs come on fd 3. If it breaks off, q_feed takes none of them for a header.
  'q_run() { q_watch "$q_limit" </dev/null >/dev/null 2>&1 & q_dog=$!;',
  '( eval "$q_text" ) 3<&0 </dev/null; q_status=$?;',
  'kill "$q_dog"; wait "$q_dog"; q_mark "done $q_status"; };',

  "trap 'exit 1' HUP INT TERM PIPE;",
  `trap 'trap "" HUP INT TERM PIPE; ( unset q_nonce; eval "$q_exit" ) </dev/null >/dev/null 2>&1' EXIT;`,
  'q_mark ready;',
  `while IFS=' ' read -r q_kind q_size q_sum q_limit q_tail; do case $q_kind in`,
  'P) q_load; [ -z "$q_tail" ] || q_exit=$q_tail; q_feed | q_run;; X) q_load; q_exit=$q_text;; H) q_beat;; *) cat >/dev/null;; esac; done; exit 0',
].join(' ');

/**
 * The loader, one line.
 * @param nonce hexadecimal, at least 128 bits, known to nobody else: what stands behind it is believed.
 */
export function composeLoader(nonce: string): string {
  if (!/^[0-9a-f]{32,}$/.test(nonce)) throw new Error('a nonce has at least 32 hexadecimal digits');
  return LOADER.replace('NONCE', nonce);
}

/**
 * The text with its length and digest before it, so that the loader takes it exactly. `kind`: see the `case` above.
 * `tail` is one line, covered by the digest too.
 */
function frame(kind: 'P' | 'X' | 'H', text: string, limit = '', tail = ''): string {
  // `$(…)` drops newlines at the end, and the digest would not match.
  const exact = text.replace(/\n+$/, '');
  const digest = createHash('sha256')
    .update(tail + exact)
    .digest('hex');
  return `${kind} ${Buffer.byteLength(exact)} ${digest} ${limit} ${tail}\n${exact}`;
}

/**
 * A program, ended by the host itself {@link GRACE_SECONDS} after `limitMs`. `atExit` is what the loader runs when it
 * ends: at the end of the stream, or when its process group is ended with TERM.
 */
export function frameProgram(text: string, limitMs: number, atExit?: string): string {
  const limit = String(Math.ceil(limitMs / 1000) + GRACE_SECONDS);
  // A line of its own costs the host no process; the header has room for no more than one, and `read` strips its ends.
  if (atExit === undefined || !/^\S(?:.*\S)?$/.test(atExit)) {
    return `${atExit === undefined ? '' : frameAtExit(atExit)}${frame('P', text, limit)}`;
  }
  return frame('P', text, limit, atExit);
}

/** Sets what {@link frameProgram} calls `atExit` without a program. */
export function frameAtExit(script: string): string {
  return frame('X', script);
}

/** Run at once, also beside a running program. */
export function frameHeartbeat(script: string): string {
  return frame('H', script);
}

/** What goes before so many bytes for the running program's inputs. */
export function inputHeader(size: number): string {
  return `I ${size}\n`;
}

/** Nothing more follows for the program that has ended. */
export const PROGRAM_END = 'E\n';
