// Keys that an etcd which others have set up has no place for: nobody shall think that they hold.
import type { Failure } from '../failure.ts';
import { isMap } from '../load/map.ts';
import type { Pillar } from './pillar.ts';
import { refuse } from './refuse.ts';

export function checkAdoption(pillar: Pillar): Failure[] {
  const {
    etcd_configuration: configuration,
    etcd_runtime: runtime,
    etcd_resources: resources,
    etcd_probes,
    proxy,
  } = pillar.data;
  if (configuration !== 'adopted') return [];
  const limits = runtime === 'systemd' && isMap(resources) ? resources.limits : undefined;
  const idle = Object.entries({ etcd_probes, proxy, 'etcd_resources.limits': limits });
  return idle.flatMap(([name, value]): Failure[] => {
    if (value === undefined || value === null) return [];
    const message = `${name} does not reach an etcd that others have set up (etcd_configuration: adopted)`;
    const next = 'set it where etcd was set up, or let Quorate write all of that (etcd_configuration: managed)';
    return [refuse(pillar, [name.split('.')], message, next)];
  });
}
