// Asking one host's etcd member how it is, from the host itself.
import { accessOf, ETCD_PIDS, etcdctlFunctions, listensOn, worksOn } from '../etcd/etcdctl.sh.ts';
import type { ValueMap } from '../value.ts';

/** Raft waits for one to two timeouts before it calls an election (etcd's raft package), and may have to call another. */
const ELECTION_ROUNDS = 5;
const LONGEST_ELECTION_SECONDS = 10;

/** Within this time a cluster with a quorum has a leader again. */
function electionSeconds({ etcd_election_timeout: timeout }: ValueMap): number {
  const milliseconds = typeof timeout === 'number' ? timeout : 1000;
  return Math.min(LONGEST_ELECTION_SECONDS, Math.ceil((ELECTION_ROUNDS * milliseconds) / 1000));
}

/**
 * Prints `etcdctl endpoint status -w json` of the local member, or nothing where none listens, or where there is nothing
 * to ask it with: a bare host must not cost a dial timeout. With `waits`, a member that knows no leader is asked until an election would be over: a cluster
 * that is just electing serves again in a moment, and must not be taken for one that does not serve. Never asks for a
 * hash (that reads the whole keyspace).
 */
export function memberStatusScript(pillar: ValueMap, waits = true): string | undefined {
  const access = accessOf(pillar);
  if (!access) return undefined;
  return `
${etcdctlFunctions(access)}
${listensOn(access.clientPort)} || exit 0
if q_find_lack; then echo "the member cannot be asked: there is no $q_lack" >&2; exit 0; fi
q_end=
while :; do
  q_status=$(q_etcdctl 3 "$q_own" endpoint status -w json) || break
  case $q_status in *'"leader":'[1-9]*) break ;; esac
  q_now=$(date +%s)
  [ "$q_now" -lt "\${q_end:=$((q_now + ${waits ? electionSeconds(pillar) : 0}))}" ] || break
  sleep 0.2 2>/dev/null || sleep 1
done
printf '%s\\n' "$q_status"`;
}

/** Prints the processes of the host's member, each with its start time: `812:90210`, which tells a reused pid apart. */
export function memberProcessScript(pillar: ValueMap): string | undefined {
  const access = accessOf(pillar);
  if (!access) return undefined;
  return `
${ETCD_PIDS}
${STARTED}
for q_pid in $(q_etcd_pids); do ${worksOn(access.dataDir)} && q_started "$q_pid" && printf '%s:%s\\n' "$q_pid" "$q_start"; done
:`;
}

/**
 * Waits until none of the `former` processes (see {@link memberProcessScript}) is left, which would answer in place of
 * the new one, and then until the local member serves a linearizable read, which needs a leader and a quorum; fails
 * after `seconds`.
 */
export function memberGateScript(
  pillar: ValueMap,
  seconds: number,
  former: readonly string[] = [],
): string | undefined {
  const access = accessOf(pillar);
  if (!access) return undefined;
  return `
${etcdctlFunctions(access)}
${STARTED}
q_end=$(( $(date +%s) + ${Math.ceil(seconds)} ))
q_wait() {
  if [ "$(date +%s)" -ge "$q_end" ]; then printf '%s\\n' "$q_why" >&2; exit 1; fi
  sleep 0.2 2>/dev/null || sleep 1
}
for q_former in ${former.filter((process) => /^\d+:\d+$/.test(process)).join(' ')}; do
  q_why="the process \${q_former%:*}, which was to be replaced, still runs"
  while q_started "\${q_former%:*}" && [ "$q_start" = "\${q_former#*:}" ]; do q_wait; done
done
until q_why=$(q_etcdctl 3 "$q_own" endpoint health 2>&1); do q_wait; done`;
}

// Field 22 of /proc/PID/stat, counted after the command's closing parenthesis; a zombie has ended.
const STARTED = `
q_started() {
  q_stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  q_stat=\${q_stat##*) }
  set -- $q_stat
  [ "$1" != Z ] || return 1
  shift 19; q_start=$1
}`;
