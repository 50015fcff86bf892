// etcd.content: the cluster serves what it is to serve: so many keys of each kind, and the canary.
import { etcdctlFunctions } from '../../etcd/etcdctl.sh.ts';
import { CANARY_KEY } from '../../etcd/snapshot/receipt.ts';
import { ownCounts } from '../../etcd/snapshot/rehearsal.ts';
import { quote } from '../../shell/quote.ts';
import { PATH_PATTERN } from '../file/path.ts';
import type { Module } from '../module.ts';

type Id = {
  bin_dir: string;
  pki_dir: string;
  client_port: number;
  keys: number;
  prefixes: { [prefix: string]: number };
  canary: string | null;
};

type Seen = {
  keys: number;
  /** Below each of the prefixes, in their order: those of longer prefixes too. */
  below: number[];
  canary: string | null;
};

const ASK_SECONDS = 60;

export const etcdContent: Module<Id, Id, Seen> = {
  name: 'etcd.content',
  schema: {
    type: 'object',
    description:
      'The gate behind a restore, for a resource with scope: cluster: the member of a host serves, through the leader, exactly as many keys as the snapshot had, of each kind, and its canary. Otherwise it is refused, so that what requires it (API servers) stays down. Changes nothing.',
    properties: {
      bin_dir: {
        type: 'string',
        pattern: PATH_PATTERN,
        description: 'Where etcdctl is; else it is looked for in PATH and in the container of etcd. Absolute',
        default: '/usr/local/bin',
        examples: ['/opt/etcd/bin'],
        'x-identity': true,
      },
      pki_dir: {
        type: 'string',
        pattern: PATH_PATTERN,
        description: 'Where ca.crt and healthcheck-client.* are. Absolute',
        default: '/etc/kubernetes/pki/etcd',
        examples: ['/etc/etcd/pki'],
        'x-identity': true,
      },
      client_port: {
        type: 'integer',
        minimum: 1,
        maximum: 65535,
        description: 'Where the member of this host serves clients',
        default: 2379,
        examples: [2379],
        'x-identity': true,
      },
      keys: {
        type: 'integer',
        minimum: 0,
        description: 'How many keys there are to be, of all kinds',
        examples: [3021],
        'x-identity': true,
      },
      prefixes: {
        type: 'object',
        additionalProperties: { type: 'integer', minimum: 0 },
        description: 'How many of each kind, by their prefix without the slash at its end',
        default: {},
        examples: [{ '/registry/pods': 3000 }],
        'x-identity': true,
      },
      canary: {
        type: ['string', 'null'],
        description: 'What /quorate/canary is to be. null: it is not to be there',
        default: null,
        examples: ['{"run":"20260102T030405Z-ab12","cluster":"main"}'],
        'x-identity': true,
      },
    },
    required: ['keys'],
    additionalProperties: false,
    examples: [
      {
        bin_dir: '/usr/local/bin',
        pki_dir: '/etc/kubernetes/pki/etcd',
        client_port: 2379,
        keys: 3021,
        prefixes: { '/registry/pods': 3000 },
      },
    ],
  },
  claims: () => undefined,
  read({ bin_dir: binDir, pki_dir: pkiDir, client_port: clientPort, prefixes }) {
    const asked = ['', ...Object.keys(prefixes).map((prefix) => `${prefix}/`)];
    return `${etcdctlFunctions({ binDir, pkiDir, clientPort })}
echo asked
for q_prefix in ${asked.map(quote).join(' ')}; do
  q_said=$(q_etcdctl ${ASK_SECONDS} "$q_own" get --prefix --keys-only --limit=1 -w json -- "$q_prefix") || exit 1
  case $q_said in *'"count":'*) q_count=\${q_said##*'"count":'}; echo "\${q_count%%[!0-9]*}" ;; *) echo 0 ;; esac
done
q_etcdctl ${ASK_SECONDS} "$q_own" get ${quote(CANARY_KEY)} -w json`;
  },
  parse({ stdout }) {
    const lines = new TextDecoder().decode(stdout).trimEnd().split('\n');
    const [asked, ...numbers] = lines.slice(0, -1);
    const counts = numbers.map(Number);
    if (asked !== 'asked' || counts.length === 0 || !counts.every(Number.isSafeInteger))
      throw new Error('this is no reading of what a cluster serves');
    const { kvs } = JSON.parse(lines.at(-1)!) as { kvs?: { value?: string }[] };
    const value = kvs?.[0]?.value;
    return {
      keys: counts[0]!,
      below: counts.slice(1),
      canary: value === undefined ? null : Buffer.from(value, 'base64').toString(),
    };
  },
  diff(want, seen) {
    const names = Object.keys(want.prefixes);
    const own = ownCounts(new Map(names.map((name, at) => [name, seen.below[at]!])));
    const wrong = [
      ...(seen.keys === want.keys ? [] : [`keys: ${want.keys} in the snapshot, ${seen.keys} in the cluster`]),
      ...names
        .filter((name) => own.get(name) !== want.prefixes[name])
        .map((name) => `keys of ${name}: ${want.prefixes[name]} in the snapshot, ${own.get(name)} in the cluster`),
      ...(seen.canary === want.canary ? [] : ['the canary is not that of the snapshot']),
    ];
    if (wrong.length === 0) return [];
    return {
      refused: `the cluster does not serve what the snapshot had; API servers stay down\n${wrong.join('\n')}`,
      next: 'find out who writes to this cluster already (an API server elsewhere?); `quorate undo` takes the restore back',
    };
  },
  expect: (_want, seen) => seen,
  fingerprint: () => 'asked',
  write: () => ({ script: ':' }),
};
