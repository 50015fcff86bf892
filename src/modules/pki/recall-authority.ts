// What this controller has of a CA, and the refusal to put a new one beside a lost one.
import { type Attempt, fail, succeed } from '../../failure.ts';
import type { Controller } from '../module.ts';

export interface KeptAuthority {
  /** PEM; absent: it is still to be made. */
  authority?: string;
  cluster: string;
  /** Its directory on this controller. */
  place: string;
}

/** What a host has of a CA that somebody made before: in words, or nothing. */
export type Trace = { host: string; has: string | undefined } | { host: string; unknown: true };

/** Makes nothing. Refuses where a host has what a CA has signed, or may have it, and this controller has no CA. */
export async function recallAuthority(
  name: string,
  { host, cluster }: Controller,
  traces: () => Trace[],
): Promise<Attempt<KeptAuthority>> {
  if (cluster === undefined) {
    const message = `a CA belongs to a cluster, and ${host} is in none`;
    return fail({ reason: 'guard', message, next: 'put it into a group with etcd_cluster' });
  }
  const kept = await cluster.authorities.read(name);
  if (!kept.ok) return kept;
  const place = cluster.authorities.place(name);
  if (kept.value !== undefined) return succeed({ authority: kept.value.certificate, cluster: cluster.name, place });

  // One that never had it and one that has lost it look the same from here.
  const missing = `this controller has no CA ${name} for cluster ${cluster.name}`;
  const found = traces();
  const known = found.filter((trace) => 'has' in trace && trace.has !== undefined) as { host: string; has: string }[];
  if (known.length > 0) {
    const message = `${missing}, but ${known.map((trace) => `${trace.host} ${trace.has}`).join('; ')}`;
    const next = `if another controller made it, work from there, or copy its ${place}/ca.key and ca.crt to here; if they were here and are lost, bring them back from the backup, or set ${adopting(name)}`;
    return fail({ reason: 'guard', message, next });
  }
  const unknown = found.filter((trace) => 'unknown' in trace).map((trace) => trace.host);
  if (unknown.length > 0) {
    const message = `${missing}, and ${unknown.join(', ')} could not be asked for certificates of an earlier one`;
    const next = `bring ${unknown.join(', ')} back first; if there is a CA, copy ${place}/ca.key and ca.crt from the controller that made it, or bring them back from the backup`;
    return fail({ reason: 'guard', message, next });
  }
  return succeed({ cluster: cluster.name, place });
}

/** The key of the pillar that leaves this CA to somebody else. */
export function adopting(name: string): string {
  return name === 'etcd' ? 'etcd_pki: adopted' : 'control_plane: kubeadm';
}
