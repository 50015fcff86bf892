// What stands against a restore, on the hosts as they are: asked, then judged. Writes nothing anywhere.
import { type EtcdCluster, memberPillar } from '../clusters.ts';
import type { Held } from '../hold.ts';
import { judgeRestore, type RestoreCase, type RestoreVerdict } from './judge.ts';
import { askLeftOut } from './left-out.ts';
import { surveyHosts } from './survey.ts';

/** Hosts that were looked at: a dry run holds no lock. */
export type Looked = Pick<Held, 'live' | 'seen'>;

/** What only who restores can say. */
type Meant = Pick<RestoreCase, 'ledger' | 'snapshot' | 'receipt' | 'maxAge' | 'overHealthy' | 'without'>;

/** `cluster`: without the hosts that are left out. */
export async function judgeHosts({ live, seen }: Looked, cluster: EtcdCluster, meant: Meant): Promise<RestoreVerdict> {
  const pillar = (host: string) => memberPillar(live.loaded, host, cluster);
  const surveyed = await surveyHosts(live, pillar, cluster.service);
  const verdict = judgeRestore({
    ...meant,
    cluster,
    pillar,
    targets: new Set(live.loaded.targets),
    probes: seen.probes,
    failures: seen.failures,
    surveys: surveyed.hosts,
    now: new Date(),
    leftOut: await askLeftOut(live, cluster, meant.without),
  });
  return { ...verdict, refusals: [...verdict.refusals, ...surveyed.failures] };
}
