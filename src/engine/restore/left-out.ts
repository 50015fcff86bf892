// The hosts that a restore does without: what is asked of them, and why one may not be left out.
import { ETCD_PIDS } from '../../etcd/etcdctl.sh.ts';
import { quorumOf } from '../../etcd/quorum.ts';
import type { Failure } from '../../failure.ts';
import { findRunning } from '../../modules/etcd/content.sh.ts';
import { quote } from '../../shell/quote.ts';
import type { ApplySession, ReadSession } from '../../transport/session.ts';
import { type EtcdCluster, memberPillar } from '../clusters.ts';
import { closeAll, connectAll, inParallel } from '../connections.ts';
import type { LiveContext } from '../context.ts';

/** By host, what works with the old data, or would after a reboot; a host that cannot be asked is missing. */
export type LeftOutSightings = ReadonlyMap<string, readonly string[]>;

/** Nothing is written there, and no connection stays. */
export async function askLeftOut(
  live: LiveContext,
  cluster: EtcdCluster,
  without: readonly string[],
): Promise<LeftOutSightings> {
  const { loaded, connections, kill } = live;
  const seen = new Map<string, readonly string[]>();
  const ask = async (session: ReadSession, host: string) => {
    const { etcd_data_dir: dataDir, etcd_manifest_dir: manifests } = memberPillar(loaded, host, cluster);
    const script = `${ETCD_PIDS}
${findRunning(String(dataDir))}
! systemctl is-enabled -q ${cluster.service} 2>/dev/null || q_running="$q_running ${cluster.service}.service"
[ ! -e ${quote(`${manifests}/${cluster.service}.yaml`)} ] || q_running="$q_running ${cluster.service}.yaml"
echo "$q_running"`;
    const ran = await session.read(
      { kind: 'read', parts: [{ id: 'left-out', script }] },
      { signal: kill, limitMs: loaded.limits.program },
    );
    const [answer] = ran.answers;
    // It was there a moment ago: nobody may say that nothing runs.
    const words = answer?.status === 0 ? answer.stdout.toString().split(/\s+/).filter(Boolean) : ['?'];
    seen.set(host, words);
  };
  const known = without.flatMap((host): ApplySession[] => {
    const session = connections.sessions.get(host);
    return session ? [session] : [];
  });
  await inParallel(known, live.parallel, (session) => ask(session, session.host));
  const others = without
    .filter((host) => !connections.sessions.has(host) && !connections.failures.has(host))
    .flatMap((host) => loaded.inventory.hosts.get(host) ?? []);
  // That they do not answer is what is expected of them.
  const quiet = { ...live, signal: kill, emit: () => {} };
  await closeAll(await connectAll(others, quiet, (session) => ask(session, session.host)));
  return seen;
}

/** A host that can be asked is stopped properly, or restored with the others: it is never merely believed to be down. */
export function refuseRunningThere(seen: LeftOutSightings, cluster: EtcdCluster): Failure[] {
  return [...seen]
    .filter(([, running]) => running.length > 0)
    .map(([host, running]): Failure => {
      const what = running.includes('?') ? 'nobody can say what runs there' : `${running.map(tell).join(', ')}`;
      return {
        reason: 'guard',
        host,
        message: `it is to be left out, but can be reached, and ${what}: with its old data it would work on beside the restored cluster`,
        next: `let it be restored with the others (without --without ${host}); or, if it is to go, stop it there for good: \`systemctl disable --now ${cluster.service} kubelet\`, and move the manifests of ${cluster.service} and kube-apiserver aside`,
      };
    });
}

function tell(word: string): string {
  if (word.endsWith('.service')) return `${word} is enabled`;
  return word.endsWith('.yaml') ? `${word} is among its manifests` : `${word} runs`;
}

/** A member that knows a leader, while those that are left out could be its quorum: they would go on without it. */
export function refuseLivingWithout(
  { name, members }: EtcdCluster,
  without: readonly string[],
  healthy: readonly string[],
): Failure[] {
  if (healthy.length === 0 || without.length < quorumOf(members.length + without.length)) return [];
  return [
    {
      reason: 'guard',
      message: `${healthy.join(', ')} still ${healthy.length === 1 ? 'knows' : 'know'} a leader, so cluster ${name} lives on what is to be left out: ${without.join(', ')} would go on serving the old data beside the restored cluster`,
      next: `switch ${without.join(', ')} off, or bring ${without.length === 1 ? 'it' : 'them'} within reach and restore all of them`,
    },
  ];
}

/** What an operator should know of it before it is done. */
export function warnLeftOut({ name, members }: EtcdCluster, without: readonly string[]): string[] {
  if (without.length === 0) return [];
  const hosts = without.join(', ');
  const it = without.length === 1;
  const isQuorum = without.length >= quorumOf(members.length + without.length);
  return [
    `${hosts} ${it ? 'is' : 'are'} left out: no ${it ? 'member' : 'members'} of the restored cluster; ${it ? 'its' : 'their'} old data can never join it`,
    isQuorum
      ? `${hosts} ${it ? 'was' : 'were'} enough for a quorum of cluster ${name}: should ${it ? 'it' : 'they'} come back, ${it ? 'it serves' : 'together they serve'} the old data beside the restored cluster. Switch ${it ? 'it' : 'them'} off for good, or be sure that etcd does not start there`
      : `should ${it ? 'it' : 'they'} come back, let neither etcd nor an API server run there before ${it ? 'it is' : 'they are'} replaced as ${it ? 'a member' : 'members'}`,
    ...(members.length % 2 === 0
      ? [
          `${members.length} voters are left, which tolerate the loss of no more than ${members.length - 1} would: add one soon`,
        ]
      : []),
  ];
}
