// Where a member listens on a host that says which of its interfaces is for that.
import { isIP, isIPv4 } from 'node:net';

/**
 * The address of the interface `name`: `declared`, the host's in the inventory, which must be one of it; where that is a
 * name, the first IPv4 address, else the first one. Or why there is none, as the end of "bind_interface is NAME, …".
 */
export function chooseListenAddress(
  interfaces: ReadonlyMap<string, readonly string[]>,
  name: string,
  declared: string,
): { address: string } | { wrong: string } {
  const known = [...interfaces].map(([each, has]) => `${each} (${has.join(', ')})`).join(', ');
  const own = interfaces.get(name) ?? [];
  if (own.length === 0) {
    return { wrong: `which the host does not have with an address: it has ${known === '' ? 'none' : known}` };
  }
  if (isIP(declared) === 0) return { address: own.find((each) => isIPv4(each)) ?? own[0]! };
  if (own.includes(declared)) return { address: declared };
  return { wrong: `which has ${own.join(', ')}, but the inventory has the host at ${declared}` };
}
