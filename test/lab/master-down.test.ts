// A master goes down in the middle of the main job, or is down before it: what needs only a quorum goes on, nothing else.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, HOSTS, openCluster } from './cluster.ts';
import type { RunDocument } from './rig.ts';
import { saying } from './saying.ts';

const APPLY = ['apply', 'running', '-t', 'masters', '--yes', '--connect-limit', '12'];
const SERVICE = 'kubernetes.etcd.configured/service';
const HEALTHY = 'kubernetes.etcd.configured/healthy';
let cluster: Cluster;
let count = 20_000;

beforeAll(async () => {
  cluster = await openCluster('tdown', '10.213.68', 'systemd');
  cluster.pillar();
  expect(await cluster.rig.quorate(...APPLY)).toMatchObject({ status: 0 });
  await cluster.etcdctl('m1', 'put greeting hello');
});
afterAll(() => cluster?.rig.close());

const change = () => cluster.pillar(`etcd_snapshot_count: ${++count}\n`);

/** The etcd process of each host that is up: another one, and the member was interrupted. */
async function processes(hosts: readonly string[]): Promise<string[]> {
  return cluster.onEach('pgrep -x etcd', hosts);
}

function ends(document: RunDocument, resource: string): Record<string, string> {
  const all = document.results.filter((result) => result.resource === resource);
  return Object.fromEntries(all.map(({ host, outcome }) => [host, outcome]));
}

function whyOf(document: RunDocument, host: string, resource: string) {
  return document.results.find((result) => result.host === host && result.resource === resource)?.why;
}

describe('a roll in which the host of the leader crashes', () => {
  it.each([
    { when: 'while the first member is interrupted', text: `${SERVICE} …`, turn: 1, end: [5, 'refused'] },
    { when: 'between two turns', text: 'stage 1 finished', turn: 1, end: [5, 'refused'] },
    { when: 'in the turn of the leader itself', text: `${SERVICE} …`, turn: 3, end: [2, 'failed'] },
  ])('stops safely, and the next run finishes it: $when', async ({ text, turn, end }) => {
    const crashed = await cluster.leader();
    const others = HOSTS.filter((host) => host !== crashed);
    const before = await processes(others);
    change();
    const running = cluster.rig.start(...APPLY, '-v', '--json');
    await saying(running, text, turn);
    await cluster.rig.lab.crash(crashed);
    const { status, stdout } = await running.ended;
    const document: RunDocument = JSON.parse(stdout);
    expect([status, document.outcome]).toEqual(end);
    if (turn === 1) {
      const next = others.find((host) => ends(document, SERVICE)[host] === 'refused')!;
      expect(whyOf(document, next, SERVICE)).toMatchObject({
        message: `interrupting ${next} would break the quorum of cluster main: 3 voters, ${crashed} down: tolerance 0 before, −1 after`,
        next: `bring back or replace ${crashed} first, then run again`,
      });
    } else {
      expect(whyOf(document, crashed, SERVICE)?.message).toContain('the connection ended');
    }

    // Both that are left serve, and only those were interrupted whose turn had come.
    for (const host of others) expect(await cluster.etcdctl(host, 'get greeting --print-value-only')).toBe('hello');
    await cluster.etcdctl(others[0]!, 'put still works');
    const after = await processes(others);
    const interrupted = others.filter((_, at) => before[at] !== after[at]);
    expect(interrupted).toHaveLength(Math.min(turn, 2));

    await cluster.rig.lab.start(crashed);
    await cluster.onEach('until systemctl -q is-active etcd; do sleep 0.1; done', [crashed]);
    const next = await cluster.rig.json(...APPLY);
    expect([next.status, next.document.outcome]).toEqual([0, 'changed']);
    expect(await cluster.runsWith('snapshot-count')).toEqual(Array(3).fill(`${count}`));
    for (const host of interrupted) expect(ends(next.document, SERVICE)[host]).toBe('ok');
    expect(await cluster.etcdctl(crashed, 'get still --print-value-only')).toBe('works');
  });
});

describe('with one master down', () => {
  beforeAll(async () => {
    await cluster.rig.lab.up(3);
    await cluster.rig.lab.crash('m3');
  });
  const LEFT = ['m1', 'm2'];

  it('what needs only a quorum goes on, once for the cluster, and after what it requires on the members that are there', async () => {
    cluster.rig.write({
      'states/quorate.yaml': `
description: What a quorum is enough for.
resources:
  note:
    file.managed: { path: /srv/note, content: "a note\\n" }
  serves:
    etcd.healthy: { members: quorum }
    scope: cluster
    require: [note]
  written:
    command.run:
      command: ${cluster.ctl} put note "$(hostname)"
      unless: ${cluster.ctl} get note | grep -q .
    scope: cluster
    require: [serves]
`,
    });
    for (const command of ['plan', 'apply']) {
      const yes = command === 'apply' ? ['--yes'] : [];
      const run = await cluster.rig.json(command, 'quorate', '-t', 'masters', ...yes, '--connect-limit', '12');
      expect(run.status).toBe(4);
      expect(ends(run.document, 'quorate/note')).toEqual({ m1: 'changed', m2: 'changed', m3: 'unreachable' });
      expect(Object.values(ends(run.document, 'quorate/serves'))).toEqual(['ok']);
      expect(Object.values(ends(run.document, 'quorate/written'))).toEqual(['changed']);
    }
    expect(await cluster.etcdctl('m2', 'get note --print-value-only')).toMatch(/^m[12]$/);
  });

  it('what serves without it is said to do so, and that it is missing; nothing is refused', async () => {
    const { status, document } = await cluster.rig.json(...APPLY);
    expect([status, document.outcome]).toEqual([4, 'unreachable']);
    expect(Object.values(ends(document, HEALTHY))).toEqual(['ok']);
    expect(document.notes).toContain('cluster main: 2 of 3 voters serve, m3 cannot be reached: tolerance 0');
  });

  it('what needs all of them says which is missing, and a roll says what it would leave, with the arithmetic', async () => {
    const before = await Promise.all(LEFT.map((host) => cluster.rig.lab.listing(host)));
    cluster.rig.write({
      'states/whole.yaml': `
description: What needs every member.
resources:
  serves:
    etcd.healthy: { members: all }
    scope: cluster
`,
    });
    const whole = await cluster.rig.json('apply', 'whole', '-t', 'masters', '--yes', '--connect-limit', '12');
    expect(whole.status).toBe(5);
    expect(whyOf(whole.document, 'm1', 'whole/serves')).toMatchObject({
      message: 'cluster main cannot be seen to be whole: m3 cannot be reached',
      next: 'bring m3 within reach, or be content with those that are (members: reachable, or quorum)',
    });
    change();
    const roll = await cluster.rig.json(...APPLY);
    expect(roll.status).toBe(5);
    for (const host of LEFT) {
      expect(whyOf(roll.document, host, SERVICE)).toMatchObject({
        message: `interrupting ${host} would break the quorum of cluster main: 3 voters, m3 down: tolerance 0 before, −1 after`,
        next: 'bring back or replace m3 first, then run again',
      });
    }
    expect(await Promise.all(LEFT.map((host) => cluster.rig.lab.listing(host)))).toEqual(before);
  });
});

describe('with two masters down', () => {
  const LOST = 'cluster main has no quorum: 3 voters, without m2, m3: tolerance −1';

  it('what is left of the cluster is not interrupted, with the arithmetic, and keeps its data and its disk', async () => {
    await cluster.rig.lab.crash('m2');
    const before = await cluster.rig.lab.listing('m1');
    const running = await processes(['m1']);
    for (const command of [
      ['plan', 'running', '-t', 'masters', '--connect-limit', '12'],
      [...APPLY, '--minority-lock'],
    ]) {
      const { status, document } = await cluster.rig.json(...command);
      expect([status, document.outcome]).toEqual([5, 'refused']);
      expect(whyOf(document, 'm1', SERVICE)?.message).toBe(
        `interrupting m1 cannot help: ${LOST}; its data may be the newest that is left`,
      );
      expect(document.notes).toContain(LOST);
    }
    expect(await processes(['m1'])).toEqual(running);
    expect(await cluster.rig.lab.listing('m1')).toEqual(before);
    expect(await cluster.etcdctl('m1', 'get greeting --print-value-only --consistency=s')).toBe('hello');
  });
});
