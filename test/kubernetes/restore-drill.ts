// The drill on real masters: a cluster with API servers, controllers and kubelets goes back to a snapshot by one command.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Masters, ON_M2 } from './snapshot-job.ts';

const soon = { timeout: 120_000, interval: 500 };

/** @param etcd where its programs are on each host: the containers' own end with them */
export function describeRestoreDrill({ hosts, rig, pillar }: Masters, etcd: () => string): void {
  const kubectl = (host: string, command: string) =>
    rig().lab.run(host, `kubectl --kubeconfig=/etc/kubernetes/admin.conf ${command}`);
  const names = (host: string) =>
    kubectl(host, `get configmaps -l drill -o jsonpath='{range .items[*]}{.metadata.name} {end}'`);
  const pids = () => Promise.all(hosts.map((host) => rig().lab.run(host, 'pgrep -x kube-apiserver')));

  describe('quorate restore', () => {
    it('brings back what was there and nothing later, on API servers that begin anew, and watches are told to list again', async () => {
      pillar(`${ON_M2}etcd_install: { path: ${etcd()} }\n`);
      expect((await rig().json('apply', 'running', '-t', 'masters', '--yes')).status).toBe(0);
      await kubectl('m1', 'create configmap early');
      await kubectl('m1', 'label configmap early drill=yes');
      const saved = await rig().quorate('snapshot', 'save', '-t', 'masters', '--cluster', 'main', '--to', 'drill');
      expect(saved.status, saved.stderr).toBe(0);
      const snapshot = readdirSync(join(rig().folder, 'drill')).find((name) => name.endsWith('.db'))!;
      await kubectl('m2', 'create configmap late');
      await kubectl('m2', 'label configmap late drill=yes');
      const version = await kubectl('m2', `get configmap late -o jsonpath='{.metadata.resourceVersion}'`);
      expect(await names('m3')).toBe('early late ');
      const before = await pids();

      const restored = await rig().quorate(
        'restore',
        '--from',
        `drill/${snapshot}`,
        '-t',
        'masters',
        '--confirm',
        'main',
        '--over-healthy',
      );
      expect(restored.status, `${restored.stdout}\n${restored.stderr}`).toBe(0);
      expect(restored.stderr).toMatch(
        /revisions since the snapshot are lost by this\n! {3}\/registry\/configmaps: \d+ now/,
      );
      for (const host of hosts) expect(await names(host)).toBe('early ');
      for (const [at, pid] of (await pids()).entries()) expect(pid).not.toBe(before[at]);
      const watch = `get --raw '/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=5&resourceVersion=${version}'`;
      expect(await kubectl('m1', `${watch} 2>&1 || :`)).toMatch(
        /too old resource version|required revision has been compacted|Expired/,
      );
      // The controllers and kubelets work: a node is ready because its kubelet has said so since.
      await kubectl('m1', 'create configmap anew');
      const ready = `get nodes -o jsonpath='{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}'`;
      await expect.poll(() => kubectl('m3', ready).catch(() => ''), soon).toBe('m1=True m2=True m3=True ');
      const parked = await Promise.all(hosts.map((host) => rig().lab.run(host, 'ls /etc/kubernetes/manifests.pre-*')));
      expect(parked).toEqual(hosts.map(() => ''));
      const again = await rig().json('apply', 'running', '-t', 'masters', '--yes');
      expect([again.status, again.document.outcome]).toEqual([0, 'ok']);
    });
  });
}
