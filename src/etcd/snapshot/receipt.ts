// What is written beside a snapshot: what it was when it was made, for whoever is to trust it later.
import type { SnapshotContent } from './content.ts';

/** schemas/snapshot-receipt.schema.json says what each field means. */
export interface Receipt {
  schema: 1;
  cluster: { name: string; id: string };
  time: string;
  member: { host: string; id: string };
  etcdVersion: string;
  size: number;
  sha256: string;
  revision: number;
  compacted: number;
  keys: number;
  prefixes: { [prefix: string]: number };
  canary: { key: string; value: string; revision: number } | null;
  /** Members whose data was compared before the snapshot was made, by host; empty where it was not. */
  compared: { hosts: string[]; revision: number; hash: string; compacted?: number } | null;
}

/** Outside of what Kubernetes keeps: the key whose last value says which `snapshot save` wrote it. */
export const CANARY_KEY = '/quorate/canary';

/** How a file that was read differs from its receipt, each as half a sentence; none: it is the file of the receipt. */
export function compareWithReceipt(
  receipt: Receipt,
  read: { size: number; sha256: string; content: SnapshotContent },
): string[] {
  const { content } = read;
  const canary = content.values.get(CANARY_KEY);
  const pairs: [what: string, said: unknown, found: unknown][] = [
    ['size', receipt.size, read.size],
    ['sha256', receipt.sha256, read.sha256],
    ['revision', receipt.revision, content.revision],
    ['keys', receipt.keys, content.keys],
    ...(receipt.canary === null
      ? []
      : ([['canary', receipt.canary.value, canary?.value.toString()]] as [string, unknown, unknown][])),
    ...[...new Set([...Object.keys(receipt.prefixes), ...Object.keys(content.prefixes)])].map(
      (prefix): [string, unknown, unknown] => [
        `keys of ${prefix}`,
        receipt.prefixes[prefix] ?? 0,
        content.prefixes[prefix] ?? 0,
      ],
    ),
  ];
  return pairs
    .filter(([, said, found]) => said !== found)
    .map(([what, said, found]) => `${what}: ${said} by the receipt, ${found ?? 'nothing'} in the file`);
}
