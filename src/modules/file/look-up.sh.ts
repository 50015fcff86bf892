// All paths of a program looked up at once: one stat, one sha256sum and one date, however many resources there are.
import { quote } from '../../shell/quote.ts';

/** More than this at a time may be longer than a command line can be. */
const AT_ONCE = 500;

/** Others are written in a way of their own by stat or sha256sum, so they are looked up where they are read. */
export function canBeLookedUp(path: string): boolean {
  return /^[^\p{Cc}\\]+$/u.test(path);
}

/**
 * For a part that is run in the program's own shell: looks up `paths`, so that in later parts `q_known PATH` sets
 * `q_entry` (as stat prints it in {@link ENTRY_FORMAT}) and `q_sum` (empty for what is no file) without forking. It finds
 * the paths whose positions in `paths` are in `q_at`; it fails for all others, and for what was not there.
 */
export function lookUp(paths: readonly string[]): string {
  const tries: string[] = [];
  for (let from = 0; from < paths.length; from += AT_ONCE) {
    const some = paths.slice(from, from + AT_ONCE).map((path, index) => `q_try ${from + index} ${quote(path)}`);
    tries.push(`q_files= q_places= q_sums= q_order=\n${some.join('\n')}\nq_look`);
  }
  return `${FUNCTIONS}\n${tries.join('\n')}\nq_clock=$(date +%s)\nunset q_files q_places q_sums q_order`;
}

export const ENTRY_FORMAT = '%a %s %u %g %U:%G';

// Names of files are sorted out by what the shell itself can test: a pipe would be waited for.
const FUNCTIONS = `
q_tab='	'
q_try() { # POSITION PATH
  if [ -L "$2" ]; then return; fi
  if [ -f "$2" ]; then q_files="$q_files \\"\\$q_path$1\\"" q_sums="$q_sums $1"
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
    eval "q_path=\\\${q_path$q_place-} q_entry=\\\${q_entry$q_place-} q_sum=\\\${q_sum$q_place-}"
    [ "$q_path" != "$1" ] || [ -z "$q_entry" ] || return 0
  done
  q_sum=
  return 1
}`.trim();
