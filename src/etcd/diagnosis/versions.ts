// Versions that should not run, or not beside each other.
import { faultsOf, minorOf } from '../versions.ts';
import { enumerate, type Finding } from './finding.ts';
import type { Standings } from './standing.ts';

export function findVersions({ members }: Standings): Finding[] {
  const running = members.flatMap(({ host, status }) =>
    host !== undefined && status ? [{ host, version: status.version }] : [],
  );
  const versions = [...Map.groupBy(running, ({ version }) => version)].map(([version, group]) => ({
    version,
    hosts: group.map(({ host }) => host),
  }));
  const denied = versions.flatMap(({ version, hosts }): Finding[] => {
    const [worst] = faultsOf(version);
    if (!worst) return [];
    return [
      {
        kind: 'version-deny-listed',
        severity: worst.verdict === 'refused' ? 'critical' : 'warning',
        message: `etcd ${version} (${enumerate(hosts)}) is deny-listed for ${worst.why}`,
        next: `upgrade to ${worst.use}, one member after another`,
        hosts,
      },
    ];
  });
  if (versions.length < 2) return denied;
  const minors = new Set(versions.map(({ version }) => minorOf(version)));
  return [
    ...denied,
    {
      kind: 'versions-mixed',
      severity: 'warning',
      message: `the members run different versions: ${versions.map(({ version, hosts }) => `${enumerate(hosts)} ${version}`).join('; ')}`,
      next:
        minors.size > 1
          ? 'finish the upgrade (or go back while a member is still old): the cluster keeps to the oldest one until then'
          : 'finish the upgrade: have one version everywhere',
      hosts: versions.flatMap(({ hosts }) => hosts),
    },
  ];
}
