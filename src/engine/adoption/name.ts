// What the inventory calls the hosts of an adopted cluster, and where it says that they are.
import { isIP } from 'node:net';
import { type Attempt, type Failure, fail, succeed } from '../../failure.ts';
import { isSafeName } from '../../inventory/draft.ts';
import type { Inventory } from '../../inventory/inventory.ts';
import type { Described } from './describe.ts';
import type { NamedMember } from './files.ts';

/** `group`: of the inventory that is to be written; absent: the one that was used stays, so it has to be right. */
export interface Naming {
  inventory: Pick<Inventory, 'hosts'>;
  group?: string;
}

/** Hosts that were known by an address alone are called as their members are. */
export function nameMembers(
  members: readonly Described[],
  { inventory, group }: Naming,
): Attempt<{ members: NamedMember[]; notes: string[] }> {
  const notes: string[] = [];
  const failures: Failure[] = [];
  const named = members.map((member): NamedMember => {
    const { host, name, address } = member;
    const reached = inventory.hosts.get(host)!;
    if (reached.address !== address) {
      const elsewhere = `it is reached as ${reached.address}, and its peers know it as ${address}`;
      const ssh = '~/.ssh/config may say how to get there';
      if (group !== undefined) notes.push(`${host}: ${elsewhere}, which the inventory now has; ${ssh}`);
      else {
        const next = `set ansible_host: ${address} in the inventory; ${ssh}`;
        failures.push({ reason: 'guard', host, message: elsewhere, next });
      }
    }
    const alone = isSafeName(name) && members.filter((other) => other.name === name).length === 1;
    const renamed = group !== undefined && alone && isIP(host) !== 0;
    return { ...member, called: renamed ? name : host, reached };
  });
  return failures.length > 0 ? fail(...failures) : succeed({ members: named, notes });
}
