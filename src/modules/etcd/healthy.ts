// etcd.healthy: the gate. It waits on a member's host until the cluster is well, and proves that its members agree.
import { etcdctlFunctions } from '../../etcd/etcdctl.sh.ts';
import { expectMembers, nextForAlarm, type WantedMembers, whyUnhealthy } from '../../etcd/health.ts';
import { tellLost } from '../../etcd/quorum.ts';
import { quote } from '../../shell/quote.ts';
import { PATH_PATTERN } from '../file/path.ts';
import type { ClusterView, MemberView, Module, Refusal } from '../module.ts';

type Want = {
  bin_dir: string;
  pki_dir: string;
  client_port: number;
  members: WantedMembers;
  hashkv: boolean;
  timeout: number;
};

export const etcdHealthy: Module<Record<string, never>, Want, 'asked'> = {
  name: 'etcd.healthy',
  schema: {
    type: 'object',
    description:
      "The gate of a cluster, for a resource with scope: cluster: its members serve, with one cluster id and without alarms. Where their own words in the plan's reading say so already there is nothing to do; else it waits on a member's host, asking all members with the client certificate of health checks, and fails with what it waited for. A member that has to serve and cannot be reached, or that the guard refuses, is not waited for: the gate is refused.",
    properties: {
      bin_dir: {
        type: 'string',
        pattern: PATH_PATTERN,
        description: 'Where etcdctl is; else it is looked for in PATH and in the container of etcd. Absolute',
        default: '/usr/local/bin',
        examples: ['/opt/etcd/bin'],
      },
      pki_dir: {
        type: 'string',
        pattern: PATH_PATTERN,
        description: 'Where ca.crt and healthcheck-client.* are. Absolute',
        default: '/etc/kubernetes/pki/etcd',
        examples: ['/etc/etcd/pki'],
      },
      client_port: {
        type: 'integer',
        minimum: 1,
        maximum: 65535,
        description: 'Where the member of this host serves clients',
        default: 2379,
        examples: [2379],
      },
      members: {
        type: 'string',
        enum: ['all', 'reachable', 'quorum'],
        description:
          'How many of the declared members have to serve. reachable: all while the cluster is being founded; later all whose hosts can be reached, and these have to be a quorum',
        default: 'all',
        examples: ['reachable'],
      },
      hashkv: {
        type: 'boolean',
        description:
          'When it has to wait, also let the members prove that they hold the same data: equal hashes at one revision. Reads the whole keyspace',
        default: false,
        examples: [true],
      },
      timeout: {
        type: 'integer',
        minimum: 1,
        maximum: 3600,
        description: 'How long to wait. Seconds; the limit of one program (--program-limit) must be longer',
        default: 90,
        examples: [300],
      },
    },
    additionalProperties: false,
    examples: [{ hashkv: true }],
  },
  proves: true,
  claims: () => undefined,
  read: () => 'echo asked',
  shared: true,
  parse: () => 'asked',
  diff(want, _seen, view) {
    if (view === undefined || view.members.length === 0) {
      return {
        refused: 'this host is in no cluster, so none can be healthy',
        next: 'put it into a group with etcd_cluster',
      };
    }
    const { asked } = expectMembers(view, want.members);
    const absent = want.members !== 'quorum' && asked.find((member) => !member.reachable || member.refusal);
    if (absent) return refuseWithout(absent, view.name);
    const lost = tellLost(view);
    if (lost !== undefined) {
      return {
        refused: lost,
        next: 'bring back enough of its members for a quorum: quorate status shows what each has',
      };
    }
    const why = whyUnhealthy(view, want.members);
    return why === undefined ? [] : [{ path: 'health', before: why, after: wanted(view, want) }];
  },
  expect: () => 'asked',
  fingerprint: () => 'asked',
  write: (want, _changes, { cluster }) => ({ script: gate(want, cluster!) }),
};

/** Nothing in this run brings such a member back, so waiting for it would only take time. */
function refuseWithout({ host, refusal }: MemberView, cluster: string): Refusal {
  return {
    refused: `cluster ${cluster} cannot be seen to be whole: ${refusal?.refused ?? `${host} cannot be reached`}`,
    next:
      refusal?.next ?? `bring ${host} within reach, or be content with those that are (members: reachable, or quorum)`,
  };
}

function wanted(view: ClusterView, want: Want): string {
  const { asked } = expectMembers(view, want.members);
  const who = want.members === 'quorum' ? 'a quorum' : asked.map(({ host }) => host).join(', ');
  return `${who} serve, one cluster id, no alarms${want.hashkv ? ', equal data' : ''}`;
}

/** Statuses are one line of JSON for all that answered; each is put on a line of its own and its fields are cut out. */
function gate(want: Want, view: ClusterView): string {
  const { asked, needed } = expectMembers(view, want.members);
  const access = { binDir: want.bin_dir, pkiDir: want.pki_dir, clientPort: want.client_port };
  return `${etcdctlFunctions(access).trim()}
all=${quote(asked.map(({ client }) => `https://${client}`).join(','))}
end=$(($(date +%s) + ${want.timeout}))
field() { sed -n "s/.*\\"$1\\":\\(-\\{0,1\\}[0-9]*\\).*/\\1/p"; } # of each line
count() { grep -c . || :; }
ask() { # sets why; succeeds when there is nothing to wait for
  said=$(q_etcdctl 5 "$all" endpoint status -w json 2>&1)
  statuses=$(printf '%s\\n' "$said" | sed 's/{"Endpoint"/\\
&/g' | grep '^{"Endpoint"')
  case $statuses in
    *alarm:NOSPACE*) alarm NOSPACE ${quote(nextForAlarm('NOSPACE'))} ;;
    *alarm:*) alarm CORRUPT ${quote(nextForAlarm('CORRUPT'))} ;;
  esac
  serving=$(printf '%s\\n' "$statuses" | grep '"leader":[1-9]')
  number=$(printf '%s\\n' "$serving" | count)
  ids=$(printf '%s\\n' "$statuses" | field cluster_id | sort -u)
  if [ "$(printf '%s\\n' "$ids" | count)" -gt 1 ]; then
    echo "split brain: the members are of different clusters ("$ids"); find out which has the data that counts" >&2
    exit 1
  fi
  if [ "$number" -lt ${needed} ]; then
    why="$number of ${view.members.length} members serve, ${needed} have to; $(printf '%s\\n' "$said" | grep -v '^[[{]' | tail -n 3)"
    return 1
  fi
${want.hashkv ? HASHES : ''}
}
alarm() {
  echo "the cluster has an alarm, $1; next: $2" >&2
  exit 1
}
until ask; do
  if [ "$(date +%s)" -ge "$end" ]; then
    printf 'waited ${want.timeout} s for the cluster: %s\\n' "$why" >&2
    exit 1
  fi
  sleep 0.3 2>/dev/null || sleep 1
done`;
}

/**
 * At the highest revision that one has: restored from different snapshots they agree at a lower one (incident 1). Who is
 * only a moment behind, or compacted meanwhile, is asked again, at the next.
 */
const HASHES = `  revision=$(printf '%s\\n' "$serving" | field revision | sort -n | tail -n 1)
  serving_at=$(printf '%s\\n' "$serving" | sed 's|^{"Endpoint":"\\([^"]*\\)".*|\\1|' | tr '\\n' , | sed 's/,*$//')
  said=$(q_etcdctl 60 "$serving_at" endpoint hashkv --rev="\${revision:-0}" -w json 2>&1)
  hashes=$(printf '%s\\n' "$said" | sed 's/{"Endpoint"/\\
&/g' | grep '^{"Endpoint"')
  if [ "$(printf '%s\\n' "$hashes" | count)" != "$number" ]; then
    why="not all members gave the hash of their data at revision $revision, which one of them has: $(printf '%s\\n' "$said" | grep -v '^[[{]' | tail -n 3)"
    return 1
  fi
  if [ "$(printf '%s\\n' "$hashes" | field compact_revision | sort -u | count)" -gt 1 ]; then
    why="the members are compacted to different revisions"; return 1
  fi
  if [ "$(printf '%s\\n' "$hashes" | field hash | sort -u | count)" -gt 1 ]; then
    why="the members hold different data at revision $revision"; return 1
  fi`;
