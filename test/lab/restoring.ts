// A cluster that goes back to a snapshot again and again, whatever happens to it meanwhile, and what has to be true ever after.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Cluster, HOSTS, openCluster, type Runtime } from './cluster.ts';
import type { Ended, Running } from './rig.ts';
import { watchMembers } from './watching.ts';

export type Way = 'resume' | 'undo';
export const WAYS: readonly Way[] = ['resume', 'undo'];

/** What came of it: nothing had been begun, the restore was finished, or the cluster of before serves. */
export type Outcome = 'not begun' | 'finished' | 'taken back' | 'failed';

const KILLER = new URL('./kill-at-entry.ts', import.meta.url).href;
const KEYS = 120;
const CONFIRMED = ['-t', 'masters', '--confirm', 'main'];
const PATIENT = ['--lock-wait', '120'];
/**
 * Members that start at the same time wait 14 s for each other before etcd's own check of itself gives up. Nothing of a
 * restore depends on it, and hundreds of them are made here; the drill (restore-command) keeps it.
 */
const PILLAR = 'etcd_extra_args: { experimental-initial-corrupt-check: "false" }\n';

export interface Restoring {
  cluster: Cluster;
  /** Every key of the snapshot with its value. */
  kept: string;
  /** Every key of a member with its value. */
  everything(host: string): Promise<string>;
  /** `quorate restore`. */
  restore(): Running;
  /** The same, killed when its journal has so many entries; its run. */
  restoreKilledAfter(entries: number): Promise<string>;
  /** The newest run of this controller, and what its journal says. */
  lastRun(): { run: string; entries: Entry[] };
  /**
   * A write that the snapshot has not; then `disturb`, which returns the run that it has disturbed; then resume or undo.
   * Everything that must hold is asked after it, and of the members all the time.
   */
  expectMended(way: Way, disturb: () => Promise<string>): Promise<Outcome>;
  close(): Promise<void>;
}

export interface Entry {
  type: string;
  host?: string;
  [field: string]: unknown;
}

export interface RestoringOptions {
  /** systemd, unless it is said. */
  runtime?: Runtime;
  /** Of etcd: the newest, unless it is said. */
  version?: string;
  /** What the hosts have before etcd comes to them. */
  prepare?(cluster: Cluster): Promise<void>;
}

export async function openRestoring(id: string, subnet: string, options: RestoringOptions = {}): Promise<Restoring> {
  const cluster = await openCluster(id, subnet, options.runtime ?? 'systemd', options.version);
  try {
    await options.prepare?.(cluster);
    return await begin(cluster);
  } catch (error) {
    await cluster.rig.close();
    throw error;
  }
}

async function begin(cluster: Cluster): Promise<Restoring> {
  const { rig, etcdctl, onEach } = cluster;
  // A container's own programs end with it.
  const install = cluster.runtime === 'static_pod' ? `etcd_install: { path: /opt/etcd/${cluster.version} }\n` : '';
  cluster.pillar(PILLAR + install);
  const made = await rig.quorate('apply', 'running', '-t', 'masters', '--yes');
  expect(made.status, made.stdout + made.stderr).toBe(0);
  const puts = Array.from({ length: KEYS }, (_, at) => `put /registry/pods/ns/p${at} early${at}\n`).join('');
  await rig.lab.run('m1', `${cluster.ctl} txn >/dev/null`, `\n${puts}\n\n`);
  const saved = await rig.quorate('snapshot', 'save', '-t', 'masters', '--to', 'kept');
  expect(saved.status, saved.stderr).toBe(0);
  const snapshot = join('kept', readdirSync(join(rig.folder, 'kept')).find((name) => name.endsWith('.db'))!);
  const rehearsed = await rig.quorate('snapshot', 'rehearse', snapshot, '--on', 'm3');
  expect(rehearsed.status, rehearsed.stderr).toBe(0);
  const everything = (host: string) => etcdctl(host, 'get "" --prefix');
  const kept = await everything('m1');
  let writes = 0;

  /** Of each host: the inodes of `etcd`, its member, and of all that was ever kept of one, as `pre-RUN` and `restored-RUN`. */
  async function members(): Promise<Map<string, string>[]> {
    const kept = ['etcd.pre-*', 'etcd.restored-*', 'etcd/.pre-*', 'etcd/.restored-*'].map((name) => `${name}/member`);
    const said = await onEach(`cd /var/lib; stat -c '%n %i' etcd/member ${kept.join(' ')} 2>/dev/null || :`);
    const named = (line: string) => /^etcd(?:[./]+(.+))?\/member (\d+)$/.exec(line)!;
    return said.map(
      (text) =>
        new Map(
          text
            .split('\n')
            .filter(Boolean)
            .map((line) => [named(line)[1] ?? 'etcd', named(line)[2]!]),
        ),
    );
  }

  const ids = async () => (await Promise.all(HOSTS.map(cluster.status))).map((one) => one?.cluster);

  function lastRun() {
    const runs = join(rig.folder, 'state/quorate/runs');
    const run = readdirSync(runs).sort().at(-1)!;
    const lines = readFileSync(join(runs, run, 'journal.jsonl'), 'utf8').split('\n');
    return { run, entries: lines.filter(Boolean).map((line) => JSON.parse(line) as Entry) };
  }

  const restore = (env: Record<string, string>) =>
    rig.startWith(env, 'restore', '--from', snapshot, ...CONFIRMED, '--over-healthy', '-v');

  async function mend(way: Way, run: string): Promise<Ended & { begun: boolean }> {
    const more = way === 'resume' ? ['-t', 'masters'] : [...CONFIRMED, '--discard-writes'];
    const ended = await rig.quorate(way, run, ...more, ...PATIENT);
    const said = ended.stdout + ended.stderr;
    const over = way === 'resume' && said.includes(`${run} is at its end`);
    const begun = over || !/was interrupted before anything was stopped|knows a restore/.test(said);
    expect(ended.status, `${way} ${run}\n${said}`).toBe(begun && !over ? 0 : 5);
    return { ...ended, begun };
  }

  return {
    cluster,
    kept,
    everything,
    lastRun,
    restore: () => restore({}),
    async restoreKilledAfter(count) {
      const env = { NODE_OPTIONS: `--import ${KILLER}`, QUORATE_TEST_ENTRIES: `${count}` };
      const ended = await restore(env).ended;
      expect(ended.status, ended.stderr).toBe(null);
      const { run, entries } = lastRun();
      expect(entries).toHaveLength(count);
      return run;
    },
    async expectMended(way, disturb) {
      await etcdctl('m1', `put /registry/pods/ns/later${++writes} later`);
      const before = { all: await everything('m1'), ids: await ids(), members: await members() };
      const watched = await watchMembers(cluster);
      let outcome: Outcome;
      let run: string;
      try {
        run = await disturb();
        const { begun } = await mend(way, run);
        outcome = !begun ? 'not begun' : way === 'resume' ? 'finished' : 'taken back';
      } finally {
        await watched.end();
      }
      const after = await ids();
      const now = await members();
      expect(after).toEqual(Array(3).fill(after[0]));
      for (const [at, host] of HOSTS.entries()) {
        expect(await everything(host)).toBe(outcome === 'finished' ? kept : before.all);
        const had = before.members[at]!;
        // What was kept once is there ever after, and what etcd had is never a copy.
        for (const [name, inode] of had) if (name !== 'etcd') expect(now[at]!.get(name), `${host} ${name}`).toBe(inode);
        const place = outcome === 'finished' ? `pre-${run}` : 'etcd';
        expect(now[at]!.get(place), `${host} ${place}`).toBe(had.get('etcd'));
      }
      if (outcome === 'finished') expect(after[0]).not.toBe(before.ids[0]);
      else expect(after).toEqual(before.ids);
      expect(watched.seen(), 'members were asked all the time').toBeGreaterThan(0);
      // Where a restore was not begun on all hosts there is a note of it on some, which the next one would meet.
      if (outcome === 'not begun') await rig.quorate('undo', run, ...CONFIRMED, ...PATIENT);
      await clear(onEach, run);
      return outcome;
    },
    close: () => rig.close(),
  };
}

/** A small disk of its own for a directory of each host, with what is in it now; it is there again after a crash. */
export async function mountDisks({ rig }: Cluster, directory: string): Promise<void> {
  for (const host of HOSTS) {
    await rig.lab.disk(host, 'xvdb', '4G');
    await rig.lab.run(
      host,
      `mkdir -p ${directory} && mkfs.ext4 -q -m 0 /dev/xvdb && mount /dev/xvdb /mnt && cp -a ${directory}/. /mnt && umount /mnt &&
echo '/dev/xvdb ${directory} ext4 defaults 0 0' >>/etc/fstab && mount ${directory}`,
    );
  }
}

/** Each one takes 128 MB of every host: the last one's are enough to see that a later one leaves them alone. */
async function clear(onEach: Cluster['onEach'], run: string): Promise<void> {
  await onEach(
    `cd /var/lib; for one in etcd.pre-* etcd.restored-* etcd/.pre-* etcd/.restored-* quorate/restores/*; do case $one in *${run}) ;; *) rm -rf "$one" ;; esac; done`,
  );
}
