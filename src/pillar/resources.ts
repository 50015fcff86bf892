// What etcd may use, where a JSON Schema cannot tell: a pod whose request is more than its limit is never started.
import type { Failure } from '../failure.ts';
import { isMap } from '../load/map.ts';
import { parseQuantity } from '../quantity.ts';
import type { ValueMap } from '../value.ts';
import { hasEvents } from './events.ts';
import type { Pillar } from './pillar.ts';
import { refuse } from './refuse.ts';

const MEBIBYTE = 2n ** 20n * 10n ** 9n;

/** Source: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/. */
export function checkResources(pillar: Pillar): Failure[] {
  const keys = hasEvents(pillar.data) ? ['etcd_resources', 'etcd_events_resources'] : ['etcd_resources'];
  return keys.flatMap((key) => [...checkLimits(pillar, key), ...checkMemory(pillar, key)]);
}

function checkLimits(pillar: Pillar, key: string): Failure[] {
  return Object.entries(quantitiesOf(pillar, key, 'limits')).flatMap(([name, limit]): Failure[] => {
    const at = [key, 'limits', name];
    if (parseQuantity(limit) === 0n) {
      const message = `${at.join('.')} is ${limit}: nothing can run with nothing`;
      return [refuse(pillar, [at], message, `leave ${name} out of the limits for no limit`)];
    }
    const request = quantitiesOf(pillar, key, 'requests')[name];
    if (request === undefined || parseQuantity(request)! <= parseQuantity(limit)!) return [];
    const message = `${key} requests more ${name} (${request}) than its limit (${limit}): the kubelet would not start the pod`;
    return [refuse(pillar, [[key, 'requests', name], at], message, 'raise the limit, or lower the request')];
  });
}

/** An m is a thousandth, of a byte too. */
function checkMemory(pillar: Pillar, key: string): Failure[] {
  return ['requests', 'limits'].flatMap((kind): Failure[] => {
    const { memory } = quantitiesOf(pillar, key, kind);
    const bytes = memory === undefined ? 0n : parseQuantity(memory)!;
    if (bytes === 0n || bytes >= MEBIBYTE) return [];
    const message = `${key}.${kind}.memory is ${memory}, less than 1Mi: it is counted in bytes`;
    return [refuse(pillar, [[key, kind, 'memory']], message, `write for example ${Number.parseInt(memory!, 10)}Mi`)];
  });
}

/** Those that are quantities: the schema has told what else stands there. */
function quantitiesOf({ data }: Pillar, key: string, kind: string): { [name: string]: string } {
  const all = isMap(data[key]) ? (data[key] as ValueMap)[kind] : undefined;
  if (!isMap(all)) return {};
  const entries = Object.entries(all).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && parseQuantity(entry[1]) !== undefined,
  );
  return Object.fromEntries(entries);
}
