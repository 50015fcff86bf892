// Certificates that have ended, or will soon. One finding for all of a kind: they are mostly made, and end, together.
import { basename } from 'node:path/posix';
import { enumerate, type Finding, type FindingKind } from './finding.ts';
import type { SeenCertificate, SeenHost } from './seen.ts';
import type { Standings } from './standing.ts';

const DAY_MS = 86_400_000;

interface Fault {
  kind: Extract<FindingKind, `certificate-${string}`>;
  /** Who trusts it must be told of a new one first. */
  ca: boolean;
  host: string;
  /** The file's name, and what is wrong with it. */
  what: string;
}

export function findCertificates({ cluster: { hosts } }: Standings, now: Date): Finding[] {
  const faults = hosts.flatMap((seen) => (seen.certificates ?? []).flatMap((file) => faultOf(seen, file, now) ?? []));
  const kinds = Map.groupBy(faults, ({ kind, ca }) => `${kind} ${ca}`);
  return [...kinds.values()].map(describe);
}

/** Of the certificate of a file that ends first; below 0 when it has. Undefined where there is none to read. */
export function daysLeft(file: SeenCertificate, now: Date): number | undefined {
  if (file.state !== 'read') return undefined;
  return Math.min(...file.certificates.map(({ notAfter }) => (notAfter - now.getTime()) / DAY_MS));
}

function faultOf({ host, declared }: SeenHost, file: SeenCertificate, now: Date): Fault | undefined {
  const name = basename(file.file);
  const ca = name === 'ca.crt';
  const fault = (kind: Fault['kind'], what: string): Fault => ({ kind, ca, host, what: `${name} ${what}` });
  if (file.state !== 'read') return { ...fault('certificate-missing', file.state), ca: false };
  const begins = new Date(Math.max(...file.certificates.map(({ notBefore }) => notBefore)));
  if (begins > now) return fault('certificate-not-yet-valid', `(from ${begins.toISOString().slice(0, 10)} on)`);
  const days = daysLeft(file, now)!;
  if (days < 0) return fault('certificate-expired', days > -1 ? '(today)' : `(${Math.floor(-days)} d ago)`);
  return days < declared.renewDays ? fault('certificate-expiring', `(in ${Math.floor(days)} d)`) : undefined;
}

function describe(faults: Fault[]): Finding {
  const { kind, ca } = faults[0]!;
  const byHost = Map.groupBy(faults, ({ host }) => host);
  const told = [...byHost].map(([host, all]) => `${host} ${enumerate(all.map(({ what }) => what))}`).join('; ');
  const renew = ca
    ? 'replace the CA by way of a bundle of old and new, one member after another'
    : 'renew them: apply kubernetes.etcd.pki (etcd takes a new certificate without a restart)';
  const words: Record<Fault['kind'], Pick<Finding, 'severity' | 'message' | 'next'>> = {
    'certificate-expired': {
      severity: 'critical',
      message: `certificates have expired, and connections that need them are refused: ${told}`,
      next: renew,
    },
    'certificate-not-yet-valid': {
      severity: 'critical',
      message: `certificates are not valid yet: ${told}`,
      next: 'check the clocks, of the hosts and of who made them; else renew them',
    },
    'certificate-missing': {
      severity: 'warning',
      message: `certificates are not there, or cannot be read: ${told}`,
      next: 'apply kubernetes.etcd.pki, or put the right files where etcd_pki_dir says',
    },
    'certificate-expiring': { severity: 'warning', message: `certificates expire soon: ${told}`, next: renew },
  };
  return { kind, ...words[kind], hosts: [...byHost.keys()] };
}
