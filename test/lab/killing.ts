// When a controller is killed in the middle of the main job, and what every next run has to bring about.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type Cluster, HOSTS } from './cluster.ts';
import type { Ended, Running } from './rig.ts';
import { saying } from './saying.ts';

export const APPLY = ['apply', 'running', '-t', 'masters', '--yes'];
const AGAIN = [...APPLY, '--lock-wait', '60'];

/** When the controller is killed: at a share of the time that a run takes, or when it has said something so many times. */
export type Moment = { name: string; share?: number; text?: string; times?: number };

export const saidThat = (text: string, times = 1): Moment => ({
  name: `when it has said "${text}"${times > 1 ? ` ${times} times` : ''}`,
  text,
  times,
});

/** Shares of a run, spread evenly and not quite: the same in every test run. */
export function shares(count: number, seed: number): Moment[] {
  let state = seed;
  return Array.from({ length: count }, (_, at) => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    const share = (at + state / 2 ** 31) / count;
    return { name: `after ${(share * 100).toFixed(0)} % of its time`, share };
  });
}

/** From the start of a whole run to its first word and to its end. Milliseconds. */
type Span = { first: number; last: number };

/** Kills controllers in the middle of their runs, and counts them. How long a run takes here it learns from each that comes to its end. */
export class Killer {
  readonly #cluster: Cluster;
  #span: Span = { first: 0, last: 0 };
  killed = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** One whole run, for the moments that are shares of its time. */
  async measure(): Promise<void> {
    const { status, stdout } = await this.#timed(this.#start());
    expect(status, stdout).toBe(0);
  }

  /** Kills the controller at its moment, unless it has come to its end before. */
  async kill({ share, text, times }: Moment): Promise<void> {
    const { first, last } = this.#span;
    const running = this.#start();
    const timed = this.#timed(running);
    if (share !== undefined) await sleep(first + (last - first) * share);
    else await saying(running, text!, times);
    running.kill();
    if ((await timed).status === null) this.killed += 1;
  }

  #start(): Running {
    return this.#cluster.rig.start(...APPLY, '-v');
  }

  async #timed(running: Running): Promise<Ended> {
    const began = performance.now();
    let first = 0;
    saying(running, 'run ').then(
      () => {
        first = performance.now() - began;
      },
      () => {},
    );
    const ended = await running.ended;
    if (ended.status === 0) this.#span = { first, last: performance.now() - began };
    return ended;
  }
}

export async function clusterIds(cluster: Cluster): Promise<(string | undefined)[]> {
  const all = await Promise.all(HOSTS.map(cluster.status));
  return all.map((one) => one?.cluster);
}

/** Shorter than a test's own limit, which would say nothing of what the run waited for. */
const RUN_LIMIT_MS = 480_000;

export async function expectRunFinishes(cluster: Cluster): Promise<void> {
  const running = cluster.rig.start(...AGAIN, '-v');
  const limit = setTimeout(() => running.kill(), RUN_LIMIT_MS);
  const { status, stdout, stderr } = await running.ended;
  clearTimeout(limit);
  if (status === 0) return;
  const said = [...stderr.split('\n').slice(-6), ...stdout.split('\n').slice(-4)];
  const seen = await cluster.onEach('ps -o pid,etimes,args -C etcd; journalctl -u kubelet -n 3 --no-pager -o cat');
  expect.fail(`the run ended with ${status}:\n${[...said, ...seen].join('\n')}`);
}

/** Nothing of a run is left on any host: no part of a file, no owed restart, no lock, no word of how it began. */
export async function expectNothingLeft(cluster: Cluster): Promise<void> {
  const left = `
    find /etc /run /tmp /usr/local /var/lib/etcd /var/lib/quorate -name '.quorate-??????' 2>/dev/null
    ls /var/lib/quorate/pending /run/quorate 2>/dev/null | grep -v ':$' | grep .
    ls /var/lib/quorate/*.bootstrap 2>/dev/null
    grep -rlE 'cluster-state=new|STATE=.?new|cluster-token|TOKEN' /etc/etcd /etc/systemd/system /etc/kubernetes/manifests 2>/dev/null || :`;
  expect(await cluster.onEach(left)).toEqual(['', '', '']);
  expect(await cluster.runsWith('initial-cluster-state')).toEqual(Array(3).fill('existing'));
}

let told = 0;
/** Progress, for whoever watches a long test. */
export function tell(text: string): void {
  process.stderr.write(`  ${(performance.now() / 1000).toFixed(0)} s: ${++told}. ${text}\n`);
}
