// What is wrong with a certificate that somebody else made: told, never mended.
import { type Certificate, daysUntil, formatDay, formatTime, isIssuedBy } from '../../pki/certificate.ts';
import type { Refusal } from '../module.ts';
import type { Pair } from './pair.ts';

export interface Demands {
  path: string;
  ca_path?: string;
  /** In the form of normalizeName. */
  names: string[];
  usages: string[];
  renew_days: number;
  /** Neither file need be there. */
  optional: boolean;
}

/** Undefined: it does. */
export function checkAdopted(want: Demands, { certificate, key, now, chain, trusted }: Pair): Refusal | undefined {
  if (want.optional && certificate.kind === 'absent' && key.kind === 'absent') return undefined;
  const [leaf] = chain ?? [];
  const wrong = leaf === undefined ? [`there is no certificate in it`] : faultsOf(leaf, want, now);
  if (leaf !== undefined && !leadsTo(leaf, chain!.slice(1), trusted ?? [])) {
    wrong.push(`it does not lead to a CA in ${want.ca_path}`);
  }
  if (key.kind === 'absent') wrong.push(`${want.path}.key is not there`);
  if (wrong.length === 0) return undefined;
  return {
    refused: `${want.path}.crt is adopted and does not do: ${wrong.join('; ')}`,
    next: 'have it made anew by whoever makes it, or let Quorate make it (etcd_pki: managed)',
  };
}

function faultsOf(leaf: Certificate, want: Demands, now: number): string[] {
  const names = want.names.filter((name) => !leaf.names.includes(name));
  // Without the extension, any usage is allowed (RFC 5280, 4.2.1.12).
  const usages = leaf.usages.length === 0 ? [] : want.usages.filter((usage) => !leaf.usages.includes(usage));
  return [
    ...(names.length > 0 ? [`its names lack ${names.join(', ')}`] : []),
    ...(usages.length > 0 ? [`its usages lack ${usages.join(', ')}`] : []),
    ...(leaf.notAfter <= now ? [`it ended ${formatTime(leaf.notAfter)}`] : []),
    ...(leaf.notBefore > now ? [`it begins only ${formatTime(leaf.notBefore)}`] : []),
  ];
}

/** Through the certificates that come with it, each used once. */
function leadsTo(leaf: Certificate, between: Certificate[], trusted: Certificate[]): boolean {
  if (trusted.some((authority) => isIssuedBy(leaf, authority))) return true;
  const next = between.find((authority) => authority.authority && isIssuedBy(leaf, authority));
  return (
    next !== undefined &&
    leadsTo(
      next,
      between.filter((each) => each !== next),
      trusted,
    )
  );
}

export function warnOfAdopted({ path, renew_days }: Demands, { key, now, chain }: Pair): string[] {
  const [leaf] = chain ?? [];
  const left = leaf === undefined ? undefined : daysUntil(leaf.notAfter, now);
  return [
    ...(left !== undefined && left < renew_days
      ? [`${path}.crt ends ${formatDay(leaf!.notAfter)}, in ${left} d; it is adopted, so nothing here renews it`]
      : []),
    ...(key.kind === 'regular' && /[4-7]$/.test(key.mode)
      ? [`${path}.key may be read by others (mode ${key.mode})`]
      : []),
  ];
}
