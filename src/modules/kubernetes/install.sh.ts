// How a kubelet comes to a host: pieces of the scripts of kubernetes.kubelet.
import { quote } from '../../shell/quote.ts';
import { checkArchive } from '../install.sh.ts';

/** `find_version FILE`: its version; `-` where there is no program, `?` where it does not say. */
export const FIND_VERSION = `
find_version() {
  if ! [ -f "$1" ] || ! [ -x "$1" ]; then
    echo -
    return
  fi
  said=$("$1" --version 2>/dev/null </dev/null)
  case $said in "Kubernetes v"[0-9]*) said=\${said#Kubernetes v}; echo "\${said%% *}" ;; *) echo '?' ;; esac
}`.trimStart();

/** `$1`: the program as the controller has sent it, compressed, where the host has none. */
export function installFile(path: string): string {
  return `file=${quote(path)}
if [ "$#" -gt 0 ]; then
  file=$(mktemp "$directory/.quorate-XXXXXX") || exit
  trap 'rm -f "$file"' EXIT
  gzip -dc <"$1" >"$file" && chmod 0700 "$file" || exit
fi
install "$file" kubelet`;
}

/** A release has much more in it: the kubelet alone is unpacked. */
export function installArchive(archive: string, sha256: string): string {
  return `${checkArchive(archive, sha256)}
member=$(tar -tzf "$archive" | grep -E '(^|/)kubelet$' | head -n 1)
if [ -z "$member" ]; then
  printf 'there is no kubelet in %s\\n' ${quote(archive)} >&2
  exit 1
fi
unpacked=$(mktemp -d "$directory/.quorate-XXXXXX") || exit
trap 'rm -rf "$unpacked"' EXIT
tar -xzof "$archive" -C "$unpacked" "$member" && install "$unpacked/$member" kubelet`;
}

/**
 * A package starts its kubelet as soon as it is there, before it is set up: so the unit is masked meanwhile. A package that is
 * held (https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/install-kubeadm/) is meant to change now.
 */
export function installPackage(name: string, unit: string): string {
  const service = quote(`${unit}.service`);
  return `finish() { :; }
if command -v systemctl >/dev/null && ! [ -e /etc/systemd/system/${service} ]; then
  systemctl -q mask --runtime ${service} || exit
  finish() { systemctl -q unmask --runtime ${service}; }
fi
trap finish EXIT
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends --allow-change-held-packages ${quote(name)} >&2 || exit
found=$(find_version "$directory/kubelet")
if [ "$found" != "$version" ]; then
  printf 'the package %s brought kubelet %s, not %s\\n' ${quote(name)} "$found" "$version" >&2
  exit 1
fi`;
}
