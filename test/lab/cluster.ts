// A cluster that kubernetes.running makes and keeps on three real hosts, by either runtime, and what tests ask of it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { openRig, type Rig } from './rig.ts';

export const HOSTS = ['m1', 'm2', 'm3'];
export const LEDGER = '/var/lib/quorate/main.json';
const PKI = '/etc/kubernetes/pki/etcd';

export type Runtime = 'systemd' | 'static_pod';

export interface Cluster {
  rig: Rig;
  runtime: Runtime;
  /** Of etcd. */
  version: string;
  /** etcdctl with the certificates of health checks, as a host's shell takes it. */
  ctl: string;
  /** The pillar of this etcd, with more lines after it. */
  pillar(more?: string): void;
  /** Three hosts that never had an etcd, and a controller that has forgotten them. */
  bare(): Promise<void>;
  controllerLedger(): string;
  etcdctl(host: string, command: string): Promise<string>;
  onEach(command: string, hosts?: readonly string[]): Promise<string[]>;
  /** What the member of a host says of itself; undefined while it says nothing. */
  status(host: string): Promise<{ cluster: string; leader: boolean } | undefined>;
  leader(): Promise<string>;
  /** Ends the members of these hosts so that they stay down until `startMember`. */
  stopMember(...hosts: string[]): Promise<void>;
  startMember(...hosts: string[]): Promise<void>;
  /** How the members run: of each, the word after `flag=` in its command line or environment. */
  runsWith(flag: 'initial-cluster-state' | 'snapshot-count', hosts?: readonly string[]): Promise<string[]>;
}

/** @param wanted a version of etcd; else the newest there is */
export async function openCluster(id: string, subnet: string, runtime: Runtime, wanted?: string): Promise<Cluster> {
  const kubelet = runtime === 'static_pod';
  const rig = await openRig(id, subnet, HOSTS.length, { kubelet });
  const listed = (await rig.lab.run('m1', 'ls /opt/etcd')).split('\n');
  const version = wanted ?? listed.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)!;
  const install = kubelet ? '' : `etcd_runtime: systemd\netcd_install: { path: /opt/etcd/${version} }\n`;
  const ctl = `/opt/etcd/${version}/etcdctl --cacert=${PKI}/ca.crt --cert=${PKI}/healthcheck-client.crt --key=${PKI}/healthcheck-client.key`;

  const onEach = (command: string, hosts: readonly string[] = HOSTS) =>
    Promise.all(hosts.map((host) => rig.lab.run(host, command)));
  const etcdctl = (host: string, command: string) =>
    rig.lab.run(host, `${ctl} --endpoints=https://127.0.0.1:2379 --command-timeout=5s ${command}`);

  async function status(host: string) {
    const asked = await rig.lab.exec(host, `${ctl} --command-timeout=1s endpoint status -w json`);
    const ids = /"cluster_id":(\d+),"member_id":(\d+)/.exec(asked.stdout);
    if (!ids) return undefined;
    return { cluster: ids[1]!, leader: /"leader":(\d+)/.exec(asked.stdout)?.[1] === ids[2] };
  }

  return {
    rig,
    runtime,
    version,
    ctl: ctl,
    pillar: (more = '') => rig.write({ 'pillar/defaults.yaml': `etcd_version: ${version}\n${install}${more}` }),
    async bare() {
      await rig.lab.up(HOSTS.length, { fresh: true, kubelet });
      rmSync(join(rig.folder, 'state/quorate'), { recursive: true, force: true });
    },
    controllerLedger: () => join(rig.folder, 'state/quorate/clusters/main.json'),
    etcdctl,
    onEach,
    status,
    async leader() {
      for (;;) {
        const all = await Promise.all(HOSTS.map(status));
        const at = all.findIndex((one) => one?.leader);
        if (at >= 0) return HOSTS[at]!;
      }
    },
    async stopMember(...hosts) {
      const stop = kubelet
        ? 'systemctl stop kubelet; pkill -x etcd; while pgrep -x etcd; do sleep 0.1; done'
        : 'systemctl stop etcd';
      await onEach(stop, hosts);
    },
    async startMember(...hosts) {
      // All before any is waited for: a unit of Type=notify is ready only with a quorum.
      await onEach(`systemctl start --no-block ${kubelet ? 'kubelet' : 'etcd'}`, hosts);
      await onEach(`until ${ctl} --command-timeout=2s endpoint health >/dev/null 2>&1; do sleep 0.2; done`, hosts);
    },
    runsWith(flag, hosts) {
      const name = kubelet ? `--${flag}` : `ETCD_${flag.replaceAll('-', '_').toUpperCase()}`;
      return onEach(
        `cat /proc/$(pgrep -x etcd)/cmdline /proc/$(pgrep -x etcd)/environ | tr '\\0' '\\n' | sed -n 's/^${name}=//p'`,
        hosts,
      );
    },
  };
}
