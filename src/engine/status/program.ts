// The one program that `status` runs on a host. It only reads, leaves no trace, and each part is answered by itself: what
// may hang (a disk) stands last, so that everything else is known by then.
import type { Part, Program } from '../../shell/program.ts';
import { quote } from '../../shell/quote.ts';
import type { ValueMap } from '../../value.ts';
import { HOST_HOME } from '../places.ts';

/** Where things are on a host; from pillar alone, so that a dead peer cannot change it. */
export interface StatusPaths {
  cluster: string;
  binDir: string;
  dataDir: string;
  manifestDir: string;
  pkiDir: string;
  kubernetesPkiDir: string;
  runtime: 'static_pod' | 'systemd';
  kubelet: string;
  clientPort: number;
}

/** Of a whole pillar: the schema gives each of these keys a default and its type. */
export function statusPaths(cluster: string, pillar: ValueMap): StatusPaths {
  const text = (key: string) => pillar[key] as string;
  return {
    cluster,
    binDir: text('etcd_bin_dir'),
    dataDir: text('etcd_data_dir'),
    manifestDir: text('etcd_manifest_dir'),
    pkiDir: text('etcd_pki_dir'),
    kubernetesPkiDir: text('kubernetes_pki_dir'),
    runtime: pillar.etcd_runtime as StatusPaths['runtime'],
    kubelet: text('kubelet_service'),
    clientPort: pillar.etcd_client_port as number,
  };
}

export type ReadProgram = Program & { kind: 'read' };

export function statusProgram(paths: StatusPaths): ReadProgram {
  return {
    kind: 'read',
    prelude: prelude(paths),
    parts: [
      { id: 'clock', script: 'date +%s.%N' },
      { id: 'processes', script: PROCESSES },
      { id: 'runtime', script: runtime(paths) },
      { id: 'member', script: MEMBER },
      // Blocked where the member has not answered: it would only cost the same wait again.
      { id: 'list', script: LIST, needs: ['member'] },
      { id: 'certificates', script: certificates(paths) },
      { id: 'ledger', script: ledger(paths) },
      { id: 'data', script: data(paths) },
    ] satisfies Part[],
  };
}

/** A program of its own, and only where it was asked for: it reads the whole keyspace. */
export function hashProgram(paths: StatusPaths, revision: number): ReadProgram {
  return {
    kind: 'read',
    prelude: prelude(paths),
    parts: [{ id: 'hash', script: `s_find || exit 1\ns_ask 60 endpoint hashkv --rev=${revision} -w json` }],
  };
}

/** Seconds for etcdctl to connect, and to have its answer: a frozen etcd accepts connections and then says nothing. */
const DIAL_SECONDS = 1;
const ANSWER_SECONDS = 3;

/**
 * `s_find` sets s_etcdctl, or fails; `s_ask SECONDS WORD...` asks the local member. etcdctl reads each flag from a variable
 * too and refuses one that it has twice, so all of its variables go.
 */
function prelude({ binDir, pkiDir, clientPort }: StatusPaths): string {
  const pki = quote(pkiDir);
  return `
s_port=${clientPort}
s_pki=${pki}
s_limit() { s_seconds=$1; shift; if command -v timeout >/dev/null; then timeout -s KILL "$s_seconds" "$@"; else "$@"; fi; }
s_pids() {
  for s_dir in /proc/[0-9]*; do
    s_comm=; { read -r s_comm <"$s_dir/comm"; } 2>/dev/null
    [ "$s_comm" != etcd ] || echo "\${s_dir#/proc/}"
  done
}
s_find() {
  s_etcdctl=${quote(`${binDir}/etcdctl`)}
  [ -x "$s_etcdctl" ] && return
  s_etcdctl=$(command -v etcdctl) && return
  for s_pid in $(s_pids); do
    s_etcdctl=/proc/$s_pid/root/usr/local/bin/etcdctl
    [ -x "$s_etcdctl" ] && return
  done
  return 1
}
s_ask() {
  s_wait=$1; shift
  for s_name in $(env | sed -n 's/^\\(ETCDCTL_[A-Z_]*\\)=.*/\\1/p'); do unset "$s_name"; done
  export ETCDCTL_API=3
  s_limit $((s_wait + 2)) "$s_etcdctl" --endpoints=https://127.0.0.1:$s_port --cacert="$s_pki/ca.crt" \\
    --cert="$s_pki/healthcheck-client.crt" --key="$s_pki/healthcheck-client.key" \\
    --dial-timeout=${DIAL_SECONDS}s --command-timeout="\${s_wait}s" "$@"
}`;
}

/** `PID STATE`, a line each. */
const PROCESSES = `
for s_pid in $(s_pids); do
  s_stat=; { read -r s_stat <"/proc/$s_pid/stat"; } 2>/dev/null
  s_stat=\${s_stat##*) }
  echo "$s_pid \${s_stat%% *}"
done`;

function runtime({ runtime, manifestDir, kubelet }: StatusPaths): string {
  if (runtime === 'systemd') {
    return 's_limit 3 systemctl show etcd -p LoadState -p ActiveState -p SubState -p Result -p NRestarts';
  }
  const manifest = quote(`${manifestDir}/etcd.yaml`);
  return `
[ ! -e ${manifest} ] || echo present
echo "kubelet=$(s_limit 3 systemctl is-active ${quote(kubelet)} 2>/dev/null)"`;
}

/** A word on the first line, what it is about on the same; after \`asked\` follows etcdctl's JSON. Fails where there is none. */
const MEMBER = `
grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$s_port") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6 || { echo closed; exit 1; }
s_find || { echo missing etcdctl; exit 1; }
for s_file in ca.crt healthcheck-client.crt healthcheck-client.key; do
  [ -e "$s_pki/$s_file" ] || { echo "missing $s_pki/$s_file"; exit 1; }
done
echo asked
s_ask ${ANSWER_SECONDS} endpoint status -w json`;

/** From 3.5 on the list needs a quorum; etcdctl 3.6 can ask for what the member itself knows. */
const LIST = `
s_find || exit 1
s_ask ${ANSWER_SECONDS} member list -w json && exit
s_ask ${ANSWER_SECONDS} member list --consistency=s -w json 2>/dev/null`;

/** \`= PATH\`, then the certificates of the file and nothing else of it; \`- PATH\` where there is no such file. */
function certificates({ pkiDir, kubernetesPkiDir }: StatusPaths): string {
  const needed = ['ca', 'server', 'peer', 'healthcheck-client'].map((name) => quote(`${pkiDir}/${name}.crt`));
  const optional = quote(`${kubernetesPkiDir}/apiserver-etcd-client.crt`);
  return `
s_show() { printf '= %s\\n' "$1"; sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' <"$1"; }
for s_file in ${needed.join(' ')}; do if [ -e "$s_file" ]; then s_show "$s_file"; else printf -- '- %s\\n' "$s_file"; fi; done
[ ! -e ${optional} ] || s_show ${optional}
true`;
}

function ledger({ cluster }: StatusPaths): string {
  const file = quote(`${HOST_HOME}/${cluster}.json`);
  return `[ ! -e ${file} ] || cat ${file}`;
}

/** `member` where there is a member's data, `size BYTES` of its database, `free KIBIBYTES` of its file system. */
function data({ dataDir }: StatusPaths): string {
  const directory = quote(dataDir);
  return `
[ -d ${directory} ] || exit 0
[ ! -d ${directory}/member ] || echo member
s_size=$(stat -c %s ${directory}/member/snap/db 2>/dev/null) && echo "size $s_size"
df -Pk ${directory} | { read -r s_line; read -r s_device s_all s_used s_free s_rest; echo "free $s_free"; }`;
}
