// What a cluster is, written down: on every member as a ledger, and on the controller; and while it is being founded, as
// a marker. Their absence is what allows a new, empty cluster, so a damaged one is never taken for none.
import { fieldsOf } from './json.ts';
import { initialCluster } from './members.ts';

export interface Ledger {
  cluster: string;
  /** Hexadecimal. */
  clusterId: string;
  /** Of its bootstrap; absent for a cluster that Quorate found serving. */
  token?: string;
  /** In the order of their names. */
  members: LedgerMember[];
  /** When it was written; RFC 3339. */
  at: string;
  /** Its data came from a snapshot: in place of which clusters. */
  restored?: Restoration;
  /** Ids of clusters that were restored in its place and given up again. Their ledgers are of the past too. */
  undone?: string[];
}

export interface Restoration {
  /** Of the snapshot. */
  sha256: string;
  /** Pillar restore_generation: how often it was meant. */
  generation: number;
  /** Ids of the clusters that it took the place of, as far as they were known. Their ledgers are of the past. */
  former: string[];
  /** Hosts that were members before and are none now: what they have is of a former cluster. Absent: there were none. */
  without?: string[];
}

export interface LedgerMember {
  name: string;
  /** Hexadecimal. */
  id: string;
  peerUrl: string;
}

/** A bootstrap has begun on this host. It stays until the cluster serves with all its members. */
export interface Marker {
  cluster: string;
  /** etcd's `--initial-cluster-token`: member ids and the cluster's follow from it and the peer URLs. */
  token: string;
  /** See {@link initialCluster}. */
  initialCluster: string;
}

const SCHEMA = 1;

/** One line of JSON for programs, broken into lines for people; ends with a newline. */
export function formatLedger(ledger: Ledger): string {
  const { cluster, clusterId, token, members, at, restored, undone } = ledger;
  const document = {
    quorate: 'ledger',
    schema: SCHEMA,
    cluster,
    clusterId,
    ...(token === undefined ? {} : { token }),
    [INITIAL_CLUSTER]: initialCluster(members),
    members,
    ...(restored === undefined ? {} : { restored }),
    ...(undone === undefined ? {} : { undone }),
    at,
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

export function formatMarker({ cluster, token, initialCluster: members }: Marker): string {
  const document = { quorate: 'bootstrap', schema: SCHEMA, cluster, token, [INITIAL_CLUSTER]: members };
  return `${JSON.stringify(document, null, 1)}\n`;
}

const INITIAL_CLUSTER = 'initialCluster';

/** The text that a ledger of exactly these members contains, for a shell to look for. */
export function ledgerNames(members: readonly { name: string; peerUrl: string }[]): string {
  return `"${INITIAL_CLUSTER}": ${JSON.stringify(initialCluster(members))}`;
}

/** `damaged`: there is a file, and it is not what {@link formatLedger} writes. */
export type Found<T> = T | 'damaged';

export function parseLedger(text: string): Found<Ledger> {
  const fields = parseDocument(text, 'ledger');
  const { cluster, clusterId, token, at } = fields ?? {};
  const restored = fields?.restored === undefined ? undefined : parseRestoration(fields.restored);
  const { undone } = fields ?? {};
  const members = Array.isArray(fields?.members) ? fields.members.map(parseMember) : [];
  if (typeof cluster !== 'string' || typeof clusterId !== 'string' || !isId(clusterId)) return 'damaged';
  if (typeof at !== 'string' || members.length === 0 || !members.every((member) => member !== undefined))
    return 'damaged';
  if (fields?.restored !== undefined && restored === undefined) return 'damaged';
  if (undone !== undefined && !isIds(undone)) return 'damaged';
  return {
    cluster,
    clusterId,
    ...(typeof token === 'string' ? { token } : {}),
    members,
    at,
    ...(restored ? { restored } : {}),
    ...(undone === undefined ? {} : { undone }),
  };
}

function parseRestoration(value: unknown): Restoration | undefined {
  const { sha256, generation, former, without } = fieldsOf(value) ?? {};
  if (typeof sha256 !== 'string' || typeof generation !== 'number' || !isIds(former)) return undefined;
  if (without === undefined) return { sha256, generation, former };
  if (!Array.isArray(without) || !without.every((host) => typeof host === 'string')) return undefined;
  return { sha256, generation, former, without };
}

export function parseMarker(text: string): Found<Marker> {
  const { cluster, token, initialCluster: members } = parseDocument(text, 'bootstrap') ?? {};
  if (typeof cluster !== 'string' || typeof token !== 'string' || token === '' || typeof members !== 'string')
    return 'damaged';
  return { cluster, token, initialCluster: members };
}

function parseDocument(text: string, kind: string): { [name: string]: unknown } | undefined {
  try {
    const fields = fieldsOf(JSON.parse(text));
    return fields?.quorate === kind && fields.schema === SCHEMA ? fields : undefined;
  } catch {
    return undefined;
  }
}

function parseMember(value: unknown): LedgerMember | undefined {
  const { name, id, peerUrl } = fieldsOf(value) ?? {};
  if (typeof name !== 'string' || typeof id !== 'string' || !isId(id) || typeof peerUrl !== 'string') return undefined;
  return { name, id, peerUrl };
}

function isIds(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string' && isId(id));
}

function isId(text: string): boolean {
  return /^[0-9a-f]{1,16}$/.test(text);
}

/** The ids of the clusters whose place this one has taken: whoever still remembers one of them is behind. */
export function replacedBy({ restored, undone }: Ledger): string[] {
  return [...(restored?.former ?? []), ...(undone ?? [])];
}

/** They say the same of the cluster; when each was written does not matter. */
export function sameLedger(one: Ledger, other: Ledger): boolean {
  return formatLedger({ ...one, at: '' }) === formatLedger({ ...other, at: '' });
}

/** On every member, root's alone like all that Quorate keeps on a host. */
export function ledgerFile(cluster: string): string {
  return `/var/lib/quorate/${cluster}.json`;
}

/** On every member until its cluster serves. */
export function markerFile(cluster: string): string {
  return `/var/lib/quorate/${cluster}.bootstrap`;
}
