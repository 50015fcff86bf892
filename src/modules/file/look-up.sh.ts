// All paths of a program looked up at once: one stat, one sha256sum, one cat and one date, however many resources there are.
import { createHash } from 'node:crypto';
import { quote } from '../../shell/quote.ts';
import { CONTENT_FUNCTION, CONTENT_LIMIT, ENTRY_FORMAT, ENTRY_FUNCTIONS } from './entry.sh.ts';
import { takeLine } from './entry.ts';

/** More than this at a time may be longer than a command line can be. */
const AT_ONCE = 500;

/** Others are written in a way of their own by stat or sha256sum, so they are looked up where they are read. */
export function canBeLookedUp(path: string): boolean {
  return /^[^\p{Cc}\\]+$/u.test(path);
}

/** Bytes of all contents together that are printed at once; what is beyond is printed where it is read. */
const CONTENTS_LIMIT = 3 * 1024 * 1024;

export interface WantedPath {
  path: string;
  /** Of a file, up to {@link CONTENT_LIMIT}. */
  content: boolean;
}

/**
 * For a part that is run in the program's own shell: looks up `paths`, so that in later parts `q_known PATH` sets
 * `q_entry` (as stat prints it in {@link ENTRY_FORMAT}), `q_sum` (empty for what is no file) and `q_printed` (whether its
 * content was printed here) without forking. It finds the paths whose positions in `paths` are in `q_at`; it fails for
 * all others, and for what was not there. Brings the functions of entry.sh.ts.
 */
export function lookUp(paths: readonly WantedPath[]): string {
  const tries: string[] = [];
  for (let from = 0; from < paths.length; from += AT_ONCE) {
    const some = paths
      .slice(from, from + AT_ONCE)
      .map(({ path, content }, index) => `q_try ${from + index} ${quote(path)}${content ? ' y' : ''}`);
    tries.push(`q_files= q_places= q_sums= q_order= q_shown=\n${some.join('\n')}\nq_look`);
  }
  const begin = [ENTRY_FUNCTIONS, CONTENT_FUNCTION, FUNCTIONS, 'q_total=0'];
  return `${begin.join('\n')}\n${tries.join('\n')}\n: "\${q_clock:=$(date +%s)}"\nunset q_files q_places q_sums q_order q_shown`;
}

/** What the part printed: contents by their sha256, so that what was changed while it was read is nobody's content. */
export function parseContents(stdout: Uint8Array): Map<string, Uint8Array> {
  const contents = new Map<string, Uint8Array>();
  for (let rest = stdout; rest.length > 0; ) {
    const [line, after] = takeLine(rest);
    rest = after;
    for (const size of line.split(' ').map(Number)) {
      const content = rest.subarray(0, size);
      contents.set(createHash('sha256').update(content).digest('hex'), content);
      rest = rest.subarray(size);
    }
  }
  return contents;
}

// Names of files are sorted out by what the shell itself can test: a pipe would be waited for.
const FUNCTIONS = `
q_tab='	'
q_try() { # POSITION PATH [y, if its content is to be printed]
  if [ -L "$2" ]; then return; fi
  if [ -f "$2" ]; then
    q_files="$q_files \\"\\$q_path$1\\"" q_sums="$q_sums $1"
    [ -z "\${3-}" ] || q_shown="$q_shown $1"
  elif ! [ -d "$2" ]; then return
  fi
  eval "q_path$1=\\$2"
  q_places="$q_places \\"\\$q_path$1\\"" q_order="$q_order $1"
}
q_look() {
  [ -n "$q_places" ] || return 0
  q_keep entry "$(eval "stat -c '%n$q_tab${ENTRY_FORMAT}' $q_places" 2>/dev/null)" $q_order
  [ -n "$q_files" ] || return 0
  q_keep sum "$(eval "sha256sum $q_files" 2>/dev/null)" $q_sums
  q_files= q_sizes=
  for q_place in $q_shown; do
    eval "q_entry=\\\${q_entry$q_place-} q_sum=\\\${q_sum$q_place-}"
    q_entry=\${q_entry#* }; q_size=\${q_entry%% *}
    [ -n "$q_sum" ] && [ "$q_size" -le ${CONTENT_LIMIT} ] && [ $((q_total + q_size)) -le ${CONTENTS_LIMIT} ] || continue
    q_total=$((q_total + q_size)) q_sizes="$q_sizes $q_size" q_files="$q_files \\"\\$q_path$q_place\\""
    eval "q_printed$q_place=y"
  done
  [ -n "$q_files" ] || return 0
  printf '%s\\n' "\${q_sizes# }"
  eval "cat $q_files" 2>/dev/null
}
q_keep() { # entry|sum LINES POSITION…: both are in order, but what has gone meanwhile has no line
  q_kind=$1 q_lines=$2
  shift 2
  IFS=$q_nl; set -f
  for q_line in $q_lines; do
    case $q_kind in
      entry) q_name=\${q_line%%"$q_tab"*} q_line=\${q_line#*"$q_tab"} ;;
      *) q_name=\${q_line#*  } q_line=\${q_line%% *} ;;
    esac
    while [ $# -gt 0 ]; do
      eval "q_path=\\$q_path$1"; q_place=$1
      shift
      if [ "$q_path" = "$q_name" ]; then eval "q_$q_kind$q_place=\\$q_line"; break; fi
    done
  done
  unset IFS; set +f
}
q_known() { # PATH
  for q_place in $q_at; do
    eval "q_path=\\\${q_path$q_place-} q_entry=\\\${q_entry$q_place-} q_sum=\\\${q_sum$q_place-} q_printed=\\\${q_printed$q_place-}"
    [ "$q_path" != "$1" ] || [ -z "$q_entry" ] || return 0
  done
  q_sum= q_printed=
  return 1
}`.trim();
