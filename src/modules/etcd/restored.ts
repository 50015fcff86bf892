// etcd.restored: a member made of a snapshot, where its data is lost on all hosts; nothing that is there is touched.
import { type Found, formatLedger, type Ledger } from '../../etcd/ledger.ts';
import { initialCluster } from '../../etcd/members.ts';
import { type Program, parsePrograms } from '../../etcd/programs.sh.ts';
import {
  canBump,
  isRenamed,
  isRestored,
  ledgerOn,
  REVISION_BUMP,
  type RestoreKnowledge,
  type RestoreSighting,
  type RestoreWish,
  restoredLedger,
  type SnapshotOrigin,
  toolFor,
} from '../../etcd/restoration.ts';
import { refuseRestore } from '../../etcd/restoration-refusals.ts';
import { fail, succeed } from '../../failure.ts';
import type { Value } from '../../value.ts';
import { PATH_PATTERN, pathProperty } from '../file/path.ts';
import type { Change, ClusterView, Module } from '../module.ts';
import { writeLedger } from './ledger.sh.ts';
import { clusterProperty } from './properties.ts';
import { readRestored, writeRestored } from './restored.sh.ts';

type Id = {
  cluster: string;
  name: string;
  data_dir: string;
  wal_dir: string | null;
  snapshot: string;
  bin_dir: string;
};
type Want = Id & {
  owner: string;
  group: string;
  generation: number;
  sha256: string | null;
  version: string | null;
  bump_revision: number;
  without: string[];
  /** What the controller and the other members have. */
  known?: Value;
  tool?: Value;
};

export const etcdRestored: Module<Id, Want, RestoreSighting> = {
  name: 'etcd.restored',
  schema: {
    type: 'object',
    description:
      "A member made of a snapshot, for a cluster that has lost its data: the new cluster's token follows from the cluster, the snapshot's sha256 and the generation, so its ids are known beforehand and stand in every member's ledger before any of them starts. All members have to be reachable, down, without data, and to have the same whole snapshot; where one is not, none is restored. The data is made beside its place and renamed; what is there is never touched. A member that was restored is left as it is, whatever the snapshot is now.",
    properties: {
      cluster: clusterProperty,
      name: {
        type: 'string',
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
        description: 'The name of the member',
        examples: ['m1'],
        'x-identity': true,
      },
      data_dir: pathProperty("Where the member's data is to be", '/var/lib/etcd'),
      wal_dir: {
        type: ['string', 'null'],
        pattern: PATH_PATTERN,
        description: 'Where its log is to be. null: in the data directory',
        default: null,
        examples: ['/mnt/etcd-wal'],
        'x-identity': true,
      },
      snapshot: pathProperty('The snapshot on the host; a receipt beside it is read too', '/mnt/etcd/snapshot.db'),
      bin_dir: {
        type: 'string',
        pattern: PATH_PATTERN,
        description:
          'Where etcdutl (from 3.5 on) or etcdctl is; else it is looked for in PATH and in a container of etcd',
        default: '/usr/local/bin',
        examples: ['/opt/etcd/bin'],
        'x-identity': true,
      },
      owner: {
        type: 'string',
        pattern: '^[a-z_][a-z0-9_-]*\\$?$|^\\d+$',
        description: 'The user that etcd runs as',
        default: 'root',
        examples: ['etcd'],
      },
      group: {
        type: 'string',
        pattern: '^[a-z_][a-z0-9_-]*\\$?$|^\\d+$',
        description: 'Its group',
        default: 'root',
        examples: ['etcd'],
      },
      generation: {
        type: 'integer',
        minimum: 1,
        description: 'How often the cluster is restored: a higher one is a new intention, also with the same snapshot',
        default: 1,
        examples: [2],
      },
      sha256: {
        type: ['string', 'null'],
        pattern: '^[0-9a-f]{64}$',
        description:
          'The snapshot that it has to be: another file is refused, and a member that was restored from another one, or in another generation, is data that stands in the way. null: whichever lies there; a member that was restored from any is left as it is',
        default: null,
        examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'],
      },
      version: {
        type: ['string', 'null'],
        pattern: '^\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?$',
        description:
          "The version of etcd that will serve the data. null: that of the snapshot's receipt, else of what is there",
        default: null,
        examples: ['3.5.30'],
      },
      bump_revision: {
        type: 'integer',
        minimum: 1,
        description:
          'By how much the revision is raised, so that whoever watches from before is told to list again; from 3.4.27 and 3.5.10 on',
        default: REVISION_BUMP,
        examples: [REVISION_BUMP],
      },
      without: {
        type: 'array',
        items: { type: 'string' },
        description:
          'Hosts that were members of the cluster before and are none of the restored one: the ledger remembers them, so that their old data is never taken for a member of it',
        default: [],
        examples: [['m3']],
      },
    },
    required: ['cluster', 'name', 'data_dir', 'snapshot'],
    additionalProperties: false,
    examples: [
      {
        cluster: 'main',
        name: 'm1',
        data_dir: '/var/lib/etcd',
        snapshot: '/mnt/etcd/snapshot.db',
        bin_dir: '/usr/local/bin',
        owner: 'etcd',
        group: 'etcd',
      },
    ],
  },
  claims: ({ cluster }) => `etcd-data:${cluster}`,
  read: ({ cluster, data_dir: dataDir, wal_dir: walDir, snapshot, bin_dir: binDir }) =>
    readRestored({ cluster, dataDir, walDir, snapshot, binDir }),
  parse({ stdout }) {
    const [first = '', ...lines] = new TextDecoder().decode(stdout).replace(/\n$/, '').split('\n');
    const [data, ids, wal, running, file, ...ledger] = first.split('\t');
    if (data === undefined || ids === undefined || wal === undefined || running === undefined || ledger.length === 0)
      throw new Error('this is no reading of what a restore would find');
    const of = (word: string) => lines.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
    const free = of('free');
    const receipt = of('receipt');
    return {
      data: data as RestoreSighting['data'],
      memberIds: words(ids),
      wal: wal as RestoreSighting['wal'],
      running: words(running),
      snapshot: parseFile(file!),
      ledger: ledger.join('\t'),
      programs: parsePrograms(lines),
      ...(free !== undefined && /^\d+$/.test(free) ? { freeBytes: Number(free) * 1024 } : {}),
      ...(receipt === undefined ? {} : { receipt: parseOrigin(receipt) }),
    };
  },
  async recall(want, controller, siblings) {
    const ledger = await controller.cluster?.ledger();
    const known: RestoreKnowledge = { ...(ledger === undefined ? {} : { ledger }), members: siblings };
    return succeed({ ...want, known: known as unknown as Value });
  },
  diff(want, seen, view) {
    if (isDone(want, seen)) return [];
    const wish = wishOf(want);
    const known = knownOf(want, seen, view);
    const refusal = refuseRestore(wish, seen, view, known);
    if (refusal) return refusal;
    const wanted = restoredLedger(wish, shaOf(seen)!, view!, known);
    const before = ledgerOn(seen);
    const ledger: Change = {
      path: 'ledger',
      before: (before ?? null) as Value,
      after: wanted as unknown as Value,
    };
    if (isRenamed(seen, wish, wanted)) return [ledger];
    return [{ path: 'snapshot', before: null, after: shaOf(seen)! }, ledger];
  },
  warn(want, seen) {
    if (isDone(want, seen)) {
      if (want.sha256 !== null) return [];
      const { restored } = ledgerOn(seen) as Ledger;
      return [`is restored already (sha256 ${restored!.sha256}); for another restore move its data aside first`];
    }
    if (typeof seen.snapshot !== 'object') return [];
    const tool = toolFor(seen, wishOf(want));
    if ('refused' in tool) return [];
    return [
      canBump(tool.version)
        ? `the restored cluster goes on ${want.bump_revision} revisions further, and what was before counts as compacted: whoever watches from then is told to list again`
        : `etcd ${tool.version} cannot raise the revision (3.4.27 and 3.5.10 can): a watch from a revision that is lost hangs and says nothing, so restart apiservers, controllers, schedulers and kubelets once it serves`,
      ...(seen.receipt === undefined
        ? [`no receipt is beside ${want.snapshot}: nothing says that it is of the cluster ${want.cluster}`]
        : []),
    ];
  },
  expect(want, seen) {
    return { ...seen, data: 'member', snapshot: 'unread', memberIds: [`restored:${want.name}`] };
  },
  fingerprint({ data, memberIds, wal, running, snapshot, ledger }) {
    const file =
      typeof snapshot === 'object'
        ? `${snapshot.size} ${snapshot.sha256} ${snapshot.whole ? 'whole' : 'damaged'}`
        : snapshot;
    return [data, memberIds.join(' '), wal, running.join(' '), file, ledger].join('\t');
  },
  async prepare(want, seen) {
    const tool = toolFor(seen, wishOf(want));
    if ('refused' in tool && seen.data !== 'member')
      return fail({ reason: 'guard', message: tool.refused, next: tool.next });
    return succeed({ ...want, tool: tool as unknown as Value });
  },
  write(want, changes, { cluster }) {
    const ledger = changes.find(({ path }) => path === 'ledger')!.after as unknown as Ledger;
    const script = [writeLedger(want.cluster, formatLedger(ledger))];
    if (changes.some(({ path }) => path === 'snapshot')) {
      const { path, version } = want.tool as unknown as Program;
      const restore = writeRestored({
        name: want.name,
        peerUrl: cluster!.members.find(({ name }) => name === want.name)!.peerUrl!,
        initialCluster: initialCluster(ledger.members),
        token: ledger.token!,
        dataDir: want.data_dir,
        walDir: want.wal_dir,
        snapshot: want.snapshot,
        tool: path,
        ...(canBump(version) ? { bump: want.bump_revision } : {}),
        owner: want.owner,
        group: want.group,
      });
      script.unshift(restore);
    }
    return { script: script.join('\n') };
  },
};

function isDone({ name, sha256, generation }: Want, seen: RestoreSighting): boolean {
  if (!isRestored(seen, name)) return false;
  const { restored } = ledgerOn(seen) as Ledger;
  return sha256 === null || (restored!.sha256 === sha256 && restored!.generation === generation);
}

function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

function parseFile(text: string): RestoreSighting['snapshot'] {
  if (text === 'absent' || text === 'unread') return text;
  const [size, sha256, state] = text.split(' ');
  if (state === undefined || !/^[0-9a-f]{64}$/.test(sha256!))
    throw new Error(`this is no reading of a snapshot: ${text}`);
  return { size: Number(size), sha256: sha256!, whole: state === 'whole' };
}

/** Only what the rules look at; the schema says what else a receipt has. */
function parseOrigin(text: string): Found<SnapshotOrigin> {
  try {
    const { schema, cluster, sha256, etcdVersion, revision } = JSON.parse(text) as SnapshotOrigin & { schema: unknown };
    const whole =
      schema === 1 &&
      typeof cluster?.name === 'string' &&
      typeof cluster.id === 'string' &&
      /^[0-9a-f]{1,16}$/.test(cluster.id) &&
      typeof sha256 === 'string' &&
      typeof etcdVersion === 'string' &&
      /^\d+\.\d+\.\d+/.test(etcdVersion) &&
      typeof revision === 'number';
    return whole ? { cluster: { name: cluster.name, id: cluster.id }, sha256, etcdVersion, revision } : 'damaged';
  } catch {
    return 'damaged';
  }
}

function wishOf(want: Want): RestoreWish {
  const { cluster, name, snapshot, data_dir: dataDir, wal_dir: walDir, generation, sha256, version, without } = want;
  return { cluster, name, snapshot, dataDir, walDir, generation, sha256, version, without };
}

function knownOf({ known }: Want, seen: RestoreSighting, view: ClusterView | undefined): RestoreKnowledge {
  if (known !== undefined) return known as unknown as RestoreKnowledge;
  return { members: (view?.members ?? []).map(({ host }) => ({ host, seen })) };
}

function shaOf({ snapshot }: RestoreSighting): string | undefined {
  return typeof snapshot === 'object' ? snapshot.sha256 : undefined;
}
