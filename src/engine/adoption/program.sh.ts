// The one program that looks at a host whose etcd others have set up. It only reads: how etcd is started, what it says of
// its cluster, and the certificates (never a key).
import { etcdctlFunctions } from '../../etcd/etcdctl.sh.ts';
import { FILES_OF_UNIT, printFiles } from '../../modules/etcd/launch-files.sh.ts';
import type { Program } from '../../shell/program.ts';

/** Where nothing else is known: its values are set for each process in turn. */
const ACCESS = { binDir: '/usr/local/bin', pkiDir: '/etc/kubernetes/pki/etcd', clientPort: 2379 };

/** Of a kubelet whose own arguments and configuration do not say it. */
const MANIFESTS = '/etc/kubernetes/manifests';

const FUNCTIONS = `${etcdctlFunctions(ACCESS)}
q_words() { { tr '\\0' '\\n' <"/proc/$q_pid/$1"; } 2>/dev/null; }
q_flag() { # NAME VARIABLE: what $q_pid was started with
  q_value=$(q_words cmdline | sed -n -e "s/^--*$1=//p" -e "/^--*$1\\$/{n;p;}" | tail -n 1)
  [ -n "$q_value" ] || q_value=$(q_words environ | sed -n "s/^$2=//p" | tail -n 1)
}
q_unit() { sed -n 's|^[0-9]*:[^:]*:.*/\\([^/]*\\.service\\)\\(/.*\\)\\{0,1\\}$|\\1|p' "/proc/$q_pid/cgroup" 2>/dev/null | head -n 1; }
q_pod() { sed -n 's|.*/pods/\\([0-9a-f-]*\\)/containers/.*|\\1|p' "/proc/$q_pid/mountinfo" 2>/dev/null | head -n 1; }
q_manifests() { # sets q_folder and q_kubelet
  q_folder=${MANIFESTS} q_kubelet=
  for q_process in /proc/[0-9]*; do
    q_comm=; { read -r q_comm <"$q_process/comm"; } 2>/dev/null
    [ "$q_comm" = kubelet ] || continue
    q_pid=\${q_process#/proc/} q_kubelet=$(q_unit)
    q_flag pod-manifest-path -; [ -z "$q_value" ] || q_folder=$q_value
    q_flag config -
    [ -f "$q_value" ] || continue
    q_said=$(sed -n 's/^ *"\\{0,1\\}staticPodPath"\\{0,1\\}: *"\\{0,1\\}\\([^",]*\\)"\\{0,1\\},\\{0,1\\} *$/\\1/p' "$q_value")
    [ -z "$q_said" ] || q_folder=$q_said
  done
  q_folder=\${q_folder%/}
}`;

// Nothing of the environment but etcd's own flags, and no password that some image keeps beside them.
const PROCESSES = `
for q_pid in $(q_etcd_pids); do
  printf 'process %s\\nexe %s\\nunit %s\\npod %s\\n' "$q_pid" "$(readlink "/proc/$q_pid/exe")" "$(q_unit)" "$(q_pod)"
  q_words cmdline | sed 's/^/arg /'
  q_words environ | grep '^ETCD_' | grep -v -e PASS -e SECRET | sed 's/^/env /'
done
true`;

const HOST = `
q_manifests
printf 'hostname %s\\nmanifests %s\\nkubelet %s\\n' "$(cat /proc/sys/kernel/hostname)" "$q_folder" "$q_kubelet"
for q_file in "$q_folder"/*; do [ ! -f "$q_file" ] || printf 'static %s\\n' "\${q_file##*/}"; done`;

/** What each process says of its cluster, asked as every later plan asks it. */
const MEMBERS = `
for q_pid in $(q_etcd_pids); do
  q_flag cert-file ETCD_CERT_FILE; q_pki=\${q_value%/*}
  q_flag listen-client-urls ETCD_LISTEN_CLIENT_URLS; q_port=\${q_value%%,*}; q_port=\${q_port##*:}; q_own=https://127.0.0.1:\${q_port%/}
  q_exe=$(readlink "/proc/$q_pid/exe") q_ctl=
  [ -n "$(q_pod)" ] || [ ! -x "\${q_exe%/*}/etcdctl" ] || q_ctl=\${q_exe%/*}/etcdctl
  printf 'process %s\\n' "$q_pid"
  if q_find_lack; then printf 'lack %s\\n' "$q_lack"; continue; fi
  q_said=$(q_etcdctl 3 "$q_own" endpoint status -w json 2>&1) && printf 'status %s\\n' "$q_said" || printf 'said %s\\n' "$(printf %s "$q_said" | tail -n 1)"
  q_said=$(q_etcdctl 3 "$q_own" member list -w json 2>/dev/null) && printf 'list %s\\n' "$q_said"
done
true`;

const CERTIFICATES = `
for q_pid in $(q_etcd_pids); do
  q_flag cert-file ETCD_CERT_FILE; q_pki=\${q_value%/*}
  for q_file in "$q_pki/ca.crt" "$q_pki/server.crt" "$q_pki/peer.crt" "$q_pki/healthcheck-client.crt" "\${q_pki%/*}/apiserver-etcd-client.crt" "$q_pki/apiserver-etcd-client.crt"; do
    [ -f "$q_file" ] || continue
    printf '= %s\\n' "$q_file"
    sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' <"$q_file"
  done
done
true`;

// Manifests, the environment of etcd and the folders of certificates are root's alone.
const RIGHTS =
  '[ "$(id -u)" = 0 ] || { echo "only root may read how etcd is started, and this is $(id -un)" >&2; exit 1; }';

export const ADOPTION_PROGRAM: Program & { kind: 'read' } = {
  kind: 'read',
  prelude: FUNCTIONS,
  parts: [
    { id: 'rights', script: RIGHTS },
    { id: 'processes', script: PROCESSES },
    { id: 'host', script: HOST },
    { id: 'manifest', script: `q_manifests\nset -- "manifest:$q_folder/etcd.yaml"\n${printFiles(false)}` },
    { id: 'unit', script: `command -v systemctl >/dev/null || exit 0\n${FILES_OF_UNIT('etcd')}\n${printFiles(false)}` },
    { id: 'members', script: MEMBERS },
    { id: 'certificates', script: CERTIFICATES },
  ],
};
