// Which versions of etcd must not be run, and which should be left soon, with where that is recorded.

export interface VersionFault {
  /** `refused`: members come to disagree in ordinary use. `warned`: in a case that can be avoided meanwhile. */
  verdict: 'refused' | 'warned';
  /** As the end of "3.5.1 is deny-listed for …". */
  why: string;
  /** What to run instead. */
  use: string;
}

interface Rule extends VersionFault {
  /** Every version from the first to before the second. */
  ranges: readonly (readonly [from: string, before: string])[];
}

/** Sources: the issues of etcd-io/etcd that are named, and its CHANGELOG-3.5.md and CHANGELOG-3.6.md. */
const RULES: readonly Rule[] = [
  {
    ranges: [['3.5.0', '3.5.3']],
    verdict: 'refused',
    why: 'members that disagree about the data after a crash under load (etcd issue 13766)',
    use: '3.5.26 or later',
  },
  {
    ranges: [['3.4.18', '3.4.19']],
    verdict: 'refused',
    why: 'members that disagree about the data (etcd issue 14211)',
    use: '3.4.37 or later',
  },
  {
    ranges: [['3.5.0', '3.5.6']],
    verdict: 'warned',
    why: 'revisions that disagree after a crash while defragmenting',
    use: '3.5.26 or later',
  },
  {
    ranges: [['3.5.0', '3.5.17']],
    verdict: 'warned',
    why: 'transactions that may be applied in part',
    use: '3.5.26 or later',
  },
  {
    ranges: [
      ['3.5.0', '3.5.23'],
      ['3.6.0', '3.6.5'],
    ],
    verdict: 'warned',
    why: "a crash when a leader's snapshot arrives while defragmenting (etcd issue 20271)",
    use: '3.5.26 or 3.6.5, or later',
  },
];

/** Everything that is known against `version`, the worst first. */
export function faultsOf(version: string): VersionFault[] {
  return RULES.filter(({ ranges }) =>
    ranges.some(([from, before]) => compareVersions(version, from) >= 0 && compareVersions(version, before) < 0),
  ).map(({ verdict, why, use }) => ({ verdict, why, use }));
}

/** `3.5` of `3.5.16`. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/**
 * Whether an upgrade leaves out a minor version, which etcd does not support: its members would not speak to each other.
 * Source: https://etcd.io/docs/v3.6/upgrades/upgrading-etcd/#upgrade-preparation.
 */
export function skipsMinor(from: string, to: string): boolean {
  const [[major, minor], [newMajor, newMinor]] = [numbersOf(from), numbersOf(to)];
  return newMajor === major && newMinor! > minor! + 1;
}

/** Whether it serves /livez and /readyz. Source: etcd's CHANGELOG-3.4.md and CHANGELOG-3.5.md. */
export function hasLivez(version: string): boolean {
  return compareVersions(version, minorOf(version) === '3.4' ? '3.4.29' : '3.5.11') >= 0;
}

/** Negative where `one` is older than `other`. A pre-release counts as the release that it leads to. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [numbersOf(one), numbersOf(other)];
  const at = a.findIndex((number, index) => number !== b[index]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

function numbersOf(version: string): number[] {
  const numbers = version.match(/\d+/g)?.map(Number) ?? [];
  return [numbers[0] ?? 0, numbers[1] ?? 0, numbers[2] ?? 0];
}
