// A rehearsal in words, for whoever must decide whether to restore.
import type { Rehearsal } from '../etcd/snapshot/rehearsal.ts';
import { count } from '../report/layout.ts';

export function describeRehearsal(snapshot: string, receipt: string, rehearsal: Rehearsal): string {
  const { host, etcdVersion, tool, keys, prefixes, canary, hash, seconds } = rehearsal;
  const kinds = count(Object.keys(prefixes).length, 'kind');
  const same = hash.compared
    ? 'the one that all members had when it was made'
    : 'its receipt has none to compare it with';
  const phases = Object.entries(seconds).filter(([phase]) => phase !== 'total');
  const rows: [string, string][] = [
    ['restored', `on ${host} with ${tool}, served by etcd ${etcdVersion}, and taken away again`],
    ['keys', `${keys} of ${kinds}, as the file has them; ${canary ? 'the canary is there' : 'it has no canary'}`],
    ['revision', String(rehearsal.snapshot.revision)],
    ['hash', `${hash.hash} at revision ${hash.revision}: ${same}`],
    ['seconds', `${seconds.total}: ${phases.map(([phase, each]) => `${phase} ${each}`).join(', ')}`],
    ['receipt', receipt],
  ];
  return [
    `${snapshot}: an etcd starts from it and serves all of it`,
    ...rows.map(([name, value]) => `  ${name.padEnd(8)}  ${value}`),
  ].join('\n');
}
