// Calling etcdctl on a host, for its own member or another: which binary, with which certificates, in a clean environment.
import { quote } from '../shell/quote.ts';
import type { ValueMap } from '../value.ts';

/** What calling etcdctl on a host needs. */
export interface EtcdctlAccess {
  binDir: string;
  pkiDir: string;
  /** Absent: any etcd of the host. */
  dataDir?: string;
  clientPort: number;
}

/** How to reach the member of a host; from pillar alone, so that a dead peer cannot change it. */
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

/**
 * Shell functions: `q_etcdctl URL ARGS…` calls a member with the client certificate of health checks, or without one where
 * the host has none, at `http://`; `q_own` is this host's member. `q_listens PORT` says whether something listens there.
 *
 * With `q_exec=exec` a subshell becomes etcdctl, so that its pid is etcdctl's own.
 *
 * etcdctl from 3.4 on refuses a flag that is given in the environment as well, so all its variables are taken away.
 */
export function etcdctlFunctions(access: EtcdctlAccess): string {
  return `
${LISTENS}
${etcdPids(access.dataDir)}
q_etcd_bin=${quote(access.binDir)} q_pki=${quote(access.pkiDir)}
for q_name in $(env | sed -n 's/^\\(ETCDCTL_[A-Za-z0-9_]*\\)=.*/\\1/p'); do unset "$q_name"; done
export ETCDCTL_API=3
q_ctl= q_exec=
q_find_etcdctl() {
  [ -z "$q_ctl" ] || return 0
  if [ -x "$q_etcd_bin/etcdctl" ]; then q_ctl=$q_etcd_bin/etcdctl; return 0; fi
  if q_ctl=$(command -v etcdctl); then return 0; fi
  # A container's own binary needs nothing of its container.
  for q_pid in $(q_etcd_pids); do
    q_ctl=/proc/$q_pid/root/usr/local/bin/etcdctl
    [ ! -x "$q_ctl" ] || return 0
  done
  q_ctl=
  echo "etcdctl is neither in $q_etcd_bin nor in PATH nor in etcd's container" >&2
  return 1
}
q_scheme=http
[ ! -e "$q_pki/healthcheck-client.crt" ] || q_scheme=https
q_etcdctl() { # HOST:PORT[,HOST:PORT…] ARGS…
  q_find_etcdctl || return 1
  q_urls=$q_scheme://$(printf %s "$1" | sed "s|,|,$q_scheme://|g"); shift
  if [ "$q_scheme" = http ]; then $q_exec "$q_ctl" --endpoints="$q_urls" --dial-timeout=1s "$@"
  else $q_exec "$q_ctl" --endpoints="$q_urls" --cacert="$q_pki/ca.crt" --cert="$q_pki/healthcheck-client.crt" --key="$q_pki/healthcheck-client.key" --dial-timeout=1s "$@"; fi
}
q_own=127.0.0.1:${access.clientPort}`;
}

// A listening socket (state 0A) in the kernel's table, by its port in hexadecimal.
const LISTENS = `
q_listens() { grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6; }`;

/**
 * `q_etcd_pids`: the processes named etcd that work on the data directory, in containers too: the host sees them all.
 * A flag may stand in argv or in the environment, and argv is cut at NUL: busybox grep stops at the first one.
 */
export function etcdPids(dataDir: string | undefined): string {
  const flags = [`--data-dir=${dataDir}`, `-data-dir=${dataDir}`, `ETCD_DATA_DIR=${dataDir}`, `${dataDir}`];
  const isOurs =
    dataDir === undefined
      ? ':'
      : `cat "$q_process/cmdline" "$q_process/environ" 2>/dev/null | tr '\\0' '\\n' |
      grep -qxF ${flags.map((flag) => `-e ${quote(flag)}`).join(' ')}`;
  return `
q_etcd_pids() {
  for q_process in /proc/[0-9]*; do
    read -r q_comm 2>/dev/null <"$q_process/comm" || continue
    [ "$q_comm" = etcd ] || continue
    ${isOurs} && printf '%s\\n' "\${q_process#/proc/}"
  done
}`;
}
