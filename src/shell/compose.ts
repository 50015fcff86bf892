// From parts to the one text that a host runs: order, requisites, guards and inputs are decided over there.
import { createHash } from 'node:crypto';
import { reveal, type Sensitive } from '../sensitive.ts';
import type { Input, Part, Program } from './program.ts';
import { quote } from './quote.ts';

export interface ComposedProgram {
  text: string;
  /** In the order in which the program takes them from the stream. */
  inputs: ComposedInput[];
}

export interface ComposedInput {
  /** Position of its part in the program. */
  part: number;
  size: number;
  content: Uint8Array | Sensitive<Uint8Array>;
}

/**
 * Runs inside the loader's shell: `q_mark`, `q_take` and fd 3 (the inputs) are the loader's.
 * `q_result`: `s`ucceeded, `f`ailed (also blocked and moved), s`k`ipped.
 */
const PARTS = `
q_nl='
'
q_clean() {
  while [ -n "$q_temporaries" ]; do
    q_path=\${q_temporaries%%"$q_nl"*} q_temporaries=\${q_temporaries#*"$q_nl"}
    [ ! -e "$q_path" ] || rm -f -- "$q_path"
  done
}
q_input() { # SIZE SHA256 DIRECTORY: sets q_path; the bytes are taken from the stream whatever happens
  q_path=
  if [ "$q_state" = ran ]; then
    if q_path=$(mktemp "$3/.quorate-XXXXXX"); then q_temporaries=$q_temporaries$q_path$q_nl
    else echo "no temporary file can be made in $3" >&2; q_state=input-failed; fi
  fi
  if [ "$q_state" != ran ]; then q_take "$1" <&3 >/dev/null; return; fi
  if q_take "$1" <&3 | { cat >"$q_path" || { cat >/dev/null; false; }; }; then
    case $(sha256sum <"$q_path") in "$2 "*) return;; esac
    echo "an input for $3 did not arrive whole" >&2
  fi
  q_state=input-failed
}
q_guard() { # SCRIPT LINE: the script still prints that line first, else what it prints now is shown
  ( unset q_nonce; eval "$1" ) </dev/null 3<&- 2>/dev/null |
    { IFS= read -r q_line; [ "$q_line" = "$2" ] || { printf '%s\\n' "$q_line"; false; }; }
}
q_part() { # INDEX NEEDS ONFAIL GUARD LINE SCRIPT [SIZE SHA256 DIRECTORY]...
  q_mark "begin $1"
  q_index=$1 q_guard=$4 q_line=$5 q_script=$6 q_state=ran q_status=0 q_temporaries=
  case $2 in *f*) q_state=blocked;; *) case $3 in *f*) ;; *) q_state=skipped;; esac;; esac
  shift 6
  q_left=$(($# / 3))
  while [ "$q_left" -gt 0 ]; do
    q_input "$1" "$2" "$3"
    shift 3
    set -- "$@" "$q_path"
    q_left=$((q_left - 1))
  done
  if [ "$q_state" = ran ] && [ -n "$q_guard" ]; then q_guard "$q_guard" "$q_line" || q_state=moved; fi
  if [ "$q_state" = ran ]; then
    if [ -n "$q_shared" ]; then eval "$q_script" </dev/null 3<&-
    else ( unset q_nonce; umask 022; eval "$q_script" ) </dev/null 3<&-
    fi
    q_status=$?
  fi
  q_clean
  case $q_state$q_status in ran0) q_result=s;; skipped*) q_result=k;; *) q_result=f;; esac
  q_mark "end $q_index $q_state $q_status"
}
set +e
unset IFS
q_temporaries= q_shared=
trap 'q_clean; exit 1' HUP INT TERM PIPE
`.trim();

/**
 * The program's text and the inputs that must follow it.
 * @throws if a part breaks the contract of {@link Program}: a name that is taken or unknown, a relative directory.
 */
export function composeProgram(program: Program): ComposedProgram {
  const positions = new Map<string, number>();
  const inputs: ComposedInput[] = [];
  const lines = ['unset q_text q_exit q_kind q_size q_sum q_limit q_dog q_last'];
  if (program.prelude !== undefined) lines.push(...composePrelude(program.prelude));
  lines.push(PARTS);
  for (const [index, part] of program.parts.entries()) {
    if (positions.has(part.id)) throw new Error(`the program has two parts named ${part.id}`);
    const call = `${composeCall(part, index, positions)}; q_result${index}=$q_result`;
    lines.push(part.shared ? `q_shared=y; ${call}; q_shared=` : call);
    positions.set(part.id, index);
    for (const input of part.inputs ?? []) {
      inputs.push({ part: index, size: reveal(input.content).length, content: input.content });
    }
  }
  return { text: lines.join('\n'), inputs };
}

/** bash goes on after what it cannot parse, so a word at the prelude's end says that it was reached. */
function composePrelude(prelude: string): string[] {
  const text = quote(`${prelude}\nq_prelude=whole`);
  return ['q_prelude=', `eval ${text} 3<&-`, '[ "$q_prelude" = whole ] || exit 2'];
}

function composeCall(part: Part, index: number, positions: ReadonlyMap<string, number>): string {
  const results = (ids: string[]) => `"${ids.map((id) => `$q_result${find(id, part, positions)}`).join('')}"`;
  const words = [
    String(index),
    results(part.needs ?? []),
    part.onfail === undefined || part.onfail.length === 0 ? 'f' : results(part.onfail),
    quote(part.guard?.read ?? ''),
    quote(part.guard?.fingerprint ?? ''),
    quote(part.script),
    ...(part.inputs ?? []).map(describeInput),
  ];
  return `q_part ${words.join(' ')}`;
}

function find(id: string, part: Part, positions: ReadonlyMap<string, number>): number {
  const position = positions.get(id);
  if (position === undefined) throw new Error(`part ${part.id} names ${id}, which is no earlier part of its program`);
  return position;
}

function describeInput(input: Input): string {
  if (!/^\/[^\n]*$/.test(input.directory)) throw new Error(`an input needs an absolute directory: ${input.directory}`);
  const content = reveal(input.content);
  return `${content.length} ${createHash('sha256').update(content).digest('hex')} ${quote(input.directory)}`;
}
