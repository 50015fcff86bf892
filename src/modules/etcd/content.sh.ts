// What a directory for etcd's data has in it, and what still works with it, as the host sees it.
import { worksOn } from '../../etcd/etcdctl.sh.ts';

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

/** `q_running` is what still works with the data, or with what it remembers of it: `kube-apiserver`, `etcd`. */
export function findRunning(dataDir: string): string {
  return `q_running=
for q_process in /proc/[0-9]*; do
  q_comm=; { read -r q_comm <"$q_process/comm"; } 2>/dev/null
  case $q_comm in
    kube-apiserver) case $q_running in *apiserver*) ;; *) q_running="$q_running kube-apiserver" ;; esac ;;
    etcd) q_pid=\${q_process#/proc/}; ! { ${worksOn(dataDir)}; } || q_running="$q_running etcd" ;;
  esac
done`;
}
