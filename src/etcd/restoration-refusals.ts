// Why nothing is restored: each rule leaves every disk as it is, and says what to do instead.
import type { ClusterView, Refusal } from '../modules/module.ts';
import type { Ledger } from './ledger.ts';
import {
  isRenamed,
  isRestored,
  ledgerOn,
  type RestoreKnowledge,
  type RestoreSighting,
  type RestoreWish,
  restoredLedger,
  toolFor,
} from './restoration.ts';

/** The log's first segments. Bytes. */
const LOG_BYTES = 160 * 1024 * 1024;
const COPY = 1.1;

/** In the order in which an operator would mend it; undefined: it may be restored. */
export function refuseRestore(
  wish: RestoreWish,
  seen: RestoreSighting,
  view: ClusterView | undefined,
  known: RestoreKnowledge,
): Refusal | undefined {
  const { cluster, name } = wish;
  const own = view?.name === cluster ? view.members.find((member) => member.name === name) : undefined;
  if (!view || !own) {
    return {
      refused: `${name} is no member of the cluster ${cluster} as inventory and pillar declare it`,
      next: 'put the host into a group with etcd_cluster, and let name be etcd_member_name or the name of the host',
    };
  }
  return refuseServing(wish, view) ?? refuseAway(cluster, known) ?? refuseFiles(wish, seen, own.host, view, known);
}

/** Incidents 2 and 3. */
function refuseServing({ cluster }: RestoreWish, view: ClusterView): Refusal | undefined {
  const serving = view.members.filter(({ version }) => version !== undefined).map(({ host }) => host);
  if (serving.length === 0) return undefined;
  return {
    refused: `${serving.join(', ')} still ${serving.length === 1 ? 'answers' : 'answer'}: restoring a member into a cluster that lives mixes two histories, and is never valid`,
    next: `replace the member that is lost; or, if the whole cluster ${cluster} is to go back to the snapshot, take a last one, stop etcd and the apiservers on all its hosts and move their data aside`,
  };
}

function refuseAway(cluster: string, { members }: RestoreKnowledge): Refusal | undefined {
  const away = members.filter(({ seen }) => !seen).map(({ host }) => host);
  if (away.length === 0) return undefined;
  return {
    refused: `cluster ${cluster} is restored only with all its members, and ${away.join(', ')} cannot be asked: data may be there, or another snapshot`,
    next: `bring ${away.join(', ')} within reach, or take what will never come back out of the group`,
  };
}

function refuseFiles(
  wish: RestoreWish,
  seen: RestoreSighting,
  host: string,
  view: ClusterView,
  known: RestoreKnowledge,
): Refusal | undefined {
  // The host's own faults first: they are what its line of the plan is about.
  const order = [...known.members].sort((one, other) => Number(other.host === host) - Number(one.host === host));
  for (const { host: at, seen: theirs } of order) {
    const refusal = refuseSnapshot(wish, at, theirs!, view);
    if (refusal) return refusal;
  }
  const sums = known.members.map((member) => ({ host: member.host, sum: sumOf(member.seen!) }));
  const [first] = sums;
  const other = sums.find(({ sum }) => sum !== first!.sum);
  if (other) {
    return {
      refused: `snapshot sha256 on ${other.host} differs from ${first!.host}: ${other.sum} is not ${first!.sum}`,
      next: 'copy the same file everywhere: members of different snapshots would serve different data and call themselves healthy',
    };
  }
  const wanted = restoredLedger(wish, first!.sum!, view, known);
  for (const { host: at, seen: theirs } of order) {
    const refusal = refuseData(wish, at, theirs!, view, wanted);
    if (refusal) return refusal;
  }
  return (
    refuseLineage(wish, seen, known, wanted) ?? (isRenamed(seen, wish, wanted) ? undefined : refuseMeans(wish, seen))
  );
}

/** Of what is to be restored, or was. */
function sumOf(seen: RestoreSighting): string | undefined {
  if (typeof seen.snapshot === 'object') return seen.snapshot.sha256;
  const ledger = ledgerOn(seen);
  return ledger === undefined || ledger === 'damaged' ? undefined : ledger.restored?.sha256;
}

function nameOf(view: ClusterView, host: string): string {
  return view.members.find((member) => member.host === host)?.name ?? host;
}

function refuseSnapshot(
  { snapshot, dataDir, sha256 }: RestoreWish,
  host: string,
  seen: RestoreSighting,
  view: ClusterView,
): Refusal | undefined {
  if (isRestored(seen, nameOf(view, host))) return undefined;
  if (sha256 !== null && typeof seen.snapshot === 'object' && seen.snapshot.sha256 !== sha256) {
    return {
      refused: `${snapshot} on ${host} is not the snapshot that is to be restored: its sha256 is ${seen.snapshot.sha256}, not ${sha256}`,
      next: 'it was exchanged since it was put there: move it aside, then begin the restore again',
    };
  }
  if (seen.snapshot === 'unread') return hasData(host, dataDir);
  if (seen.snapshot === 'absent') {
    return {
      refused: `there is no snapshot ${snapshot} on ${host}`,
      next: 'copy the same file to every member, or mount its volume; etcd_restore_snapshot says where it is',
    };
  }
  if (!seen.snapshot.whole) {
    return {
      refused: `${snapshot} on ${host} is no whole snapshot: the sha256 at its end is missing, or is not that of the rest: it was cut or damaged`,
      next: 'copy it there again, and see what `quorate snapshot verify` says of it; a copy of member/snap/db is no snapshot',
    };
  }
  if (seen.receipt === 'damaged') {
    return {
      refused: `the receipt beside ${snapshot} on ${host} cannot be read`,
      next: 'copy it there again, or move it aside',
    };
  }
  if (seen.receipt && seen.receipt.sha256 !== seen.snapshot.sha256) {
    return {
      refused: `${snapshot} on ${host} is not the file of its receipt: sha256 ${seen.snapshot.sha256}, and ${seen.receipt.sha256} by the receipt`,
      next: 'two files were swapped, or one was overwritten: find the one that the receipt is of',
    };
  }
  return undefined;
}

function hasData(host: string, directory: string): Refusal {
  return {
    refused: `${host} has data of etcd in ${directory}, which is not of this restore`,
    next: `nothing is ever overwritten: if all members are to go back to the snapshot, stop etcd there and move it aside: mv ${directory} ${directory}.pre-restore`,
  };
}

function refuseData(
  wish: RestoreWish,
  host: string,
  seen: RestoreSighting,
  view: ClusterView,
  wanted: Ledger,
): Refusal | undefined {
  const theirs = { ...wish, name: nameOf(view, host) };
  if (isRestored(seen, theirs.name)) {
    const ledger = ledgerOn(seen) as Ledger;
    if (ledger.token === wanted.token) return undefined;
    return hasData(host, wish.dataDir);
  }
  const renamed = isRenamed(seen, theirs, wanted);
  if (!renamed && (seen.data === 'member' || seen.data === 'other')) return hasData(host, wish.dataDir);
  if (seen.running.length > 0 && !renamed) {
    return {
      refused: `${seen.running.join(' and ')} still ${seen.running.length === 1 ? 'runs' : 'run'} on ${host}`,
      next: 'stop etcd and the apiservers on all hosts of the cluster first: an apiserver would go on with what it remembers of the lost data',
    };
  }
  if (!renamed && wish.walDir !== null && seen.wal === 'files') {
    return {
      refused: `${host} has a log of etcd in ${wish.walDir}, which would be played on top of the snapshot`,
      next: `move it aside: mv ${wish.walDir} ${wish.walDir}.pre-restore`,
    };
  }
  const ledger = ledgerOn(seen);
  if (!renamed && ledger !== undefined && ledger !== 'damaged' && ledger.token === wanted.token) {
    return reused(`the member of ${host} was restored with it and has lost its data since`, wish);
  }
  return undefined;
}

/** Incident 2: under the same token a member that comes back would be taken for one of the new cluster. */
function reused(why: string, { generation }: RestoreWish): Refusal {
  return {
    refused: `token reused: this snapshot was restored before with restore_generation ${generation}, and ${why}`,
    next: `if the cluster is to be restored once more, set restore_generation: ${generation + 1}`,
  };
}

function refuseLineage(
  wish: RestoreWish,
  { receipt }: RestoreSighting,
  { ledger, members }: RestoreKnowledge,
  wanted: Ledger,
): Refusal | undefined {
  if (ledger !== undefined && ledger !== 'damaged' && ledger.token === wanted.token && ledger.restored) {
    const all = members.every(({ seen }) => seen && (ledgerOn(seen) as Ledger | undefined)?.token === wanted.token);
    if (!all) return reused('this controller has seen it serve', wish);
  }
  if (!receipt || receipt === 'damaged') return undefined;
  if (receipt.cluster.name !== wish.cluster) {
    return {
      refused: `the snapshot is of the cluster ${receipt.cluster.name} by its receipt, and ${wish.cluster} is to be restored`,
      next: `set etcd_restore_snapshot to a snapshot of ${wish.cluster}`,
    };
  }
  const ledgers = [ledger, ...members.map(({ seen }) => seen && ledgerOn(seen))].filter(
    (one) => one !== undefined && one !== 'damaged',
  );
  const lineage = new Set(ledgers.flatMap((one) => [one.clusterId, ...(one.restored?.former ?? [])]));
  if (lineage.size === 0 || lineage.has(receipt.cluster.id)) return undefined;
  return {
    refused: `the snapshot is of the cluster ${receipt.cluster.id} by its receipt, which ${wish.cluster} has never been (${[...lineage].join(', ')})`,
    next: `find a snapshot of this cluster: \`quorate snapshot list\` shows whose each is`,
  };
}

function refuseMeans(wish: RestoreWish, seen: RestoreSighting): Refusal | undefined {
  const tool = toolFor(seen, wish);
  if ('refused' in tool) return tool;
  const { snapshot, freeBytes } = seen;
  const needed = typeof snapshot === 'object' ? snapshot.size * COPY + LOG_BYTES : 0;
  if (freeBytes === undefined || freeBytes >= needed) return undefined;
  const mib = (bytes: number) => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  return {
    refused: `${wish.dataDir} would be on a disk with ${mib(freeBytes)} free, and ${mib(needed)} are needed`,
    next: 'make room there, or mount a larger disk',
  };
}
