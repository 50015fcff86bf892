// The one program that `status` runs on a host. It only reads, leaves no trace, and each part is answered by itself: what
// may hang (a disk) stands last, so that everything else is known by then.
import { etcdctlFunctions, listensOn, worksOn } from '../../etcd/etcdctl.sh.ts';
import { READ_FLAT } from '../../etcd/flat.sh.ts';
import type { Part, Program } from '../../shell/program.ts';
import { quote } from '../../shell/quote.ts';
import type { ValueMap } from '../../value.ts';
import type { EtcdCluster } from '../clusters.ts';
import { HOST_HOME } from '../places.ts';
import { listRestores } from '../restore/open.sh.ts';

/** Where things are on a host; from pillar alone, so that a dead peer cannot change it. */
export interface StatusPaths {
  cluster: string;
  /** What runs the member is called so: the unit, the manifest. */
  service: string;
  /** The member is the second one of its host: its parts are told apart by the cluster's name. */
  beside: boolean;
  /** The data directories of the host's members of other clusters. */
  otherDataDirs: readonly string[];
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
export function statusPaths(
  { name, service, eventsOf }: Pick<EtcdCluster, 'name' | 'service' | 'eventsOf'>,
  pillar: ValueMap,
  otherDataDirs: readonly string[] = [],
): StatusPaths {
  const text = (key: string) => pillar[key] as string;
  return {
    cluster: name,
    service,
    beside: eventsOf !== undefined,
    otherDataDirs,
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

/** For all members of one host, the one of the inventory's cluster first. */
export function statusProgram(members: readonly StatusPaths[]): ReadProgram {
  return {
    kind: 'read',
    prelude: etcdctlFunctions(members[0]!),
    parts: [
      { id: 'clock', script: 'date +%s.%N' },
      ...members.flatMap(memberParts),
      ...members.map((paths) => ({ id: partId('data', paths), script: data(paths) })),
    ],
  };
}

function memberParts(paths: StatusPaths): Part[] {
  const id = (name: string) => partId(name, paths);
  const asking = (script: string) => (paths.beside ? `${etcdctlFunctions(paths)}\n${script}` : script);
  return [
    { id: id('processes'), script: asking(processes(paths)) },
    { id: id('runtime'), script: asking(runtime(paths)) },
    { id: id('member'), script: asking(member(paths.clientPort)) },
    // Blocked where the member has not answered: it would only cost the same wait again.
    { id: id('list'), script: asking(LIST), needs: [id('member')] },
    { id: id('certificates'), script: certificates(paths) },
    { id: id('ledger'), script: ledger(paths) },
    { id: id('restores'), script: `${READ_FLAT}${listRestores(paths.cluster)}` },
  ];
}

/** How a part of the program is called, which is told where it hangs. */
export function partId(name: string, { beside, cluster }: Pick<StatusPaths, 'beside' | 'cluster'>): string {
  return beside ? `${name} of ${cluster}` : name;
}

/**
 * A program of its own, and only where it was asked for: it reads the whole keyspace. With `behindBarrier` a linearizable
 * read comes first (`endpoint health` is one, of a key that nobody has): the member then has applied all that the cluster
 * had agreed on before, so a revision that another member had and this one has not comes of another history.
 */
export function hashProgram(paths: StatusPaths, revision: number, behindBarrier: boolean): ReadProgram {
  const barrier = { id: 'barrier', script: `q_etcdctl ${ANSWER_SECONDS} "$q_own" endpoint health >/dev/null` };
  const script = `q_etcdctl ${HASH_SECONDS} "$q_own" endpoint hashkv --rev=${revision} -w json`;
  return {
    kind: 'read',
    prelude: etcdctlFunctions(paths),
    parts: behindBarrier ? [barrier, { id: 'hash', script, needs: ['barrier'] }] : [{ id: 'hash', script }],
  };
}

/** Seconds for etcdctl to have its answer: a frozen etcd accepts connections and then says nothing. */
const ANSWER_SECONDS = 3;
/** For the hash of a large keyspace. */
const HASH_SECONDS = 60;

/** `PID STATE`, a line each; without those that are known to be of another cluster. */
const processes = ({ otherDataDirs }: StatusPaths) => `
for q_pid in $(q_etcd_pids); do${otherDataDirs.map((directory) => `\n  ! ${worksOn(directory)} || continue`).join('')}
  q_stat=; { read -r q_stat <"/proc/$q_pid/stat"; } 2>/dev/null
  q_stat=\${q_stat##*) }
  echo "$q_pid \${q_stat%% *}"
done`;

function runtime({ runtime, manifestDir, kubelet, service }: StatusPaths): string {
  if (runtime === 'systemd') {
    return `q_limit 3 systemctl show ${service} -p LoadState -p ActiveState -p SubState -p Result -p NRestarts`;
  }
  const manifest = quote(`${manifestDir}/${service}.yaml`);
  return `
[ ! -e ${manifest} ] || echo present
echo "kubelet=$(q_limit 3 systemctl is-active ${quote(kubelet)} 2>/dev/null)"`;
}

/** A word on the first line, what it is about on the same; after `asked` follows etcdctl's JSON. Fails where there is none. */
const member = (port: number) => `
${listensOn(port)} || { echo closed; exit 1; }
if q_find_lack; then echo "missing $q_lack"; exit 1; fi
echo asked
q_etcdctl ${ANSWER_SECONDS} "$q_own" endpoint status -w json`;

/** From 3.5 on the list needs a quorum; etcdctl 3.6 can ask for what the member itself knows. */
const LIST = `
q_etcdctl ${ANSWER_SECONDS} "$q_own" member list -w json && exit
q_etcdctl ${ANSWER_SECONDS} "$q_own" member list --consistency=s -w json 2>/dev/null`;

/** `= PATH`, then the certificates of the file and nothing else of it; `- PATH` where there is no such file. */
function certificates({ pkiDir, kubernetesPkiDir }: StatusPaths): string {
  const needed = ['ca', 'server', 'peer', 'healthcheck-client'].map((name) => quote(`${pkiDir}/${name}.crt`));
  const optional = quote(`${kubernetesPkiDir}/apiserver-etcd-client.crt`);
  return `
q_show() { printf '= %s\\n' "$1"; sed -n '/^-----BEGIN CERTIFICATE-----/,/^-----END CERTIFICATE-----/p' <"$1"; }
for q_file in ${needed.join(' ')}; do if [ -e "$q_file" ]; then q_show "$q_file"; else printf -- '- %s\\n' "$q_file"; fi; done
[ ! -e ${optional} ] || q_show ${optional}
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
q_size=$(stat -c %s ${directory}/member/snap/db 2>/dev/null) && echo "size $q_size"
df -Pk ${directory} | { read -r q_line; read -r q_device q_all q_used q_free q_rest; echo "free $q_free"; }`;
}
