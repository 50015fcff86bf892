// Nothing to do: what an apply costs that finds everything as it should be.
import { probeFloor, trueFloor } from '../floors.ts';
import { comparePairs } from '../pairs.ts';
import type { Part, PartOptions } from '../part.ts';
import { probesOf } from '../probes.ts';
import type { Row } from '../row.ts';
import { openScene, requireNothingDone } from '../scene.ts';
import { timed } from '../timed.ts';

const STATE = 'kubernetes.etcd.configured';

/** Each by itself: where a machine cannot carry thirty hosts, three have their figures all the same. */
export const noops: readonly Part[] = [3, 10, 30].map((count) => ({
  name: count === 3 ? 'noop' : `noop-${count}`,
  about: `An apply of \`${STATE}\` that has nothing to do, on ${count} hosts: healthy clusters of three with TLS under systemd, against OpenSSH itself.`,
  run: (options) => measure(count, options),
}));

async function measure(count: number, { rounds, tell }: PartOptions): Promise<Row[]> {
  const scene = await openScene({ id: 'bench', subnet: '10.213.110', hosts: count, tell });
  try {
    tell('the clusters are made');
    await timed(scene.quorate('first apply', ['apply', STATE, '-t', 'all', '--yes']));
    const apply = scene.quorate('no-op apply', ['apply', STATE, '-t', 'all', '--yes'], requireNothingDone);
    const hosts = scene.hosts.map((name) => ({ name, address: scene.lab.address(name) }));
    const floors = [
      { floor: trueFloor(scene.lab, hosts), target: { limit: 1, is: 'most' as const } },
      { floor: probeFloor(scene.lab, hosts, await probesOf(scene, STATE), scene.folder) },
    ];
    const rows: Row[] = [];
    for (const { floor, target } of floors) {
      const what = `no-op apply of ${STATE}, ${count} hosts`;
      tell(`${what} against ${floor.name}`);
      const compared = await comparePairs(apply, floor, { rounds, tell });
      const before = scene.hostCpuSeconds();
      await timed(apply);
      const hostCpuSeconds = scene.hostCpuSeconds() - before;
      rows.push({ kind: 'ratio', what, ...(target ? { target } : {}), ...compared, hostCpuSeconds });
    }
    return rows;
  } finally {
    await scene.close();
  }
}
