// etcd.member: the host's member may be what is declared, and what it is has been written down.
import { READ_FLAT } from '../../etcd/flat.sh.ts';
import {
  formatLedger,
  formatMarker,
  type Ledger,
  ledgerFile,
  type Marker,
  markerFile,
  parseLedger,
  parseMarker,
  sameLedger,
} from '../../etcd/ledger.ts';
import { initialCluster } from '../../etcd/members.ts';
import { quote } from '../../shell/quote.ts';
import type { Value } from '../../value.ts';
import { PATH_PATTERN } from '../file/path.ts';
import type { Change, ClusterView, Module, Refusal } from '../module.ts';
import { clusterProperty } from './properties.ts';

type Id = { cluster: string; data_dir: string };
type Want = Id & { name: string };
/** The files as they are on one line; empty: there is none. */
type Seen = { hasData: boolean; marker: string; ledger: string };

export const etcdMember: Module<Id, Want, Seen> = {
  name: 'etcd.member',
  schema: {
    type: 'object',
    description:
      'The guard of a cluster: what writes data, certificates or manifests of etcd requires it. A cluster is founded only where no member has data, no member and no controller has a ledger of it, and all its members can be reached, are in the target and pass preflight; then a marker with the token of the bootstrap is written. A cluster that is there is written down: its id, its members and their ids, in the ledger /var/lib/quorate/CLUSTER.json. A known member without data, a voter that the cluster does not have and a lost ledger are refused. A template sees the outcome as facts.etcd.initial_state (new, existing) and facts.etcd.token.',
    properties: {
      cluster: clusterProperty,
      name: {
        type: 'string',
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
        description: 'The name of the member',
        examples: ['m1'],
        'x-identity': true,
      },
      data_dir: {
        type: 'string',
        pattern: PATH_PATTERN,
        description: "Where the member's data is. Absolute",
        examples: ['/var/lib/etcd'],
        'x-identity': true,
      },
    },
    required: ['cluster', 'name', 'data_dir'],
    additionalProperties: false,
    examples: [{ cluster: 'main', name: 'm1', data_dir: '/var/lib/etcd' }],
  },
  claims: ({ cluster }) => `etcd:${cluster}`,
  read: ({ cluster, data_dir: directory }) => `${READ_FLAT.trim()}
q_data=no
[ ! -e ${quote(`${directory}/member`)} ] || q_data=yes
q_flat ${quote(markerFile(cluster))}
q_marker=$q_text
q_flat ${quote(ledgerFile(cluster))}
printf '%s\\t%s\\t%s\\n' "$q_data" "$q_marker" "$q_text"`,
  shared: true,
  parse({ stdout }) {
    const [data, marker, ...rest] = new TextDecoder().decode(stdout).replace(/\n$/, '').split('\t');
    if ((data !== 'yes' && data !== 'no') || marker === undefined || rest.length === 0)
      throw new Error('this is no reading of a member');
    return { hasData: data === 'yes', marker, ledger: rest.join('\t') };
  },
  diff(want, seen, view) {
    const member = view?.members.find(({ name }) => name === want.name);
    const refusal = refuse(want, view, member?.refusal);
    if (refusal) return refusal;
    const { beginning, members, name } = view!;
    if (beginning!.kind === 'bootstrap' || beginning!.kind === 'resume') {
      const wanted: Marker = {
        cluster: name,
        token: beginning!.token,
        initialCluster: initialCluster(members.map((each) => ({ name: each.name!, peerUrl: each.peerUrl! }))),
      };
      if (flat(formatMarker(wanted)) === seen.marker) return [];
      return [{ path: 'bootstrap', before: shown(seen.marker, parseMarker), after: wanted as unknown as Value }];
    }
    const changes = diffKnown((beginning as { ledger: Ledger }).ledger, seen);
    return beginning!.kind === 'adopted' ? changes.map((change) => ({ ...change, record: true as const })) : changes;
  },
  // A guard that only its cluster's view decides expects what it was told to write.
  expect: (_want, seen) => seen,
  fingerprint: ({ hasData, marker, ledger }) => [hasData ? 'yes' : 'no', marker, ledger].join('\t'),
  write({ cluster }, changes) {
    return { script: changes.map((change) => writeOne(cluster, change)).join('\n') };
  },
};

function refuse(want: Want, view: ClusterView | undefined, own: Refusal | undefined): Refusal | undefined {
  if (view?.beginning?.kind === 'refused') return view.beginning.refusal;
  if (own) return own;
  if (view?.name === want.cluster && view.beginning && view.members.some(({ name }) => name === want.name))
    return undefined;
  return {
    refused: `${want.name} is no member of the cluster ${want.cluster} as inventory and pillar declare it`,
    next: 'put the host into a group with etcd_cluster, and let name be etcd_member_name or the name of the host',
  };
}

function diffKnown(wanted: Ledger, seen: Seen): Change[] {
  const changes: Change[] = [];
  const known = seen.ledger === '' ? undefined : parseLedger(seen.ledger);
  if (known === undefined || known === 'damaged' || !sameLedger(known, wanted)) {
    changes.push({ path: 'ledger', before: shown(seen.ledger, parseLedger), after: wanted as unknown as Value });
  }
  if (seen.marker !== '') changes.push({ path: 'bootstrap', before: shown(seen.marker, parseMarker), after: null });
  return changes;
}

function shown<T>(text: string, parse: (text: string) => T): Value {
  return text === '' ? null : (parse(text) as Value);
}

function flat(text: string): string {
  return text.replaceAll(/[\n\t]/g, '');
}

/** Whole or not at all, and on the disk before anything relies on it; what it replaces stays in the trash. */
function writeOne(cluster: string, { path, after }: Change): string {
  const file = quote(path === 'ledger' ? ledgerFile(cluster) : markerFile(cluster));
  if (after === null) return `q_trash ${file} || exit`;
  const text = path === 'ledger' ? formatLedger(after as never) : formatMarker(after as never);
  return `file=${file}
[ ! -e "$file" ] || q_keep "$file" || exit
(umask 077 && printf %s ${quote(text)} >"$file.part") && q_sync "$file.part" && mv -f "$file.part" "$file" && q_sync "\${file%/*}/" || exit`;
}
