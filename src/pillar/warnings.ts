// What inventory and pillar may say, and seldom mean.
import { formatPlace, type Place } from '../failure.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { warnOfAddons } from './addons.ts';
import type { Pillar } from './pillar.ts';

/** Nothing is refused because of it: it stands in what `validate` says, and at the top of a plan. */
export interface Warning {
  /** What is so and why that is seldom meant, one sentence. */
  message: string;
  place: Place;
  /** Whom it is about: a run that has to do with none of them does not tell it. */
  hosts: readonly string[];
}

export function listWarnings(inventory: Inventory, pillars: ReadonlyMap<string, Pillar>): Warning[] {
  return [...warnOfMembers(inventory), ...joinHosts([...pillars.values()].flatMap(warnOfAddons))];
}

/** What a shared file says is told once, of all hosts that have it from there. */
function joinHosts(warnings: readonly Warning[]): Warning[] {
  const joined = new Map<string, Warning>();
  for (const warning of warnings) {
    const before = joined.get(tellWarning(warning));
    joined.set(tellWarning(warning), { ...warning, hosts: [...(before?.hosts ?? []), ...warning.hosts] });
  }
  return [...joined.values()];
}

function warnOfMembers({ clusters }: Inventory): Warning[] {
  return [...clusters.values()].flatMap(({ name, members, place }): Warning[] => {
    const count = members.length;
    if (count === 0 || count % 2 === 1) return [];
    const message = `cluster ${name} has ${count} members, which tolerate no more failures than ${count - 1}: an odd number costs one host less`;
    return [{ message, place, hosts: members }];
  });
}

/** With its place, as one line. */
export function tellWarning({ message, place }: Warning): string {
  return `${message} (${formatPlace(place)})`;
}
