// etcd.set_aside: the member's data is kept under another name, so that there is room for what is restored.
import type { Module } from '../module.ts';
import { readAside, writeAside } from './aside.sh.ts';
import {
  ASIDE_EXAMPLE,
  type AsideId,
  type AsideSighting,
  asideOf,
  asideProperties,
  fingerprintAside,
  parseAside,
  refuseRunning,
} from './aside.ts';

export const etcdSetAside: Module<AsideId, AsideId, AsideSighting> = {
  name: 'etcd.set_aside',
  schema: {
    type: 'object',
    description:
      "The member's data, and its log where that is elsewhere, are renamed to DIRECTORY.pre-RUN on their own file system (within the directory where that is a mount), and a copy of the cluster's ledger is kept for who takes the restore back. Never copied, removed or overwritten. Refused while etcd or an API server runs, or something listens on the ports. What this restore has set aside once is not touched again: what is there then is what was restored.",
    properties: asideProperties,
    required: ['cluster', 'data_dir', 'run'],
    additionalProperties: false,
    examples: [ASIDE_EXAMPLE],
  },
  claims: ({ data_dir: directory }) => `file:${directory}`,
  read: (id) => readAside(asideOf(id)),
  parse: parseAside,
  diff(want, seen) {
    const paths = [
      ...(want.wal_dir !== null && isLeft(seen.wal, seen.preWal) ? [want.wal_dir] : []),
      ...(isLeft(seen.data, seen.pre) ? [want.data_dir] : []),
    ];
    if (paths.length === 0) return [];
    return (
      refuseRunning(seen) ?? paths.map((path) => ({ path: 'path', before: path, after: `${path}.pre-${want.run}` }))
    );
  },
  expect: (want, seen) => ({
    ...seen,
    data: 'none',
    pre: seen.pre || isLeft(seen.data, seen.pre),
    wal: 'none',
    preWal: seen.preWal || (want.wal_dir !== null && isLeft(seen.wal, seen.preWal)),
  }),
  fingerprint: fingerprintAside,
  write: (want) => ({ script: writeAside(asideOf(want)) }),
};

function isLeft(content: AsideSighting['data'], kept: boolean): boolean {
  return !kept && (content === 'member' || content === 'other');
}
