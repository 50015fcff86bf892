// What a directory for etcd's data has in it, as the host sees it.

/**
 * `q_content DIRECTORY` sets q_is: `none`, `empty`, `member` (etcd's), or `other`. What a file system and Quorate put into
 * it is nobody's data; nor is what restores have left or kept there.
 */
export const CONTENT = `
q_content() {
  q_is=none
  [ -e "$1" ] || [ -L "$1" ] || return 0
  q_is=empty
  for q_entry in "$1"/* "$1"/.[!.]*; do
    [ -e "$q_entry" ] || continue
    case \${q_entry##*/} in lost+found | .quorate-trash | .new-* | .pre-* | .restored-*) ;; *) q_is=other ;; esac
  done
  [ ! -e "$1/member" ] || q_is=member
}`;
