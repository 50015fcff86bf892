// A host crashes, its cable is cut, its disk is full or its etcd is killed in the middle of a restore: resume finishes it, undo takes it back.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, HOSTS } from './cluster.ts';
import { FULL, SEED } from './extent.ts';
import { randomNumbers } from './random.ts';
import { record } from './recording.ts';
import { mountDisks, type Outcome, openRestoring, type Restoring, WAYS } from './restoring.ts';
import { saying } from './saying.ts';

interface Fault {
  name: string;
  /** Step by step what the controller has said when it happens; `HOST` is the host that it happens to. */
  moments: { at: string; said: string }[];
  begin(cluster: Cluster, host: string): Promise<void>;
  end(cluster: Cluster, host: string): Promise<void>;
  /** It may also be over before the run is. */
  mayBeBrief?: true;
}

const STOPPED = { at: 'step 3, etcd is stopped', said: 'changed kubernetes.restore.etcd_stopped/service' };
const ASIDE = { at: 'step 4, data is set aside', said: 'HOST: kubernetes.restore.set_aside/data …' };
const MADE = { at: 'step 5, members are made', said: 'HOST: kubernetes.etcd.restored/member …' };
const STARTING = { at: 'step 6, members start', said: 'HOST: kubernetes.etcd.configured/service …' };
const LAST = { at: 'step 9, all of it runs', said: 'step 9 of 9' };
const BRIEF_MS = 3000;
/** Of a small disk that the hosts have below /var/lib. */
const FULL_DISK = '/var/lib/full';

const FAULTS: Fault[] = [
  {
    name: 'a host crashes',
    moments: [STOPPED, ASIDE, MADE, STARTING, LAST],
    begin: ({ rig }, host) => rig.lab.crash(host),
    end: ({ rig }, host) => rig.lab.start(host),
  },
  {
    name: 'a cable is cut',
    moments: [STOPPED, ASIDE, MADE, STARTING, LAST],
    begin: ({ rig }, host) => rig.lab.cut(host),
    end: ({ rig }, host) => rig.lab.heal(host),
    mayBeBrief: true,
  },
  {
    name: 'a disk is full',
    moments: [{ at: 'step 2, nothing has stopped yet', said: 'step 2 of 9' }, STOPPED, MADE, STARTING, LAST],
    begin: async ({ rig }, host) => {
      await rig.lab.run(
        host,
        `mkdir -p ${FULL_DISK}; n=0; for size in 256M 16M 1M 64K 4K; do while n=$((n+1)); fallocate -l $size ${FULL_DISK}/$n 2>/dev/null; do :; done; done
cat /dev/zero >${FULL_DISK}/rest 2>/dev/null; ! echo x >${FULL_DISK}/more 2>/dev/null`,
      );
    },
    end: async ({ rig }, host) => void (await rig.lab.run(host, `rm -rf ${FULL_DISK}`)),
  },
  {
    name: 'etcd is killed',
    moments: [
      { at: 'step 1, all of it serves', said: 'step 1 of 9' },
      { at: 'step 3, before etcd is stopped', said: 'step 3 of 9' },
      STARTING,
      { at: 'step 7, what is served is counted', said: 'step 7 of 9' },
      LAST,
    ],
    begin: async ({ rig }, host) => {
      await rig.lab.run(host, 'for i in $(seq 500); do pkill -KILL -x etcd && exit; sleep 0.01; done; exit 1');
    },
    end: async () => {},
  },
];

const random = randomNumbers(SEED);
const choose = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
const ALL = FAULTS.flatMap((fault) =>
  fault.moments.flatMap((moment) =>
    WAYS.map((way) => ({
      fault,
      moment,
      way,
      host: choose(HOSTS),
      brief: fault.mayBeBrief === true && random() < 0.5,
      name: `${fault.name}, ${moment.at}, then ${way}`,
    })),
  ),
);
/** One of each fault, and as many of each way. */
const ROWS = FULL
  ? ALL
  : FAULTS.map((fault, at) => choose(ALL.filter((row) => row.fault === fault && row.way === WAYS[at % 2])));

let restoring: Restoring;
beforeAll(open);
afterAll(() => restoring?.close());

async function open(): Promise<void> {
  restoring = await openRestoring('tbfault', '10.213.104', { prepare: (cluster) => mountDisks(cluster, '/var/lib') });
}

describe('a restore in the middle of which', () => {
  it.each(ROWS)('$name', async ({ fault, moment, way, host, brief }) => {
    let code: number | null = null;
    const disturb = async () => {
      const { cluster } = restoring;
      const running = restoring.restore();
      await saying(running, moment.said.replace('HOST', host));
      await fault.begin(cluster, host);
      if (brief) {
        await sleep(BRIEF_MS);
        await fault.end(cluster, host);
      }
      code = (await running.ended).status;
      if (!brief) await fault.end(cluster, host);
      // Nobody has killed the controller: it has seen what happened, or nothing was in its way.
      expect(code).not.toBe(null);
      return restoring.lastRun().run;
    };
    let outcome: Outcome = 'failed';
    try {
      outcome = await restoring.expectMended(way, disturb);
    } finally {
      record(restoring.cluster, {
        what: fault.name,
        way,
        at: moment.at,
        how: `${host}${brief ? `, for ${BRIEF_MS / 1000} s` : ''}, the restore ended with ${code}`,
        outcome,
        of: fault.moments.length,
      });
      if (outcome === 'failed') {
        await restoring.close();
        await open();
      }
    }
  });
});
