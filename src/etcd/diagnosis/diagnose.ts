// From what was seen to what it means: pure, so that every fault can be told from a table.
import { findAlarms } from './alarms.ts';
import { findCertificates } from './certificates.ts';
import { type Finding, type FindingKind, sortFindings } from './finding.ts';
import { findHistories } from './histories.ts';
import { matchMembers } from './match.ts';
import { findMembership } from './membership.ts';
import { findRestores } from './restores.ts';
import type { SeenCluster } from './seen.ts';
import { describeBare, findService, isBare } from './service.ts';
import { findShortages } from './shortages.ts';
import type { Standings } from './standing.ts';
import { findVersions } from './versions.ts';

export interface Diagnosis {
  standings: Standings;
  /** The worst first. */
  findings: Finding[];
}

export function diagnose(cluster: SeenCluster, now: Date): Diagnosis {
  const standings = matchMembers(cluster);
  const shortages = findShortages(standings);
  if (isBare(standings)) return { standings, findings: sortFindings([describeBare(standings), ...shortages]) };
  const findings = [
    ...findRestores(standings),
    ...findService(standings),
    ...findHistories(standings),
    ...findAlarms(standings),
    ...findMembership(standings),
    ...findCertificates(standings, now),
    ...shortages,
    ...findVersions(standings),
  ];
  return { standings, findings: sortFindings(findings) };
}

/** How it all ends; scripts rely on it. */
export type Verdict = 'healthy' | 'warning' | 'critical' | 'unreachable';

/** Findings that say only that something could not be asked. */
const UNREACHED: ReadonlySet<FindingKind> = new Set(['nothing-known', 'host-unreachable', 'host-hangs', 'not-askable']);

/** `critical` wins over `unreachable`, that over `warning`; notes are healthy. */
export function judge(findings: readonly Finding[]): Verdict {
  const told = findings.filter(({ severity }) => severity !== 'note');
  if (told.some(({ severity, kind }) => severity === 'critical' && !UNREACHED.has(kind))) return 'critical';
  if (told.some(({ kind }) => UNREACHED.has(kind))) return 'unreachable';
  return told.length > 0 ? 'warning' : 'healthy';
}
