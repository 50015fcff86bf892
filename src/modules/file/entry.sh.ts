// Reading what stands at a path in the shell, without a process for what the program has looked up already.

/** Files up to this size are fetched, so that a plan can show a diff. Bytes. */
export const CONTENT_LIMIT = 256 * 1024;

/** As stat prints an entry. */
export const ENTRY_FORMAT = '%a %s %u %g %U:%G';

/**
 * `q_entry_of PATH` sets `q_head`, the fingerprint line, `q_ids`, the line `uid:gid` behind it (empty for what is neither
 * file nor directory), and `q_size` (empty for what is no file); `q_print_entry PATH` prints the lines. They follow no
 * symbolic link at the end of the path, and set nothing but names that begin with `q_`.
 */
export const ENTRY_FUNCTIONS = `
q_entry_of() {
  q_ids= q_size= q_printed=
  if [ -L "$1" ]; then
    q_head="symlink $(readlink -n "$1" | tr '\\001-\\037\\177' '?')"
  elif [ -d "$1" ] || [ -f "$1" ]; then
    q_sum=
    q_known "$1" 2>/dev/null || q_entry=$(stat -c '${ENTRY_FORMAT}' "$1") || return
    q_mode=\${q_entry%% *} q_entry=\${q_entry#* }
    q_size=\${q_entry%% *} q_entry=\${q_entry#* }
    q_uid=\${q_entry%% *} q_entry=\${q_entry#* }
    q_gid=\${q_entry%% *} q_owner=\${q_entry#* }
    while [ \${#q_mode} -lt 4 ]; do q_mode=0$q_mode; done
    case $q_owner in UNKNOWN:*) q_owner=$q_uid:\${q_owner#UNKNOWN:} ;; esac
    case $q_owner in *:UNKNOWN) q_owner=\${q_owner%:UNKNOWN}:$q_gid ;; esac
    q_ids=$q_uid:$q_gid
    if [ -d "$1" ]; then q_head="directory $q_mode $q_owner" q_size=
    else
      [ -n "$q_sum" ] || q_sum=$(sha256sum <"$1") || return
      q_head="regular $q_mode $q_owner $q_size \${q_sum%% *}"
    fi
  elif [ -p "$1" ]; then q_head='other a named pipe'
  elif [ -S "$1" ]; then q_head='other a socket'
  elif [ -b "$1" ] || [ -c "$1" ]; then q_head='other a device'
  elif [ -e "$1" ]; then q_head='other something that is no file'
  else q_head=absent
  fi
}
q_print_entry() { q_entry_of "$1" && printf '%s\\n' "$q_head" \${q_ids:+"$q_ids"}; }`.trim();

/** `q_print_content PATH`, after `q_print_entry PATH`: of a file that is small enough and was not printed before. */
export const CONTENT_FUNCTION = `
q_print_content() {
  if [ -n "$q_size" ] && [ "$q_size" -le ${CONTENT_LIMIT} ] && [ -z "$q_printed" ]; then cat "$1"; fi
}`.trim();
