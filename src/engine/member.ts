// Asking one host's etcd member how it is, from the host itself.
import { quote } from '../shell/quote.ts';
import type { ValueMap } from '../value.ts';

/** How to reach the member of a host; from pillar alone, so that a dead peer cannot change it. */
interface MemberAccess {
  etcdctl: string;
  endpoint: string;
  port: number;
  /** Within this time a cluster with a quorum has a leader again. */
  electionSeconds: number;
}

/** Raft waits for one to two timeouts before it calls an election (etcd's raft package), and may have to call another. */
const ELECTION_ROUNDS = 5;
const LONGEST_ELECTION_SECONDS = 10;

function memberAccess(pillar: ValueMap): MemberAccess | undefined {
  const { etcd_bin_dir: directory, etcd_client_port: port } = pillar;
  if (typeof directory !== 'string' || typeof port !== 'number') return undefined;
  const timeout = typeof pillar.etcd_election_timeout === 'number' ? pillar.etcd_election_timeout : 1000;
  const electionSeconds = Math.min(LONGEST_ELECTION_SECONDS, Math.ceil((ELECTION_ROUNDS * timeout) / 1000));
  return { etcdctl: `${directory}/etcdctl`, endpoint: `http://127.0.0.1:${port}`, port, electionSeconds };
}

/**
 * Prints `etcdctl endpoint status -w json` of the local member, or nothing where none listens: a bare host must not
 * cost a dial timeout. A member that knows no leader is asked until an election would be over: a cluster that is just
 * electing serves again in a moment, and must not be taken for one that does not serve. Never asks for a hash (that
 * reads the whole keyspace).
 */
export function memberStatusScript(pillar: ValueMap): string | undefined {
  const access = memberAccess(pillar);
  if (!access) return undefined;
  return `
${LISTENS}
q_listens ${access.port} || exit 0
q_end=$(( $(date +%s) + ${access.electionSeconds} ))
while :; do
  q_status=$(${call(access)} --dial-timeout=1s --command-timeout=3s endpoint status -w json) || break
  case $q_status in *'"leader":'[1-9]*) break ;; esac
  [ "$(date +%s)" -lt "$q_end" ] || break
  sleep 0.2 2>/dev/null || sleep 1
done
printf '%s\\n' "$q_status"`;
}

/** Waits until the local member serves a linearizable read, which needs a leader and a quorum; fails after `seconds`. */
export function memberGateScript(pillar: ValueMap, seconds: number): string | undefined {
  const access = memberAccess(pillar);
  if (!access) return undefined;
  return `
q_end=$(( $(date +%s) + ${Math.ceil(seconds)} ))
until q_why=$(${call(access)} --dial-timeout=1s --command-timeout=3s endpoint health 2>&1); do
  if [ "$(date +%s)" -ge "$q_end" ]; then printf '%s\\n' "$q_why" >&2; exit 1; fi
  sleep 0.2 2>/dev/null || sleep 1
done`;
}

function call(access: MemberAccess): string {
  return `ETCDCTL_API=3 ${quote(access.etcdctl)} --endpoints=${quote(access.endpoint)}`;
}

// A listening socket (state 0A) in the kernel's table, by its port in hexadecimal.
const LISTENS = `
q_listens() { grep -qs "^ *[0-9]*: [0-9A-F]*:$(printf %04X "$1") [0-9A-F]*:0000 0A " /proc/net/tcp /proc/net/tcp6; }`;
