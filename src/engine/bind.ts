// Whether a member would listen where the others and the API servers look for it.
import { chooseListenAddress } from '../etcd/listen.ts';
import { formatPlace, type Place } from '../failure.ts';
import { isMap } from '../load/map.ts';
import type { Refusal } from '../modules/module.ts';
import type { Value, ValueMap } from '../value.ts';

/** `place`: of bind_interface in the pillar. Undefined where the pillar names no interface, or the right one. */
export function refuseBinding(
  host: { name: string; address: string },
  { bind_interface: name }: ValueMap,
  facts: ValueMap,
  place: Place | undefined,
): Refusal | undefined {
  if (typeof name !== 'string') return undefined;
  const chosen = chooseListenAddress(interfacesOf(facts.interfaces), name, host.address);
  if ('address' in chosen) return undefined;
  return {
    refused: `bind_interface of ${host.name} is ${name}, ${chosen.wrong}`,
    next: `correct bind_interface${place ? ` (${formatPlace(place)})` : ''}, or ansible_host in the inventory: peers and API servers go to that address`,
  };
}

/** `facts.interfaces`: the addresses by interface. */
function interfacesOf(facts: Value | undefined): Map<string, string[]> {
  const entries = isMap(facts) ? Object.entries(facts) : [];
  return new Map(entries.map(([name, addresses]) => [name, Array.isArray(addresses) ? addresses.map(String) : []]));
}
