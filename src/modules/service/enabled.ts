// service.enabled: whether a systemd unit starts at boot. Whether it runs now is left alone.
import type { Module } from '../module.ts';
import { begin, DISABLE, ENABLE, RELOAD_STALE_DEFINITIONS } from './steps.ts';
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

export const serviceEnabled: Module<Id, Want, Unit> = {
  name: 'service.enabled',
  schema: {
    type: 'object',
    description:
      'Whether a systemd unit starts at boot. Whether it runs now is left alone; service.running and service.stopped have a parameter for both.',
    properties: {
      name: nameProperty,
      enabled: {
        type: 'boolean',
        description: 'Whether the unit starts at boot',
        default: true,
        examples: [false],
      },
    },
    required: ['name'],
    additionalProperties: false,
    examples: [{ name: 'etcd-backup.timer' }],
  },
  claims: ({ name }) => `service:${unitOf(name)}`,
  read: ({ name }) => readUnit(unitOf(name), 'boot'),
  parse: parseUnit,
  diff: (want, seen) =>
    refuseUnit(unitOf(want.name), seen, want.enabled ? 'be enabled' : undefined) ?? diffBoot(want.enabled, seen),
  expect: (want, seen) => ({ ...seen, file: expectBoot(want.enabled, seen) }),
  fingerprint: (seen) => fingerprintUnit(seen, 'boot'),
  write: (want) => ({
    script: [begin(unitOf(want.name)), RELOAD_STALE_DEFINITIONS, want.enabled ? ENABLE : DISABLE].join('\n'),
  }),
};
