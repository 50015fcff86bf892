// Reading etcdctl's JSON: ids are 64 bits wide, more than a JS number holds.

export type Fields = { [name: string]: unknown };

/** Every field of etcd's answers that holds a member's or a cluster's id. */
const IDS: ReadonlySet<string> = new Set(['cluster_id', 'member_id', 'leader', 'ID']);

type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/**
 * What `-w json` printed, its ids as hexadecimal text, as etcdctl prints them elsewhere; they are taken from the text of
 * the number, not from its value. Undefined for what is no JSON.
 */
export function parseAnswer(text: string): unknown {
  const revive: SourceReviver = (key, value, { source }) =>
    IDS.has(key) && source !== undefined && /^\d+$/.test(source) ? BigInt(source).toString(16) : value;
  try {
    return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
  } catch {
    return undefined;
  }
}

export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
