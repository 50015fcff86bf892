// What a host says for the guard of the beginning and for preflight: data, ledger, marker, free space, busy ports.
import type { MemberSighting } from '../etcd/beginning/situation.ts';
import { accessOf, etcdctlFunctions, listensOn } from '../etcd/etcdctl.sh.ts';
import { READ_FLAT } from '../etcd/flat.sh.ts';
import { ledgerFile, ledgerNames, markerFile, parseLedger, parseMarker } from '../etcd/ledger.ts';
import { type DeclaredMember, parseMemberList } from '../etcd/members.ts';
import type { HostPreflight } from '../etcd/preflight.ts';
import { eventsClusterOf, hasEvents } from '../pillar/events.ts';
import { quote } from '../shell/quote.ts';
import type { ValueMap } from '../value.ts';
import type { EtcdCluster } from './clusters.ts';
import { listRestores } from './restore/open.sh.ts';
import { otherRunnerScript } from './runtime.ts';

/** One host's answer; its member's status is asked for elsewhere. */
export interface GuardSighting
  extends Omit<MemberSighting, 'status'>,
    Pick<HostPreflight, 'hasData' | 'freeBytes' | 'busyPorts'> {
  /** The version of the etcd binary that is there; asked where no member runs and the pillar declares none. */
  installed?: string;
  /** What runs etcd here although the pillar declares the other runtime: see src/engine/runtime.ts. */
  otherRunner?: string;
  /** Restores of the cluster that no file there says the end of. */
  openRestores?: string[];
  /** Restores of any cluster that are at their end, by this host. */
  endedRestores?: string[];
  /** It has an events cluster written down that the pillar does not have. */
  forgottenEvents?: true;
}

/**
 * Prints one thing a line. No etcdctl is called where the ledger names exactly the `declared` members, so that a host
 * with nothing to do is asked for its member's status alone. Undefined where the pillar does not say where etcd is.
 */
export function guardScript(
  pillar: ValueMap,
  cluster: Pick<EtcdCluster, 'name' | 'service' | 'eventsOf'>,
  declared: readonly DeclaredMember[],
): string | undefined {
  const access = accessOf(pillar);
  if (!access) return undefined;
  const { etcd_peer_port: peerPort, etcd_metrics_port: metricsPort, etcd_version: version } = pillar;
  const etcd = quote(`${access.binDir}/etcd`);
  const ports = [access.clientPort, peerPort, metricsPort].filter((port) => typeof port === 'number');
  const own = listensOn(access.clientPort);
  const busy = ports.map((port) => `  ! ${listensOn(port)} || printf 'busy %s %s\\n' ${port} "$(q_holder ${port})"`);
  return `
${etcdctlFunctions(access)}
${READ_FLAT}
${HOLDER}
q_dir=${quote(access.dataDir)}
q_data=no
[ ! -e "$q_dir/member" ] || q_data=yes
echo "data $q_data"
q_names=no
if q_flat ${quote(ledgerFile(cluster.name))}; then
  printf 'ledger %s\\n' "$q_text"
  case $q_text in *${quote(ledgerNames(declared))}*) q_names=yes ;; esac
fi
! q_flat ${quote(markerFile(cluster.name))} || printf 'marker %s\\n' "$q_text"
${listRestores(cluster.name)}
${otherRunnerScript(pillar, cluster.service)}
${cluster.eventsOf === undefined && !hasEvents(pillar) ? findEvents(cluster.name) : ''}
q_there=$q_dir
while [ ! -e "$q_there" ]; do q_there=\${q_there%/*}; [ -n "$q_there" ] || q_there=/; done
q_df=$(df -Pk "$q_there" 2>/dev/null)
q_df=\${q_df##*"
"}
set -- $q_df; echo "free \${4-}"
if [ $q_names = no ] && ${own}; then
  q_find_lack || { q_list=$(q_etcdctl 3 "$q_own" member list -w json 2>/dev/null) && printf 'members %s\\n' "$q_list"; }
${version === undefined ? `elif [ $q_data = no ] && [ -x ${etcd} ] && ! ${own}; then\n  q_limit 5 ${etcd} --version 2>/dev/null | sed -n 's/^etcd Version: /installed /p'` : ''}
fi
if [ $q_data = no ]; then
${busy.join('\n')}
fi
echo whole`;
}

function findEvents(cluster: string): string {
  const name = eventsClusterOf(cluster);
  return `[ ! -e ${quote(ledgerFile(name))} ] && [ ! -e ${quote(markerFile(name))} ] || echo events`;
}

// The process that holds the listening socket of a port: its inode is in the kernel's table, and a link to it in the
// process's fd directory.
const HOLDER = `
q_holder() {
  q_hex=$(printf %04X "$1")
  for q_table in /proc/net/tcp /proc/net/tcp6; do
    while read -r q_no q_local q_remote q_state q_a q_b q_c q_d q_e q_inode q_rest; do
      case $q_local:$q_state in *:"$q_hex":0A) ;; *) continue ;; esac
      ls -l /proc/[0-9]*/fd 2>/dev/null | while read -r q_line; do
        case $q_line in
          /proc/*/fd:) q_pid=\${q_line#/proc/}; q_pid=\${q_pid%/fd:} ;;
          *"socket:[$q_inode]") read -r q_comm <"/proc/$q_pid/comm" && printf '%s (pid %s)' "$q_comm" "$q_pid"; break ;;
        esac
      done
      return 0
    done <"$q_table" 2>/dev/null
  done
}`;

/** Undefined for what is not whole: such a host counts as one that could not be asked. */
export function parseGuard(stdout: Uint8Array): GuardSighting | undefined {
  const lines = new TextDecoder().decode(stdout).trimEnd().split('\n');
  if (lines.at(-1) !== 'whole') return undefined;
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const [ledger] = of('ledger');
  const [marker] = of('marker');
  const [list] = of('members');
  const members = list === undefined ? undefined : parseMemberList(list);
  const [free] = of('free');
  const [installed] = of('installed');
  const [otherRunner] = of('runner');
  const [openRestores, endedRestores] = [of('open'), of('ended')];
  return {
    hasData: of('data')[0] !== 'no',
    ...(ledger === undefined ? {} : { ledger: parseLedger(ledger) }),
    ...(marker === undefined ? {} : { marker: parseMarker(marker) }),
    ...(members ? { members } : {}),
    ...(free !== undefined && /^\d+$/.test(free) ? { freeBytes: Number(free) * 1024 } : {}),
    ...(installed === undefined ? {} : { installed }),
    ...(openRestores.length === 0 ? {} : { openRestores }),
    ...(endedRestores.length === 0 ? {} : { endedRestores }),
    ...(otherRunner === undefined ? {} : { otherRunner }),
    ...(lines.includes('events') ? { forgottenEvents: true as const } : {}),
    busyPorts: of('busy').map((line) => {
      const [port, ...holder] = line.split(' ');
      return { port: Number(port), ...(holder.join('') === '' ? {} : { holder: holder.join(' ') }) };
    }),
  };
}
