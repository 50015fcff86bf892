// service.running: a systemd unit is active, and is restarted when what it watches changes.
import type { Change, Module } from '../module.ts';
import {
  begin,
  DISABLE,
  ENABLE,
  RELOAD_DEFINITIONS,
  RELOAD_STALE_DEFINITIONS,
  type StartVerb,
  start,
} from './steps.ts';
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
type Want = Id & { enabled?: boolean; reload: boolean };

export const serviceRunning: Module<Id, Want, Unit> = {
  name: 'service.running',
  schema: {
    type: 'object',
    description:
      'A systemd unit is active. It is restarted (or reloaded) when something that it watches changes. The step ends when the unit is active; with Type=notify that is when the service says that it is ready. A unit that is still activating is waited for.',
    properties: {
      name: nameProperty,
      enabled: {
        type: 'boolean',
        description: 'Whether the unit also starts at boot. Left out: that stays as it is',
        examples: [true],
      },
      reload: {
        type: 'boolean',
        description: 'When what it watches changes, reload the unit instead of restarting it, if it can be reloaded',
        default: false,
        examples: [true],
      },
    },
    required: ['name'],
    additionalProperties: false,
    examples: [{ name: 'etcd', enabled: true }],
  },
  reacts: true,
  claims: ({ name }) => `service:${unitOf(name)}`,
  read: ({ name }) => readUnit(unitOf(name), 'run and boot'),
  parse: parseUnit,
  diff(want, seen) {
    const refusal = refuseUnit(unitOf(want.name), seen, 'run');
    if (refusal !== undefined) return refusal;
    const changes: Change[] = diffBoot(want.enabled, seen);
    if (!isActive(seen)) changes.push({ path: 'active', before: seen.active, after: 'active' });
    return changes;
  },
  expect: (want, seen) => ({
    ...seen,
    active: isActive(seen) ? seen.active : 'active',
    sub: isActive(seen) ? seen.sub : 'running',
    file: expectBoot(want.enabled, seen),
    load: 'loaded',
    stale: false,
  }),
  fingerprint: (seen) => fingerprintUnit(seen, 'run and boot'),
  write(want, changes, { react }) {
    const active = changes.find(({ path }) => path === 'active');
    const script = [begin(unitOf(want.name)), react ? RELOAD_DEFINITIONS : RELOAD_STALE_DEFINITIONS];
    if (changes.some(({ path }) => path === 'enabled')) script.push(want.enabled ? ENABLE : DISABLE);
    if (react || active !== undefined) script.push(start(verbFor(want, active, react)));
    return { script: script.join('\n') };
  },
};

/** A unit that reloads or refreshes its configuration serves meanwhile. */
function isActive({ active }: Unit): boolean {
  return active === 'active' || active === 'reloading' || active === 'refreshing';
}

/** What is not active has to come up anew, with what it watches as it is now: `restart` starts that too. */
function verbFor(want: Want, active: Change | undefined, react: boolean): StartVerb {
  if (!react) return 'start';
  return want.reload && active === undefined ? 'reload-or-restart' : 'restart';
}
