// What a cluster is, written down on every member. Its absence is what allows a new, empty cluster, so a damaged one is never
// taken for none.
import { fieldsOf } from './json.ts';

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
}

interface LedgerMember {
  name: string;
  /** Hexadecimal. */
  id: string;
  peerUrl: string;
}

const SCHEMA = 1;

/** `damaged`: there is a file, and it is not a ledger. */
export type Found<T> = T | 'damaged';

export function parseLedger(text: string): Found<Ledger> {
  const fields = parseDocument(text);
  const { cluster, clusterId, token, at } = fields ?? {};
  const members = Array.isArray(fields?.members) ? fields.members.map(parseMember) : [];
  if (typeof cluster !== 'string' || typeof clusterId !== 'string' || !isId(clusterId)) return 'damaged';
  if (typeof at !== 'string' || members.length === 0 || !members.every((member) => member !== undefined))
    return 'damaged';
  return { cluster, clusterId, ...(typeof token === 'string' ? { token } : {}), members, at };
}

function parseDocument(text: string): { [name: string]: unknown } | undefined {
  try {
    const fields = fieldsOf(JSON.parse(text));
    return fields?.quorate === 'ledger' && fields.schema === SCHEMA ? fields : undefined;
  } catch {
    return undefined;
  }
}

function parseMember(value: unknown): LedgerMember | undefined {
  const { name, id, peerUrl } = fieldsOf(value) ?? {};
  if (typeof name !== 'string' || typeof id !== 'string' || !isId(id) || typeof peerUrl !== 'string') return undefined;
  return { name, id, peerUrl };
}

function isId(text: string): boolean {
  return /^[0-9a-f]{1,16}$/.test(text);
}
