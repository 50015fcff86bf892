// The members of the cluster that a snapshot is of, as etcd keeps them beside the keys.
import type { Item } from './page.ts';

export interface SnapshotMember {
  /** Hexadecimal, as etcdctl prints it. */
  id: string;
  /** Empty for one that was added and never started. */
  name: string;
  peerUrls: string[];
}

/** A name or an address that is longer is not shown whole. */
const LONGEST = 300;
const MOST = 100;

export interface MemberList {
  take(item: Item): void;
  remove(id: string): void;
  list(): SnapshotMember[];
}

/** What cannot be understood is left out: a restore replaces all of it. */
export function createMemberList(): MemberList {
  const members = new Map<string, SnapshotMember>();
  return {
    take({ key, value }) {
      if (members.size >= MOST || value.length > 64 * 1024) return;
      const id = key.toString();
      if (!/^[0-9a-f]{1,16}$/.test(id)) return;
      const { name, peerURLs } = parse(value);
      members.set(id, {
        id,
        name: typeof name === 'string' ? name.slice(0, LONGEST) : '',
        peerUrls: (Array.isArray(peerURLs) ? peerURLs : []).slice(0, 10).map((url) => String(url).slice(0, LONGEST)),
      });
    },
    remove: (id) => void members.delete(id),
    list: () => [...members.values()],
  };
}

function parse(value: Buffer): { name?: unknown; peerURLs?: unknown } {
  try {
    const document: unknown = JSON.parse(value.toString());
    return typeof document === 'object' && document !== null ? document : {};
  } catch {
    return {};
  }
}
