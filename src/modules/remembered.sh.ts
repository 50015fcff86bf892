// What a large program has said of its version, remembered on its host: starting it costs more than all else of a reading.

/** Where a reboot clears it, and no lock is looked for. */
const MEMORY = '/run/quorate.versions';
/** A change this soon after another may have the same time. Seconds. */
const SETTLED_SECONDS = 2;

/**
 * `q_recall FILE…` looks at the files as they are now; then `q_remembers FILE` sets `q_version`, or fails, and `q_note
 * FILE VERSION` writes down what the file itself has just said. A note is of one inode with its size and times, to the
 * nanosecond: whatever changes a file or its mode changes its ctime, which nobody can set. Nothing is noted of scripts and
 * links, which may run something else tomorrow (snap, alternatives), nor by what only reads: `q_locking` is an apply's.
 */
export const REMEMBER = `
q_marks= q_notes=
q_recall() {
  q_marks=$(stat -L -c '%Z %d %i %s %y %z %n' "$@" 2>/dev/null)
  q_notes=
  [ ! -r ${MEMORY} ] || while IFS= read -r q_line; do q_notes="$q_notes$q_line
"; done <${MEMORY}
}
q_remembers() {
  q_mark= q_version=
  IFS='
'; set -f
  for q_line in $q_marks; do case $q_line in *" $1") q_mark=$q_line ;; esac; done
  for q_line in $q_notes; do case $q_line in *" $q_mark") q_version=\${q_line%" $q_mark"} ;; esac; done
  unset IFS; set +f
  [ -n "$q_mark" ] && case $q_version in *[!0-9A-Za-z.+-]*) false ;; [0-9]*) ;; *) false ;; esac
}
q_note() {
  [ -n "\${q_locking-}" ] && [ -n "$q_mark" ] && [ ! -L "$1" ] && case $2 in [0-9]*) ;; *) false ;; esac || return 0
  [ $((\${q_clock:-0} - \${q_mark%% *})) -gt ${SETTLED_SECONDS} ] || return 0
  [ "$(dd if="$1" bs=4 count=1 2>/dev/null)" = "$(printf '\\177ELF')" ] || return 0
  # A line that an earlier one broke off in is no note.
  { printf '\\n%s %s\\n' "$2" "$q_mark" >>${MEMORY}; } 2>/dev/null || :
}`.trim();
