// Shell functions that every writing program has: the host's journal, pending reactions, and the trash.
import { createHash } from 'node:crypto';
import { TRASH_PRELUDE } from '../modules/file/trash.sh.ts';
import { quote } from '../shell/quote.ts';
import { HOST_HOME } from './places.ts';

/** Makes the host's own directory (root's alone) and names the run to the scripts of modules. */
export function writePrelude(run: string): string {
  return `
Q_RUN=${quote(run)}
Q_HOME=${HOST_HOME}
${TRASH_PRELUDE}
q_keep_home() { (umask 077; mkdir -p "$Q_HOME/pending" "$Q_HOME/runs/$Q_RUN"); }
q_journal() { printf '{"at":"%s",%s}\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" >> "$Q_HOME/runs/$Q_RUN/journal.jsonl"; }
q_pend() { for q_name; do : > "$Q_HOME/pending/$q_name" || return 1; done; sync "$Q_HOME/pending" 2>/dev/null || sync; }
q_unpend() { for q_name; do rm -f "$Q_HOME/pending/$q_name"; done; }
`;
}

/** Lists the reactions that an earlier run recorded and did not finish, one file name a line. */
export const PENDING_SCRIPT = `for q_name in ${HOST_HOME}/pending/*; do [ ! -e "$q_name" ] || printf '%s\\n' "\${q_name##*/}"; done`;

/** A file name has at most 255 bytes on any file system of a host. */
const LONGEST_NAME = 200;

/** A declaration's id as a file name: another for each id, and nothing in it means anything to a shell. */
export function pendingName(resource: string): string {
  const name = encodeURIComponent(resource);
  if (name.length <= LONGEST_NAME) return name;
  return `${name.slice(0, LONGEST_NAME - 33)}~${createHash('sha256').update(resource).digest('hex').slice(0, 32)}`;
}

/** The {@link pendingName} of each; what else somebody put there is nobody's. */
export function parsePending(stdout: Uint8Array): Set<string> {
  return new Set(new TextDecoder().decode(stdout).split('\n').filter(Boolean));
}
