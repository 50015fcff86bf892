// Nothing is lost: the shell functions with which every write script keeps what it is about to move or replace.

/**
 * Needs `$Q_HOME` (`/var/lib/quorate`) and `$Q_RUN` (the run's id). Gives to write scripts:
 *
 * - `q_trash PATH`: moves PATH, a whole tree too, into the trash.
 * - `q_keep PATH`: PATH stays; the trash has it as well (a hard link where possible, else a copy).
 * - `q_sync PATH…`: puts files and directories on the disk.
 *
 * A thing is kept in a new directory of its own, so no name can collide, on its own file system, so that keeping is
 * a rename: in `$Q_HOME/trash/<run>/<number>/`, or in `<its parent>/.quorate-trash/<run>/<number>/` where that is
 * another device. `$Q_HOME/trash/<run>/INDEX` says first, in a line `original TAB kept TAB time`, what goes where;
 * in it a backslash, tab or newline of a path is written `\\`, `\t`, `\n`.
 */
export const TRASH_PRELUDE = `
q_tab=$(printf '\\t')
q_newline='
'
q_sync() { sync "$@"; }
q_escape() {
  case $1 in
    *\\\\* | *"$q_tab"* | *"$q_newline"*)
      q_escaped=$(printf '%s/' "$1" | sed -e 's/\\\\/\\\\\\\\/g' -e "s/$q_tab/\\\\\\\\t/g" | sed -e ':a' -e '$!N' -e 's/\\n/\\\\n/' -e ta)
      q_escaped=\${q_escaped%/}
      ;;
    *) q_escaped=$1 ;;
  esac
}
q_reserve() {
  q_index=$Q_HOME/trash/$Q_RUN
  (umask 077 && mkdir -p "$q_index") || return 1
  q_bin=$q_index
  if [ "$(stat -c %d "\${1%/*}/")" != "$(stat -c %d "$q_index")" ]; then
    q_bin=\${1%/*}/.quorate-trash
    if [ -L "$q_bin" ]; then
      printf '%s is a symbolic link, so nothing is kept there\\n' "$q_bin" >&2
      return 1
    fi
    q_bin=$q_bin/$Q_RUN
    (umask 077 && mkdir -p "$q_bin") || return 1
  fi
  q_number=1
  until (umask 077 && mkdir "$q_bin/$q_number") 2>/dev/null; do
    if ! [ -e "$q_bin/$q_number" ]; then
      mkdir "$q_bin/$q_number"
      return 1
    fi
    q_number=$((q_number + 1))
  done
  q_kept=$q_bin/$q_number/\${1##*/}
  q_escape "$1"
  q_line=$q_escaped
  q_escape "$q_kept"
  q_line=$q_line$q_tab$q_escaped$q_tab$(date -u +%Y-%m-%dT%H:%M:%SZ)
  (umask 077 && printf '%s\\n' "$q_line" >>"$q_index/INDEX") && q_sync "$q_index/INDEX"
}
q_not_kept() {
  printf '%s could not be kept in the trash (see above), so it was left as it is\\n' "$1" >&2
  return 1
}
q_trash() {
  { q_reserve "$1" && mv "$1" "$q_kept" && q_sync "\${1%/*}/" "\${q_kept%/*}"; } || q_not_kept "$1"
}
q_keep() {
  {
    q_reserve "$1" &&
      { ln "$1" "$q_kept" 2>/dev/null || { cp -a "$1" "$q_kept" && q_sync "$q_kept"; }; } &&
      q_sync "\${q_kept%/*}"
  } || q_not_kept "$1"
}
`;
