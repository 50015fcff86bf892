// What the instances that `each` makes are called: `service[main]`.
import { type Attempt, fail, succeed } from '../failure.ts';
import { isSensitive, Sensitive } from '../sensitive.ts';
import type { Value } from '../value.ts';
import type { Condition } from './template.ts';
import { nameType } from './value-kinds.ts';

const KEY = /^[\w.:/@,=+-]{1,128}$/;

/**
 * Every item with its key: the item itself if it is a string, number or boolean, else its `name`, else its position. A key
 * that is no simple word (or is secret) could not be written in a requisite: the position stands for it too.
 */
export function chooseKeys(list: Value, { text, place }: Condition): Attempt<[key: string, item: Value][]> {
  const items = isSensitive(list) ? (list.reveal() as Value) : list;
  if (!Array.isArray(items)) {
    return fail({ reason: 'template', message: `each wants a list, but ${text} is ${nameType(items)}`, place });
  }
  // What comes out of a secret list is secret, item by item.
  const seal = (item: Value) => (isSensitive(list) && !isSensitive(item) ? new Sensitive(item) : item);
  const keyed = items.map((item, index): [string, Value] => [chooseKey(seal(item)) ?? String(index), seal(item)]);
  const seen = new Set<string>();
  for (const [key] of keyed) {
    if (seen.has(key)) {
      const message = `two items of ${text} have the key ${key}`;
      return fail({ reason: 'duplicate', message, place, next: 'give each item a name of its own' });
    }
    seen.add(key);
  }
  return succeed(keyed);
}

function chooseKey(item: Value): string | undefined {
  const named = isNamed(item) ? item.name : item;
  if (named === null || typeof named === 'object' || !KEY.test(String(named))) return undefined;
  return String(named);
}

function isNamed(item: Value): item is { name: Value } {
  return (
    typeof item === 'object' &&
    item !== null &&
    !Array.isArray(item) &&
    !isSensitive(item) &&
    Object.hasOwn(item, 'name')
  );
}
