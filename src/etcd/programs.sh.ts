// Finding etcd's programs on a host, each with its version.

/**
 * `q_find_program DIRECTORY NAME` prints `NAME PATH VERSION` of etcd, etcdctl or etcdutl: in the directory, in PATH, or
 * in a container that runs; nothing where there is none that says its version. Needs `q_limit` and `q_etcd_pids`.
 */
export const FIND_PROGRAM = `
q_find_program() {
  set -- "$2" "$1/$2" "$(command -v "$2")" $(for q_pid in $(q_etcd_pids); do echo "/proc/$q_pid/root/usr/local/bin/$2"; done)
  q_called=$1; shift
  for q_program; do
    [ -n "$q_program" ] && [ -x "$q_program" ] || continue
    case $q_called in etcd) q_flag=--version ;; *) q_flag=version ;; esac
    q_version=$(ETCDCTL_API=3; export ETCDCTL_API; q_limit 10 "$q_program" "$q_flag" 2>/dev/null | sed -n 's/^etcd[a-z]* [Vv]ersion: *//p')
    [ -z "$q_version" ] || { echo "$q_called $q_program $q_version"; return; }
  done
}`;

export interface Program {
  path: string;
  version: string;
}

/** By name. */
export function parsePrograms(lines: readonly string[]): Map<string, Program> {
  return new Map(
    lines.flatMap((line): [string, Program][] => {
      const [, name, path, version] = /^(etcd(?:ctl|utl)?) (.+) (\d\S*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, { path: path!, version: version! }]];
    }),
  );
}
