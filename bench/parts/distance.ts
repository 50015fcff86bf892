// Hosts that are far away: what a run waits for is round trips, and those are counted on the wire.
import { settings } from '../../lab/settings.ts';
import { type Distance, moveAway } from '../far.ts';
import { trueFloor } from '../floors.ts';
import { comparePairs } from '../pairs.ts';
import type { Part, PartOptions } from '../part.ts';
import type { Row } from '../row.ts';
import { openScene, requireNothingDone, type Scene } from '../scene.ts';
import { type Side, timed } from '../timed.ts';

const STATE = 'kubernetes.etcd.configured';
const LAB = { id: 'bench', subnet: '10.213.113' };
const EACH_WAY_MS = 25;

export const distance: Part = {
  name: 'distance',
  about: `Three hosts behind a proxy that holds every byte back for ${EACH_WAY_MS} ms each way, TCP's own handshake included. A round trip is counted where a message can only have been sent after another was there.`,
  async run(options) {
    const scene = await openScene({ ...LAB, hosts: 3, tell: options.tell });
    const far = await moveAway(settings(LAB), scene.hosts, EACH_WAY_MS);
    try {
      return await measure(scene, far, options);
    } finally {
      far.close();
      await scene.close();
    }
  },
};

async function measure(scene: Scene, far: Distance, { rounds, tell }: PartOptions): Promise<Row[]> {
  const apply = scene.at(far.port, scene.quorate('apply', ['apply', STATE, '-t', 'all', '--yes']));
  const rows: Row[] = [];
  const count = async (what: string, side: Side) => {
    const { ms } = await timed(side);
    const trips = [...(await far.traffic(scene.hosts)).values()].flat().map(({ roundTrips }) => roundTrips);
    tell(`${what}: ${Math.max(...trips)} round trips, ${Math.round(ms)} ms`);
    rows.push({ kind: 'count', what: `round trips of ${what}`, value: Math.max(...trips), unit: 'on one connection' });
    rows.push({ kind: 'count', what: `seconds of ${what}`, value: ms / 1000, unit: 's, shown' });
    return Math.max(...trips);
  };
  await count(`a first apply of ${STATE}`, apply);
  const noop = { ...apply, name: 'no-op apply', check: (stdout: string) => requireNothingDone(JSON.parse(stdout)) };
  const asked = await count(`a no-op apply of ${STATE}`, noop);

  const hosts = scene.hosts.map((name) => ({ name, address: scene.lab.address(name), port: far.port }));
  const floor = trueFloor(scene.lab, hosts);
  const login = await count(floor.name, floor);
  // TCP, the handshake, the login and the channel are those of any ssh.
  const what = 'round trips of a no-op beyond `ssh host true`';
  rows.push({ kind: 'count', what, value: asked - login, unit: '', target: { limit: 1, is: 'most' } });
  const compared = await comparePairs(noop, floor, { rounds, tell });
  rows.push({ kind: 'ratio', what: `no-op apply of ${STATE}, 3 hosts, ${EACH_WAY_MS} ms each way`, ...compared });
  return rows;
}
