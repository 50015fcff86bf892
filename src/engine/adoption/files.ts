// The files that describe an adopted cluster: its inventory, the pillar that its members share, and what each has of its own.
import { isDeepStrictEqual } from 'node:util';
import { dump } from 'js-yaml';
import type { Host } from '../../inventory/inventory.ts';
import type { ValueMap } from '../../value.ts';
import type { Described } from './describe.ts';

export interface NamedMember extends Described {
  /** As the inventory calls its host. */
  called: string;
  /** How it was reached. */
  reached: Host;
}

/** Text by path, relative to the folder. */
export type Files = Map<string, string>;

/** `group`: absent where the inventory that was used describes the cluster already. */
export function makeFiles(cluster: string, group: string | undefined, members: readonly NamedMember[]): Files {
  const files: Files = new Map();
  if (group !== undefined) {
    const hosts = Object.fromEntries(members.map((member) => [member.called, connectionOf(member)]));
    files.set(
      `inventory/${cluster}.yaml`,
      `# The hosts of the etcd cluster ${cluster}, as quorate pillar init found them.\n${write({ [group]: { vars: { etcd_cluster: cluster }, hosts } })}`,
    );
  }
  const own = members.map((member) => [member.called, { ...memberName(member), ...member.pillar }] as const);
  const shared = sharedBy(own.map(([, pillar]) => pillar));
  files.set(
    `pillar/clusters/${cluster}.yaml`,
    `# The etcd cluster ${cluster}, as quorate pillar init found it. docs/adoption.md says what each key does.\n${write(shared)}`,
  );
  for (const [called, pillar] of own) {
    const rest = Object.entries(pillar).filter(([key]) => !Object.hasOwn(shared, key));
    if (rest.length === 0) continue;
    files.set(`pillar/hosts/${called}.yaml`, `# What ${called} alone has.\n${write(Object.fromEntries(rest))}`);
  }
  return files;
}

function write(data: ValueMap): string {
  return dump(data, { lineWidth: -1, noRefs: true });
}

function memberName({ called, name }: NamedMember): ValueMap {
  return called === name ? {} : { etcd_member_name: name };
}

/** The keys that all have alike. */
function sharedBy([first = {}, ...others]: readonly ValueMap[]): ValueMap {
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) => others.every((other) => isDeepStrictEqual(other[key], value))),
  );
}

/** In Ansible's words. A password is not among them. */
function connectionOf({ address, called, reached }: NamedMember): ValueMap {
  const { port, user, become, becomeUser, identityFile, knownHostsFile, proxyJump } = reached;
  const args = [
    ...(knownHostsFile === undefined ? [] : [`-o UserKnownHostsFile=${knownHostsFile}`]),
    ...(proxyJump === undefined ? [] : [`-o ProxyJump=${proxyJump}`]),
  ];
  return {
    ...(address === called ? {} : { ansible_host: address }),
    ...(port === undefined ? {} : { ansible_port: port }),
    ...(user === undefined ? {} : { ansible_user: user }),
    ...(become ? { ansible_become: true } : {}),
    ...(become && becomeUser !== 'root' ? { ansible_become_user: becomeUser } : {}),
    ...(identityFile === undefined ? {} : { ansible_ssh_private_key_file: identityFile }),
    ...(args.length === 0 ? {} : { ansible_ssh_common_args: args.join(' ') }),
  };
}
