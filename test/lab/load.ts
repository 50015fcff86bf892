// A steady write load on a cluster while something is done to it, and samples of how many members serve meanwhile.
import type { Rig } from './rig.ts';

export interface LoadSeen {
  /** Keys whose write etcd has acknowledged. */
  acknowledged: string[];
  /** How many members served, sample by sample. */
  serving: number[];
}

export interface Load {
  /** How many writes were acknowledged before `startLoad` returned. */
  before: number;
  end(): Promise<LoadSeen>;
}

/** Writes `load/1`, `load/2`, … through all members from m2, and samples from m1. `etcdctl`: the command with its certificates. */
export async function startLoad(rig: Rig, hosts: readonly string[], etcdctl: string): Promise<Load> {
  const members = hosts.map((host) => `https://${rig.lab.address(host)}:2379`);
  const onEach = (command: string) => Promise.all(hosts.map((host) => rig.lab.run(host, command)));
  const write = `i=0; until test -e /run/stop; do
    i=$((i + 1)); ${etcdctl} --endpoints=${members.join()} --command-timeout=5s put load/$i $i >/dev/null && echo load/$i >>/run/acknowledged
    sleep 0.2
  done`;
  // Two samples in a row have to say so, or a slow one would see two members down that were so one after the other.
  const sample = `serving() {
    for member in ${members.join(' ')}; do
      { ${etcdctl} --endpoints=$member --dial-timeout=1s --command-timeout=1s endpoint status >/dev/null 2>&1 && echo up; } &
    done; wait
  }
  until test -e /run/stop; do
    n=$(serving | grep -c up); [ "$n" -ge 2 ] || n=$(serving | grep -c up); echo "$n" >>/run/serving
    sleep 0.5
  done`;
  await onEach('rm -f /run/stop /run/acknowledged /run/serving');
  await rig.lab.run('m2', ['systemd-run', '--quiet', '--unit=load', 'sh', '-c', write]);
  await rig.lab.run('m1', ['systemd-run', '--quiet', '--unit=samples', 'sh', '-c', sample]);
  await rig.lab.run('m2', 'until [ -s /run/acknowledged ]; do sleep 0.1; done');
  return {
    before: Number(await rig.lab.run('m2', 'wc -l </run/acknowledged')),
    async end() {
      await onEach(': >/run/stop');
      await onEach('while systemctl -q is-active load samples; do sleep 0.1; done');
      return {
        acknowledged: (await rig.lab.run('m2', 'cat /run/acknowledged')).split('\n'),
        serving: (await rig.lab.run('m1', 'cat /run/serving')).split('\n').map(Number),
      };
    },
  };
}
