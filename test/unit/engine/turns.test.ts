// Which turns of a roll a plan refuses, and what it leaves alone with them.
import { describe, expect, it } from 'vitest';
import { plan, type Scene, verdictsOf } from './scene.ts';

const MEMBER: Scene = {
  hosts: ['m1', 'm2', 'm3'],
  healthy: ['m1', 'm2', 'm3'],
  resources: {
    file: {},
    other: {},
    service: { watch: ['file'], reacts: true, disrupts: 'etcd' },
    'behind-service': { require: ['service'] },
    'behind-file': { watch: ['file'] },
  },
};
const LEFT_ALONE = {
  file: 'blocked',
  other: 'change',
  service: 'refused',
  'behind-service': 'blocked',
  'behind-file': 'blocked',
};

const onHost = (host: string, verdicts: { [resource: string]: string }) =>
  Object.fromEntries(Object.entries(verdicts).map(([resource, verdict]) => [`${host} ${resource}`, verdict]));

describe('a turn that', () => {
  it('leaves a quorum is planned', () => {
    const intent = plan(MEMBER);
    expect(new Set(Object.values(verdictsOf(intent)))).toEqual(new Set(['change']));
    expect(intent.plan.stages.flatMap(({ disrupts }) => disrupts.map(({ host }) => host))).toEqual(['m2', 'm3', 'm1']);
  });

  it('would cost the quorum is refused, with what leads up to it and what comes behind, and nothing else', () => {
    const intent = plan({ ...MEMBER, healthy: ['m1', 'm2'], down: ['m3'] });
    expect(verdictsOf(intent)).toMatchObject({ ...onHost('m1', LEFT_ALONE), ...onHost('m2', LEFT_ALONE) });
    expect(intent.plan.stages.flatMap(({ disrupts }) => disrupts)).toEqual([]);
    expect([...intent.work.keys()]).toEqual(['m1 other', 'm2 other']);
    const told = intent.plan.entries.filter(({ host, resource }) => host !== 'm3' && /^(file|service)$/.test(resource));
    expect(told).toHaveLength(4);
    for (const entry of told) {
      expect(entry.why).toMatchObject({
        reason: 'quorum',
        host: entry.host,
        resource: entry.resource,
        message: expect.stringMatching(/would break the quorum of cluster main: 3 voters, m3 down/),
        next: 'bring back or replace m3 first, then run again',
      });
    }
  });

  it('would be one of a cluster with an alarm is refused, whatever the arithmetic says', () => {
    const intent = plan({ ...MEMBER, errors: ['memberID:1 alarm:NOSPACE'] });
    for (const host of MEMBER.hosts!) expect(verdictsOf(intent)).toMatchObject(onHost(host, LEFT_ALONE));
    const refused = intent.plan.entries.find(({ verdict }) => verdict === 'refused');
    expect(refused?.why?.message).toBe('cluster main has an alarm: memberID:1 alarm:NOSPACE');
  });

  it('comes after that of the member that is down is planned: by then that one serves', () => {
    const intent = plan({ ...MEMBER, healthy: ['m1', 'm2'] });
    expect(new Set(Object.values(verdictsOf(intent)))).toEqual(new Set(['change']));
    expect(intent.plan.stages.flatMap(({ disrupts }) => disrupts.map(({ host }) => host))).toEqual(['m3', 'm2', 'm1']);
  });

  it('comes without that of the member that is down is refused, when nothing is to be done there or may be', () => {
    const converged = { file: 'new', other: 'new', service: 'new', 'behind-service': 'new', 'behind-file': 'new' };
    const scene = { ...MEMBER, healthy: ['m1', 'm2'] };
    expect(verdictsOf(plan({ ...scene, seen: { m3: converged } }))).toMatchObject(onHost('m1', LEFT_ALONE));
    expect(verdictsOf(plan({ ...scene, targets: ['m1', 'm2'] }))).toMatchObject(onHost('m1', LEFT_ALONE));
    expect(verdictsOf(plan({ ...scene, seen: { m3: { file: 'FAILED' } } }))).toMatchObject(onHost('m2', LEFT_ALONE));
  });

  it('would interrupt what is left of a lost quorum is refused, with the arithmetic', () => {
    const scene = { ...MEMBER, leaderless: ['m1'], healthy: [], down: ['m2', 'm3'] };
    const intent = plan(scene);
    expect(verdictsOf(intent)).toMatchObject(onHost('m1', LEFT_ALONE));
    expect(intent.plan.entries.find(({ verdict }) => verdict === 'refused')?.why).toMatchObject({
      reason: 'quorum',
      message: expect.stringContaining('cluster main has no quorum: 3 voters, without m2, m3: tolerance −1'),
    });
    expect(verdictsOf(plan({ ...scene, leaderless: [] }))).toMatchObject({ 'm1 service': 'change' });
  });

  it('interrupts a cluster that does not serve is free', () => {
    const intent = plan({ ...MEMBER, healthy: ['m1'] });
    expect(new Set(Object.values(verdictsOf(intent)))).toEqual(new Set(['change']));
    expect(intent.plan.stages).toHaveLength(1);
  });
});
