// The members of a cluster: as they are declared, and as the cluster itself lists them.
import { fieldsOf, parseAnswer } from './json.ts';

/** A member as inventory and pillar declare it. */
export interface DeclaredMember {
  host: string;
  name: string;
  /** `https://10.0.0.1:2380`. */
  peerUrl: string;
}

/** A member as `etcdctl member list` has it. */
export interface ListedMember {
  /** Hexadecimal. */
  id: string;
  /** Empty for one that was added and has not been started yet. */
  name: string;
  peerUrls: string[];
  /** It has told the cluster where it serves clients, so it has run at least once. */
  started: boolean;
  learner: boolean;
}

/** `etcdctl member list -w json` of etcd 3.4 to 3.6, in the order given; undefined where it is no such list. */
export function parseMemberList(text: string): ListedMember[] | undefined {
  const document = fieldsOf(parseAnswer(text));
  if (!Array.isArray(document?.members)) return undefined;
  const members = document.members.map((entry: unknown): ListedMember | undefined => {
    const member = fieldsOf(entry);
    if (typeof member?.ID !== 'string') return undefined;
    return {
      id: member.ID,
      name: typeof member.name === 'string' ? member.name : '',
      peerUrls: textsOf(member.peerURLs),
      started: textsOf(member.clientURLs).length > 0,
      learner: member.isLearner === true,
    };
  });
  return members.every((member) => member !== undefined) ? members : undefined;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/**
 * The declared members as etcd's `--initial-cluster` has them, in the order of their names: equal for the same members,
 * whatever the order of the inventory.
 */
export function initialCluster(members: readonly { name: string; peerUrl: string }[]): string {
  return members
    .map(({ name, peerUrl }) => `${name}=${peerUrl}`)
    .sort()
    .join(',');
}
