// What a run that has nothing to do may cost: counted, never timed, so that a busy machine cannot fail it. The ratios
// that `npm run bench` judges are printed beside it.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Distance, moveAway } from '../../bench/far.ts';
import { probeFloor, trueFloor } from '../../bench/floors.ts';
import { countForks } from '../../bench/forks.ts';
import { loadedModules } from '../../bench/modules.ts';
import { comparePairs } from '../../bench/pairs.ts';
import { probesOf } from '../../bench/probes.ts';
import { short } from '../../bench/render.ts';
import { openScene, type RunDocument, requireNothingDone, type Scene } from '../../bench/scene.ts';
import { type Side, timed } from '../../bench/timed.ts';
import type { LabOptions } from '../../lab/lab.ts';
import { settings } from '../../lab/settings.ts';

const STATE = 'kubernetes.etcd.configured';
const LAB = { id: 'cost', subnet: '10.213.111' } satisfies LabOptions;

/** Each is what is needed today. A change that needs more has to say why, here. */
const LIMITS = {
  /** Forked on a host, beyond those that `ssh host true` forks there. */
  processes: 45,
  /** From the first packet to the last: TCP 1, the ssh handshake and login 6, the channel 2, and the program 1. */
  roundTrips: 10,
  /** Files that Node loads. */
  modules: {
    '--version': 3,
    '--help': 3,
    'validate kubernetes.etcd.configured -i inventory/example.yaml --pillar pillar': 195,
  },
};

let scene: Scene;
let apply: Side;

beforeAll(async () => {
  scene = await openScene({ ...LAB, hosts: 3, tell() {} });
  const args = ['apply', STATE, '-t', 'all', '--yes'];
  await timed(scene.quorate('first apply', args));
  apply = scene.quorate('a no-op apply', args, requireNothingDone);
  // What programs have said of their versions is noted once their files are some seconds old.
  await sleep(3000);
  await timed(apply);
});
afterAll(() => scene?.close());

const hosts = () => scene.hosts.map((name) => ({ name, address: scene.lab.address(name) }));

describe('an apply that has nothing to do', () => {
  it('sends one program to a host', async () => {
    const { stdout } = await timed(apply);
    const { hosts }: RunDocument = JSON.parse(stdout);
    expect(Object.values(hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
  });

  it('forks few processes on a host', async () => {
    const lab = settings(LAB);
    const login = await countForks(lab, 'm1', () => timed(trueFloor(scene.lab, hosts())));
    const all = await countForks(lab, 'm1', () => timed(apply));
    expect(login.processes, 'sshd was not followed').toBeGreaterThan(2);
    expect(all.processes - login.processes, all.programs.join('\n')).toBeLessThanOrEqual(LIMITS.processes);
  });

  describe('far away', () => {
    let distance: Distance;
    beforeAll(async () => {
      distance = await moveAway(settings(LAB), scene.hosts, 25);
    });
    afterAll(() => distance?.close());

    it('waits for few round trips, on one connection a host', async () => {
      await timed(scene.at(distance.port, apply));
      const traffic = await distance.traffic(scene.hosts);
      for (const connections of traffic.values()) {
        expect(connections).toHaveLength(1);
        expect(connections[0]?.roundTrips).toBeLessThanOrEqual(LIMITS.roundTrips);
      }
    });
  });

  it('has its ratios printed', async () => {
    for (const floor of [
      trueFloor(scene.lab, hosts()),
      probeFloor(scene.lab, hosts(), await probesOf(scene, STATE), scene.folder),
    ]) {
      const { ratio } = await comparePairs(apply, floor, { rounds: 3, tell() {} });
      console.log(`no-op: ${short(ratio.median)} (${short(ratio.min)}–${short(ratio.max)}) × ${floor.name}`);
    }
  });
});

describe('a command that connects to nothing', () => {
  it.each(Object.entries(LIMITS.modules))('%s loads few files', async (line, limit) => {
    const modules = await loadedModules(line.split(' '));
    expect(modules.length).toBeGreaterThan(1);
    expect(modules.length, modules.join('\n')).toBeLessThanOrEqual(limit);
  });
});
