// What etcd.set_aside and etcd.taken_back share: their parameters, and what a host says of its data.
import { type Found, type Ledger, parseLedger } from '../../etcd/ledger.ts';
import { PATH_PATTERN, pathProperty } from '../file/path.ts';
import type { ParameterProperty, Reading, Refusal } from '../module.ts';
import type { Aside } from './aside.sh.ts';
import { clusterProperty } from './properties.ts';

export type AsideId = { cluster: string; data_dir: string; wal_dir: string | null; run: string; ports: number[] };

export const asideProperties: { [name: string]: ParameterProperty } = {
  cluster: clusterProperty,
  data_dir: pathProperty("Where the member's data is", '/var/lib/etcd'),
  wal_dir: {
    type: ['string', 'null'],
    pattern: PATH_PATTERN,
    description: 'Where its log is. null: in the data directory',
    default: null,
    examples: ['/mnt/etcd-wal'],
    'x-identity': true,
  },
  run: {
    type: 'string',
    pattern: '^[0-9A-Za-z][0-9A-Za-z-]*$',
    description: 'The restore that it is for: what is kept is called after it',
    examples: ['20260102T030405Z-ab12'],
    'x-identity': true,
  },
  ports: {
    type: 'array',
    items: { type: 'integer', minimum: 1, maximum: 65535 },
    description: 'On which nothing may listen any more on this host',
    default: [],
    examples: [[2379, 2380, 6443]],
    'x-identity': true,
  },
};

export const ASIDE_EXAMPLE = {
  cluster: 'main',
  data_dir: '/var/lib/etcd',
  run: '20260102T030405Z-ab12',
  ports: [2379, 2380, 6443],
};

type Content = 'none' | 'empty' | 'member' | 'other';

export interface AsideSighting {
  data: Content;
  wal: Content;
  /** Kept from before the restore. */
  pre: boolean;
  preWal: boolean;
  /** What was restored is kept: the restore has been taken back. */
  after: boolean;
  /** `etcd`, `kube-apiserver`, `port:6443`. */
  running: string[];
  /** Of before the restore. */
  kept: Found<Ledger> | undefined;
  /** In force. */
  ledger: Found<Ledger> | undefined;
}

const FIELDS = 6;

/** Throws on what {@link readAside} never prints. */
export function parseAside({ stdout }: Pick<Reading, 'stdout'>): AsideSighting {
  const [first = '', kept = '', ledger = ''] = new TextDecoder().decode(stdout).split('\n');
  const fields = first.split('\t');
  const [data, wal, pre, preWal, after, running] = fields;
  if (fields.length !== FIELDS) throw new Error('this is no reading of what is kept of a member');
  return {
    data: data as Content,
    wal: wal as Content,
    pre: pre === 'yes',
    preWal: preWal === 'yes',
    after: after === 'yes',
    running: running === '' ? [] : running!.split(' '),
    kept: ledgerIn(kept),
    ledger: ledgerIn(ledger),
  };
}

function ledgerIn(text: string): Found<Ledger> | undefined {
  return text === '' ? undefined : parseLedger(text);
}

export function fingerprintAside({ data, wal, pre, preWal, after, running }: AsideSighting): string {
  return [data, wal, yes(pre), yes(preWal), yes(after), running.join(' ')].join('\t');
}

function yes(is: boolean): string {
  return is ? 'yes' : 'no';
}

export function asideOf({ cluster, data_dir: dataDir, wal_dir: walDir, run, ports }: AsideId): Aside {
  return { cluster, dataDir, walDir, run, ports };
}

/** Incident 20: whoever still runs works on with what it remembers; a directory that is moved under a process goes with it. */
export function refuseRunning({ running }: AsideSighting): Refusal | undefined {
  if (running.length === 0) return undefined;
  const ports = running.filter((each) => each.startsWith('port:')).map((each) => each.slice('port:'.length));
  const programs = running.filter((each) => !each.startsWith('port:'));
  const said = [
    ...(programs.length > 0 ? [`${programs.join(' and ')} still ${programs.length === 1 ? 'runs' : 'run'}`] : []),
    ...(ports.length > 0 ? [`something still listens on ${ports.join(', ')}`] : []),
  ];
  return {
    refused: `${said.join(', and ')}: data is not moved under what works with it`,
    next: 'end it (`ss -ltnp` shows what listens), then go on',
  };
}
