// Alarms, from the errors of endpoint status: `alarm list` goes through raft, and asking must not move it.
import { enumerate, type Finding } from './finding.ts';
import type { Standings } from './standing.ts';

// etcd prints `memberID:10501334649042878790 alarm:NOSPACE ` for each; the id is decimal.
const ALARM = /memberID:(\d+)\s+alarm:(\w+)/;

export function findAlarms({ members }: Standings): Finding[] {
  const raised = new Map<string, Set<string>>();
  for (const error of members.flatMap(({ status }) => status?.errors ?? [])) {
    const [, id, alarm] = ALARM.exec(error) ?? [];
    if (id === undefined || alarm === undefined) continue;
    raised.set(alarm, (raised.get(alarm) ?? new Set()).add(BigInt(id).toString(16)));
  }
  return [...raised].map(([alarm, ids]) => {
    const hosts = members.flatMap(({ host, status, listed }) =>
      host !== undefined && ids.has(status?.memberId ?? listed?.id ?? '') ? [host] : [],
    );
    return describe(alarm, hosts.length > 0 ? hosts : [...ids].map((id) => `member ${id}`), hosts);
  });
}

function describe(alarm: string, names: string[], hosts: string[]): Finding {
  const who = enumerate(names);
  if (alarm === 'NOSPACE') {
    return {
      kind: 'alarm-nospace',
      severity: 'critical',
      message: `alarm NOSPACE of ${who}: the database has reached its quota, and the cluster takes no more writes`,
      next: 'compact (etcdctl compact REVISION), then defragment one member after another, the leader last (etcdctl defrag), then etcdctl alarm disarm; raise etcd_quota_backend_bytes if it fills again',
      hosts,
    };
  }
  if (alarm === 'CORRUPT') {
    return {
      kind: 'alarm-corrupt',
      severity: 'critical',
      message: `alarm CORRUPT of ${who}: the data of the members differs`,
      next: 'compare with `quorate status --hashkv`; replace the member whose hash stands alone, then etcdctl alarm disarm',
      hosts,
    };
  }
  return {
    kind: 'alarm',
    severity: 'critical',
    message: `alarm ${alarm} of ${who}`,
    next: 'see the documentation of this version of etcd for what the alarm means',
    hosts,
  };
}
