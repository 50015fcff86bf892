// What a host runs for a rehearsal: a member of its own in a directory of root's alone, on sockets in it, under a watch
// that takes all of it away when its connection or its time is over.
import { etcdctlFunctions, type MemberAccess } from '../../etcd/etcdctl.sh.ts';
import { FIND_PROGRAM } from '../../etcd/programs.sh.ts';
import { CANARY_KEY } from '../../etcd/snapshot/receipt.ts';
import { quote } from '../../shell/quote.ts';
import { claimFolder, HELD } from './private-folder.sh.ts';

/** Sockets in the directory, not ports: nobody but root can reach them, and nothing can be in their way. */
const CLIENT = 'unix://client:1';
const PEER = 'unix://peer:1';

/** Two segments of etcd's log, which are laid out before they are needed, and what a database of any size begins with. */
const LOG_BYTES = 192 * 1024 * 1024;
const COPIES = 2.1;

export interface PrepareScript {
  access: MemberAccess;
  parent: string;
  run: string;
  /** Of the snapshot. Bytes. */
  size: number;
}

/**
 * Makes the directory and prints what is there for the rehearsal: `etcd PATH VERSION`, and the same of `etcdctl` and
 * `etcdutl`. Ends with 3 and the free KiB where there is no room, with 4 where the place is the member's own.
 */
export function prepareScript({ access, parent, run, size }: PrepareScript): string {
  const least = Math.ceil((size * COPIES + LOG_BYTES) / 1024);
  return `
${etcdctlFunctions(access)}
case ${quote(`${parent}/`)} in ${quote(`${access.dataDir}/`)}*) exit 4 ;; esac
${claimFolder(parent, run)}
q_free=$(df -Pk ${quote(parent)} | awk 'NR == 2 { print $4 }')
if [ "$q_free" -lt ${least} ]; then rm -rf ${quote(`${parent}/${run}`)}; echo "$q_free" >&2; exit 3; fi
${FIND_PROGRAM}
for q_name in etcd etcdctl etcdutl; do q_find_program ${quote(access.binDir)} "$q_name"; done`;
}

export interface SuperviseScript {
  folder: string;
  etcd: string;
  /** etcdutl, or etcdctl below 3.5. */
  tool: string;
  sha256: string;
  limitSeconds: number;
}

/**
 * Begins the rehearsal and comes back. The watch is a session of its own, so that what ends the connection's processes
 * does not end it before it has cleaned up.
 */
export function superviseScript(options: SuperviseScript): string {
  const { folder } = options;
  return `
cd ${quote(folder)} || exit 1
printf %s ${quote(watchText(options))} >watch || exit 1
q_apart=; ! command -v setsid >/dev/null || q_apart=setsid
$q_apart sh ./watch </dev/null >/dev/null 2>&1 &`;
}

function watchText({ folder, etcd, tool, sha256, limitSeconds }: SuperviseScript): string {
  const restore = [
    `snapshot restore snapshot.db --data-dir data --name rehearsal --initial-cluster rehearsal=${PEER}`,
    `--initial-advertise-peer-urls ${PEER} --initial-cluster-token rehearsal`,
  ].join(' ');
  const serve = [
    `--name rehearsal --data-dir data --listen-client-urls ${CLIENT} --advertise-client-urls ${CLIENT}`,
    `--listen-peer-urls ${PEER} --initial-advertise-peer-urls ${PEER} --initial-cluster rehearsal=${PEER}`,
    // It may be larger than etcd's own default allows.
    '--quota-backend-bytes=-1',
  ].join(' ');
  return `${HELD}
umask 077
cd ${quote(folder)} || exit 1
q_begun=$(cut -d . -f 1 /proc/uptime)
q_end() {
  trap '' HUP INT TERM
  for q_name in restore serve; do
    [ -e "$q_name.status" ] || { read -r q_pid <"$q_name.pid" && kill -KILL "$q_pid"; } 2>/dev/null
  done
  # What was ended still writes down its status.
  wait
  cd / && rm -rf ${quote(folder)}
  exit 0
}
trap q_end HUP INT TERM
q_step() { # NAME COMMAND…
  q_name=$1; shift
  ( "$@" >"$q_name.log" 2>&1 & echo "$!" >"$q_name.pid"; wait "$!"; echo "$?" >"$q_name.status.new"; mv "$q_name.status.new" "$q_name.status" ) &
  while [ ! -e "$q_name.status" ]; do
    q_held . && [ $(($(cut -d . -f 1 /proc/uptime) - q_begun)) -lt ${limitSeconds} ] || q_end
    sleep 0.2 2>/dev/null || sleep 1
  done
}
q_restore() {
  case $(sha256sum <snapshot.db) in ${sha256}' '*) ;; *) echo 'it did not arrive as it was proved'; exit 1 ;; esac
  exec env -i ETCDCTL_API=3 ${quote(tool)} ${restore}
}
q_step restore q_restore
read -r q_status <restore.status
[ "$q_status" != 0 ] || q_step serve env -i ${quote(etcd)} ${serve}
while q_held . && [ $(($(cut -d . -f 1 /proc/uptime) - q_begun)) -lt ${limitSeconds} ]; do sleep 1; done
q_end`;
}

/** `q_ask SECONDS WORD…`: etcdctl on the member's socket. */
function askFunction(folder: string, etcdctl: string): string {
  return `cd ${quote(folder)} 2>/dev/null || { echo gone; exit 0; }
q_limit() { q_seconds=$1; shift; if command -v timeout >/dev/null; then timeout -s KILL "$q_seconds" "$@"; else "$@"; fi; }
q_ask() { q_wait=$1; shift; q_limit $((q_wait + 2)) env -i ETCDCTL_API=3 ${quote(etcdctl)} --endpoints=${CLIENT} --command-timeout="\${q_wait}s" "$@"; }`;
}

/** Prints where it is, once that is no longer `known`, or after two seconds: `restoring`, `starting`, `serving`, or `failed STEP` and the step's last lines. */
export function followScript(folder: string, etcdctl: string, known: string): string {
  return `${askFunction(folder, etcdctl)}
q_look() {
  q_now=restoring
  [ -e restore.status ] || return
  read -r q_status <restore.status
  [ "$q_status" = 0 ] || { q_now='failed restore'; return; }
  q_now=starting
  [ ! -e serve.status ] || { q_now='failed serve'; return; }
  [ ! -S client:1 ] || ! q_ask 2 get ${quote(CANARY_KEY)} >/dev/null 2>&1 || q_now=serving
}
q_try=0
while q_look; [ "$q_now" = ${quote(known)} ] && [ "$q_try" -lt 10 ]; do
  q_try=$((q_try + 1)); sleep 0.2 2>/dev/null || sleep 1
done
echo "$q_now"
case $q_now in failed*) tail -n 5 "\${q_now#failed }.log" ;; esac`;
}

/**
 * Prints the number of keys that begin with each of the prefixes, a line each; of `''` that of all keys. At a revision,
 * because keys go by themselves when their leases end.
 */
export function countScript(
  folder: string,
  etcdctl: string,
  prefixes: readonly string[],
  revision: number,
  seconds: number,
): string {
  return `${askFunction(folder, etcdctl)}
for q_prefix in ${prefixes.map(quote).join(' ')}; do
  q_said=$(q_ask ${seconds} get --prefix --keys-only --limit=1 --rev=${revision} -w json -- "$q_prefix") || exit 1
  case $q_said in *'"count":'*) q_count=\${q_said##*'"count":'}; echo "\${q_count%%[!0-9]*}" ;; *) echo 0 ;; esac
done`;
}

export function canaryScript(folder: string, etcdctl: string): string {
  return `${askFunction(folder, etcdctl)}\nq_ask 10 get ${quote(CANARY_KEY)} -w json`;
}

/** Hashes everything: it reads all that was restored. */
export function hashScript(folder: string, etcdctl: string, revision: number, seconds: number): string {
  return `${askFunction(folder, etcdctl)}\nq_ask ${seconds} endpoint hashkv --rev=${revision} -w json`;
}

/** Ends the watch, which takes everything away; what does not go by itself is ended here. Fails where something is left. */
export function clearScript(folder: string): string {
  return `
q_old=${quote(folder)}
[ -e "$q_old" ] || exit 0
rm -f "$q_old/holder"
q_try=0
while [ -e "$q_old" ] && [ "$q_try" -lt 25 ]; do q_try=$((q_try + 1)); sleep 0.2 2>/dev/null || sleep 1; done
[ -e "$q_old" ] || exit 0
for q_work in /proc/[0-9]*; do
  case $(readlink "$q_work/cwd" 2>/dev/null)/ in "$q_old"/*) [ "\${q_work#/proc/}" = $$ ] || kill -KILL "\${q_work#/proc/}" ;; esac
done
rm -rf -- "$q_old"
[ ! -e "$q_old" ]`;
}
