// Calling etcdctl on a host, for its own member or others: which binary, with which certificates, in a clean environment.
import { quote } from '../shell/quote.ts';
import type { ValueMap } from '../value.ts';

/** What calling etcdctl on a host needs; from pillar alone, so that a dead peer cannot change it. */
export interface EtcdctlAccess {
  binDir: string;
  pkiDir: string;
  clientPort: number;
}

/** How to reach the member of a host. */
export interface MemberAccess extends EtcdctlAccess {
  dataDir: string;
}

const PKI_DIR = '/etc/kubernetes/pki/etcd';

/** Undefined where the pillar does not say. */
export function accessOf(pillar: ValueMap): MemberAccess | undefined {
  const { etcd_bin_dir: binDir, etcd_data_dir: dataDir, etcd_client_port: clientPort, etcd_pki_dir: pkiDir } = pillar;
  if (typeof binDir !== 'string' || typeof dataDir !== 'string' || typeof clientPort !== 'number') return undefined;
  return { binDir, dataDir, clientPort, pkiDir: typeof pkiDir === 'string' ? pkiDir : PKI_DIR };
}

/** A dead endpoint must not cost more than this: without it etcdctl waits for the whole time of its command (etcd issue 10298). */
const DIAL_SECONDS = 1;
/** What etcdctl's own limit does not end (a hung disk, a stopped process) is killed so many seconds later. */
const GRACE_SECONDS = 2;

/**
 * Shell functions, none of which forks before there is something to ask:
 * `q_find_etcdctl` sets q_ctl, or fails; `q_find_lack` sets q_lack to the first thing without which no member can be asked
 * (`etcdctl`, or a file), and fails where nothing is lacking; `q_etcdctl SECONDS URL[,URL…] WORD…` asks with the client
 * certificate of health checks, and `q_own` is the URL of this host's member. With `q_exec=exec` a subshell becomes
 * etcdctl, so that its pid is etcdctl's own, and nothing but etcdctl's own limit ends it.
 *
 * etcdctl from 3.4 on refuses a flag that is given in the environment as well, and would go through a proxy that is named
 * there; so it sees none of it.
 */
export function etcdctlFunctions({ binDir, pkiDir, clientPort }: EtcdctlAccess): string {
  return `
${ETCD_PIDS}
q_pki=${quote(pkiDir)} q_own=https://127.0.0.1:${clientPort} q_ctl= q_exec=
q_find_etcdctl() {
  [ -z "$q_ctl" ] || return 0
  q_ctl=${quote(`${binDir}/etcdctl`)}
  [ ! -x "$q_ctl" ] || return 0
  ! q_ctl=$(command -v etcdctl) || return 0
  # A container's own binary needs nothing of its container.
  for q_pid in $(q_etcd_pids); do
    q_ctl=/proc/$q_pid/root/usr/local/bin/etcdctl
    [ ! -x "$q_ctl" ] || return 0
  done
  q_ctl=
  echo "etcdctl is neither in "${quote(binDir)}" nor in PATH nor in etcd's container" >&2
  return 1
}
q_find_lack() {
  q_lack=etcdctl
  q_find_etcdctl 2>/dev/null || return 0
  for q_lack in "$q_pki/ca.crt" "$q_pki/healthcheck-client.crt" "$q_pki/healthcheck-client.key"; do
    [ -e "$q_lack" ] || return 0
  done
  return 1
}
q_limit() { # SECONDS COMMAND…
  q_seconds=$1; shift
  if command -v timeout >/dev/null; then timeout -s KILL "$q_seconds" "$@"; else "$@"; fi
}
q_etcdctl() {
  q_find_etcdctl || return 1
  q_wait=$1 q_urls=$2; shift 2
  \${q_exec:-q_limit $((q_wait + ${GRACE_SECONDS}))} env -i ETCDCTL_API=3 "$q_ctl" --endpoints="$q_urls" --cacert="$q_pki/ca.crt" \\
    --cert="$q_pki/healthcheck-client.crt" --key="$q_pki/healthcheck-client.key" \\
    --dial-timeout=${DIAL_SECONDS}s --command-timeout="\${q_wait}s" "$@"
}`;
}

/** A command that says whether something listens on a port: the state 0A in the kernel's table, by the port in hexadecimal. */
export function listensOn(port: number): string {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return `grep -qs '^ *[0-9]*: [0-9A-F]*:${hex} [0-9A-F]*:0000 0A ' /proc/net/tcp /proc/net/tcp6`;
}

/** `q_etcd_pids`: the processes named etcd, in containers too: the host sees them all. */
export const ETCD_PIDS = `
q_etcd_pids() {
  for q_process in /proc/[0-9]*; do
    q_comm=; { read -r q_comm <"$q_process/comm"; } 2>/dev/null
    [ "$q_comm" != etcd ] || echo "\${q_process#/proc/}"
  done
}`;

/**
 * A command that says whether the process `$q_pid` works on `dataDir`. A flag may stand in argv or in the environment,
 * and argv is cut at NUL: busybox grep stops at the first one.
 */
export function worksOn(dataDir: string): string {
  const flags = [`--data-dir=${dataDir}`, `-data-dir=${dataDir}`, `ETCD_DATA_DIR=${dataDir}`, dataDir];
  const patterns = flags.map((flag) => `-e ${quote(flag)}`).join(' ');
  return `cat "/proc/$q_pid/cmdline" "/proc/$q_pid/environ" 2>/dev/null | tr '\\0' '\\n' | grep -qxF ${patterns}`;
}
