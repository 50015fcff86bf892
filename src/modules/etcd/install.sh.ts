// How etcd's programs come to a host: pieces of the scripts of etcd.binaries.
import { quote } from '../../shell/quote.ts';
import { checkArchive } from '../install.sh.ts';

/** `$(find_version FILE PROGRAM)`: its version; `-` where there is no program, `?` where it does not say. */
export const FIND_VERSION = `
find_version() {
  if ! [ -f "$1" ] || ! [ -x "$1" ]; then
    echo -
    return
  fi
  case $2 in etcd) set -- "$1" --version ;; *) set -- "$1" version ;; esac
  # Variables of etcd's would be read as flags.
  version_lines=$(exec env -i ETCDCTL_API=3 "$@" 2>/dev/null </dev/null)
  IFS='
'
  set -f
  for version_line in $version_lines; do
    case $version_line in etcd*" "[Vv]ersion:*) ;; *) continue ;; esac
    version_line=\${version_line#*ersion:}
    version_line=\${version_line#"\${version_line%%[! ]*}"}
    case $version_line in *[!0-9A-Za-z.+-]*) ;; [0-9]*) echo "$version_line"; return ;; esac
  done
  echo '?'
}`.trimStart();

/** `$1`: the archive as the controller has sent it, where the host has none. */
export function installArchive(archive: string, sha256: string, programs: string[]): string {
  return `${checkArchive(archive, sha256)}
unpacked=$(mktemp -d "$directory/.quorate-XXXXXX") || exit
trap 'rm -rf "$unpacked"' EXIT
tar -xzof "$archive" -C "$unpacked" || exit
for program in ${programs.join(' ')}; do
  file=$(find "$unpacked" -type f -name "$program" | head -n 1)
  if [ -z "$file" ]; then
    printf 'there is no %s in %s\\n' "$program" ${quote(archive)} >&2
    exit 1
  fi
  install "$file" "$program"
done`;
}

/** Debian's package starts etcd.service as soon as it is there, as a cluster of its own: so the unit is masked meanwhile. */
export function installPackage(name: string, programs: string[]): string {
  return `home=/var/lib/etcd
[ ! -e "$home" ] || home=
finish() { :; }
if command -v systemctl >/dev/null && ! [ -e /etc/systemd/system/etcd.service ]; then
  systemctl -q mask --runtime etcd.service || exit
  finish() {
    systemctl -q disable etcd.service 2>/dev/null
    systemctl -q unmask --runtime etcd.service
  }
fi
trap finish EXIT
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends ${quote(name)} >&2 || exit
# Debian's makes it, empty; the data directory is another resource's, which has seen that it was not there.
[ -z "$home" ] || rmdir "$home" 2>/dev/null
for program in ${programs.join(' ')}; do
  found=$(find_version "$directory/$program" "$program")
  if [ "$found" != "$version" ]; then
    printf 'the package %s brought %s %s, not %s\\n' ${quote(name)} "$program" "$found" "$version" >&2
    exit 1
  fi
done`;
}
