// service.stopped: a systemd unit does not run, and does not start at boot.
import type { Change, Module } from '../module.ts';
import { begin, DISABLE, ENABLE, RELOAD_STALE_DEFINITIONS, STOP } from './steps.ts';
import {
  diffBoot,
  expectBoot,
  fingerprintUnit,
  nameProperty,
  parseUnit,
  readUnit,
  refuseUnit,
  type Unit,
  unitOf,
} from './unit.ts';

type Id = { name: string };
type Want = Id & { enabled: boolean };

export const serviceStopped: Module<Id, Want, Unit> = {
  name: 'service.stopped',
  schema: {
    type: 'object',
    description: 'A systemd unit does not run. One that failed, or that the host does not know, counts as stopped.',
    properties: {
      name: nameProperty,
      enabled: {
        type: 'boolean',
        description: 'Whether the unit starts at boot',
        default: false,
        examples: [true],
      },
    },
    required: ['name'],
    additionalProperties: false,
    examples: [{ name: 'etcd' }],
  },
  claims: ({ name }) => `service:${unitOf(name)}`,
  read: ({ name }) => readUnit(unitOf(name), 'run and boot'),
  parse: parseUnit,
  diff(want, seen) {
    const refusal = refuseUnit(unitOf(want.name), seen, want.enabled ? 'be enabled' : undefined);
    if (refusal !== undefined) return refusal;
    const changes: Change[] = isStopped(seen) ? [] : [{ path: 'active', before: seen.active, after: 'inactive' }];
    return [...changes, ...diffBoot(want.enabled, seen)];
  },
  expect: (want, seen) => ({
    ...seen,
    active: isStopped(seen) ? seen.active : 'inactive',
    sub: isStopped(seen) ? seen.sub : 'dead',
    file: expectBoot(want.enabled, seen),
  }),
  fingerprint: (seen) => fingerprintUnit(seen, 'run and boot'),
  write(want, changes) {
    const script = [begin(unitOf(want.name))];
    if (changes.some(({ path }) => path === 'active')) script.push(STOP);
    if (changes.some(({ path }) => path === 'enabled')) {
      script.push(...(want.enabled ? [RELOAD_STALE_DEFINITIONS, ENABLE] : [DISABLE]));
    }
    return { script: script.join('\n') };
  },
};

function isStopped({ active }: Unit): boolean {
  return active === 'inactive' || active === 'failed';
}
