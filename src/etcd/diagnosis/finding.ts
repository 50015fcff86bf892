// What can be found, by kind: the words are those of docs/status.md, which says for each how to read it and what to do.

/** `critical`: act now; `warning`: act soon; `note`: know it. */
export type Severity = 'critical' | 'warning' | 'note';

export interface Finding {
  kind: FindingKind;
  severity: Severity;
  /** What is wrong and where, with the figures; one sentence, no trailing full stop. */
  message: string;
  next: string;
  /** The hosts it is about, in inventory order. */
  hosts: string[];
}

/** In the order in which they are told among those of one severity: what stands above may explain what stands below. */
export const FINDING_KINDS = [
  // What is down may be so on purpose.
  'restore-unfinished',
  // Nothing, or not enough, serves.
  'nothing-known',
  'not-founded',
  'no-quorum',
  'no-leader',
  // Histories that must never meet.
  'different-clusters',
  'two-leaders',
  'hashes-differ',
  'histories-differ',
  'lists-differ',
  'ledger-differs',
  'ledger-damaged',
  // The cluster says that it is damaged or full.
  'alarm-corrupt',
  'alarm-nospace',
  'alarm',
  // Who is missing.
  'data-missing',
  'member-down',
  'member-silent',
  'host-unreachable',
  'host-hangs',
  'not-askable',
  // Who should not be there, or not so.
  'not-a-member',
  'undeclared-member',
  'member-unstarted',
  'learner',
  'peer-url-differs',
  'even-members',
  'lagging',
  // What ends soon.
  'certificate-expired',
  'certificate-not-yet-valid',
  'certificate-missing',
  'certificate-expiring',
  'database-full',
  'disk-full',
  'clock-skew',
  'version-deny-listed',
  'versions-mixed',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'note'];

/** The worst first; within a severity in the order of {@link FINDING_KINDS}. */
export function sortFindings(findings: readonly Finding[]): Finding[] {
  const place = ({ severity, kind }: Finding) => SEVERITIES.indexOf(severity) * 100 + FINDING_KINDS.indexOf(kind);
  return findings.toSorted((a, b) => place(a) - place(b));
}

export function enumerate(names: readonly string[]): string {
  return names.join(', ');
}

/** `1 voter`, `3 voters`. */
export function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
