// Is a restore under way? Then what is down may be so on purpose, and is not to be started by hand.
import { enumerate, type Finding } from './finding.ts';
import type { Standings } from './standing.ts';

export function findRestores({ cluster, serves }: Standings): Finding[] {
  const runs = new Set(cluster.hosts.flatMap(({ restores }) => restores ?? []));
  return [...runs].sort().map((run) => {
    const hosts = cluster.hosts.filter(({ restores }) => restores?.includes(run)).map(({ host }) => host);
    return {
      kind: 'restore-unfinished',
      severity: serves === 'yes' ? 'warning' : 'critical',
      message: `the restore ${run} was begun on ${enumerate(hosts)} and is not at its end: it runs, or was interrupted`,
      next: `start nothing by hand; see whether it runs (quorate lock show), else go on with it (quorate resume ${run}) or take it back (quorate undo ${run})`,
      hosts,
    };
  });
}
