// Two runtimes on one data directory: what a host says of the other one, and what the guard makes of it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { judge } from '../../../src/engine/beginning.ts';
import { parseGuard } from '../../../src/engine/guard.ts';
import { otherRunnerScript } from '../../../src/engine/runtime.ts';
import type { MemberStatus } from '../../../src/etcd/status.ts';
import type { ValueMap } from '../../../src/value.ts';
import { find, load } from './scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'quorate-runtime-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a manifest of etcd is found where systemd is declared, and is no stranger where the kubelet is', () => {
  const ask = (runtime: string) => {
    const script = otherRunnerScript({ etcd_runtime: runtime, etcd_manifest_dir: folder }, 'etcd');
    return spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout;
  };
  expect(ask('systemd')).toBe('');
  writeFileSync(join(folder, 'etcd.yaml'), '');
  expect(ask('systemd')).toBe(`runner ${folder}/etcd.yaml\n`);
  expect(ask('static_pod')).not.toContain(folder);
});

test('its member alone is refused where the cluster serves, and the whole bootstrap where there is none yet', () => {
  const serving = judged({ etcd_runtime: 'systemd' }, 'data yes\nrunner /m/etcd.yaml\nwhole\n', true);
  expect([...serving.refusals]).toEqual([
    [
      'm1',
      {
        refused:
          'the kubelet (/m/etcd.yaml) runs the etcd member of m1, and systemd is declared: both would run on one data directory',
        next: expect.stringContaining('move /m/etcd.yaml'),
      },
    ],
  ]);
  const founding = judged({ etcd_runtime: 'static_pod' }, 'data no\nrunner etcd.service\nwhole\n', false);
  expect(founding.beginning).toMatchObject({
    kind: 'refused',
    refusal: {
      refused: expect.stringContaining('systemd (etcd.service) runs the etcd member of m1'),
      next: expect.stringContaining('systemctl disable --now etcd'),
    },
  });
});

test.each<[string, string, string, RegExp]>([
  [
    'systemd',
    '/m/etcd-events.yaml',
    'the kubelet (/m/etcd-events.yaml) runs the etcd member of m1, and systemd is declared: both would run on one data directory',
    /^set etcd_runtime: static_pod again; or, to change over, on one host at a time .* the leader last: move \/m\/etcd-events\.yaml out .*, then apply with -t m1$/,
  ],
  [
    'static_pod',
    'etcd-events.service',
    'systemd (etcd-events.service) runs the etcd member of m1, and static_pod is declared: both would run on one data directory',
    /^set etcd_runtime: systemd again; or, to change over, .*: systemctl disable --now etcd-events, then apply with -t m1$/,
  ],
])('the events cluster is guarded by itself where %s is declared', (runtime, runner, refused, next) => {
  const data = { etcd_runtime: runtime, etcd_events: true };
  const events = judged(data, `data yes\nrunner ${runner}\nwhole\n`, true, 'main-events');
  expect([...events.refusals]).toEqual([['m1', { refused, next: expect.stringMatching(next) }]]);
});

function judged(data: ValueMap, m1: string, serves: boolean, cluster = 'main') {
  const scene = { resources: { a: {} }, hosts: ['m1', 'm2'] };
  const loaded = {
    ...load(scene),
    pillars: { of: () => ({ host: '', data, origins: () => [] }), sources: [], warnings: [] },
  };
  const found = find(scene, loaded);
  const members = ['m1', 'm2'].map((name) => ({ id: name, name, peerUrls: [`https://${name}:2380`], started: true }));
  for (const [host, probe] of found.probes) {
    const text = host === 'm1' ? m1 : 'data yes\nwhole\n'.replace('yes', serves ? 'yes' : 'no');
    const status = { memberId: host, clusterId: 'c', version: '3.5.30', learner: false, healthy: true } as MemberStatus;
    const guard = parseGuard(new TextEncoder().encode(text))!;
    probe.members.set(cluster, serves ? { guard: { ...guard, members: members as never }, status } : { guard });
  }
  const knowledge = { ledgers: new Map(), newToken: () => 't', now: '2030-01-01T00:00:00Z' };
  return judge(loaded, found, knowledge).judgements!.get(cluster)!;
}
