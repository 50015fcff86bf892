// What goes wrong on one host stays there: it is told, it blocks what needs it, and everything else is done.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRig, type Rig, type RunDocument } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
let rig: Rig;

beforeAll(async () => {
  rig = await openRig('tfailure', '10.213.60', 3);
});
afterAll(() => rig?.close());

/** By resource, without its state: how it ended on each host that has it, as `changed failed ok`. */
function ends(document: RunDocument): Record<string, string> {
  const by: Record<string, string> = {};
  for (const { resource, outcome } of document.results) {
    const name = resource.slice(resource.indexOf('/') + 1);
    by[name] = name in by ? `${by[name]} ${outcome}` : outcome;
  }
  return by;
}

function resultOf(document: RunDocument, host: string, resource: string) {
  return document.results.find((result) => result.host === host && result.resource === resource);
}

async function until(host: string, condition: string): Promise<void> {
  while ((await rig.lab.exec(host, condition)).status !== 0) await sleep(50);
}

describe('a host that moves between probe and write', () => {
  it('is reported, and what moved is not overwritten', async () => {
    rig.write({
      'states/race.yaml': `
description: Somebody is faster.
resources:
  slow:
    command.run:
      command: ': >/run/waiting; until test -e /run/go; do sleep 0.1; done; : >/run/slow'
      creates: /run/slow
  config:
    file.managed: { path: /srv/config, content: ours }
  new:
    file.managed: { path: /srv/new, content: ours }
  going:
    file.absent: { path: /srv/going }
  same:
    file.managed: { path: /srv/same, content: ours }
  behind:
    file.managed: { path: /srv/behind, content: ours }
    require: [config]
  free:
    file.managed: { path: /srv/free, content: ours }
`,
    });
    await Promise.all(HOSTS.map((host) => rig.lab.run(host, 'cd /srv; printf old | tee config going same')));
    await Promise.all(['m1', 'm3'].map((host) => rig.lab.run(host, ': >/run/go')));
    const running = rig.start('apply', 'race', '-t', 'masters', '--yes', '--json');
    await until('m2', 'test -e /run/waiting');
    const theirs = 'cd /srv; printf theirs | tee config new going; printf ours >same; : >/run/go';
    await rig.lab.run('m2', theirs);
    const { status, stdout } = await running.ended;
    const document: RunDocument = JSON.parse(stdout);

    expect(status).toBe(2);
    expect(ends(document)).toEqual({
      slow: 'changed changed changed',
      config: 'changed failed changed',
      new: 'changed failed changed',
      going: 'changed failed changed',
      same: 'changed ok changed',
      behind: 'changed blocked changed',
      free: 'changed changed changed',
    });
    for (const id of ['config', 'new', 'going']) {
      expect(resultOf(document, 'm2', `race/${id}`)?.why).toMatchObject({ reason: 'moved' });
    }
    expect(await rig.lab.run('m2', 'cd /srv; cat config new going; ls')).toBe(
      'theirstheirstheirsconfig\nfree\ngoing\nnew\nsame',
    );
    // The next plan shows what they did, and the next apply does what it shows.
    expect((await rig.json('apply', 'race', '-t', 'masters', '--yes')).status).toBe(0);
    expect(await rig.lab.run('m2', 'cd /srv; cat config; cat /var/lib/quorate/trash/*/*/config')).toBe('ourstheirs');
  });
});

describe('a failed resource', () => {
  const CHAIN = `
description: One thing needs another.
resources:
  place:
    file.directory: { path: /srv/chain }
  works:
    command.run:
      command: test ! -e /srv/broken || { echo out of order >&2; exit 3; }; sleep {{plain pillar.app_pause}}; date +%s%N >/srv/chain/works
      creates: /srv/chain/works
    require: [place]
  needs:
    file.managed: { path: /srv/chain/needs, content: x }
    require: [works]
  needs-too:
    file.managed: { path: /srv/chain/needs-too, content: x }
    require: [needs]
  rescue:
    command.run: { command: ': >/srv/chain/rescue', creates: /srv/chain/rescue }
    onfail: [works]
  once:
    scope: cluster
    command.run: { command: date +%s%N >/srv/chain/once, creates: /srv/chain/once }
    require: [works]
  after-once:
    file.managed: { path: /srv/chain/after-once, content: x }
    require: [once]
  free:
    file.managed: { path: /srv/chain/free, content: x }
`;
  const APPLY = ['apply', 'chain', '-t', 'masters', '--yes'];

  beforeAll(async () => {
    rig.write({
      'states/chain.yaml': CHAIN,
      'pillar/schema.yaml': 'properties:\n  app_pause: { type: integer, default: 0 }\n',
      'pillar/hosts/m3.yaml': 'app_pause: 1\n',
    });
    await rig.lab.run('m2', ': >/srv/broken');
  });

  it('blocks what requires it there and the cluster behind it, and nothing else; onfail comes to the rescue', async () => {
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(2);
    expect(ends(document)).toEqual({
      place: 'changed changed changed',
      works: 'changed failed changed',
      needs: 'changed blocked changed',
      'needs-too': 'changed blocked changed',
      rescue: 'skipped changed skipped',
      once: 'blocked',
      'after-once': 'blocked blocked blocked',
      free: 'changed changed changed',
    });
    expect(resultOf(document, 'm2', 'chain/works')?.why?.message).toBe(
      'it failed: out of order\nthe command ended with status 3, expected 0',
    );
    expect(resultOf(document, 'm1', 'chain/once')?.why?.message).toContain('chain/works on m2');
    expect(await rig.lab.run('m2', 'ls /srv/chain')).toBe('free\nrescue');
  });

  it('leaves the rest for the run after it is mended, where the resource of the cluster runs once, behind all members', async () => {
    await rig.lab.run('m3', 'rm /srv/chain/works');
    await rig.lab.run('m2', 'rm /srv/broken');
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(0);
    expect(ends(document)).toMatchObject({
      works: 'ok changed changed',
      needs: 'ok changed ok',
      rescue: 'skipped ok skipped',
      once: 'changed',
      'after-once': 'changed changed changed',
    });
    const times = await Promise.all(HOSTS.map((host) => rig.lab.run(host, 'cat /srv/chain/works')));
    const once = await rig.lab.run('m1', 'cat /srv/chain/once');
    for (const time of times) expect(BigInt(once)).toBeGreaterThan(BigInt(time));
    expect(await rig.lab.run('m2', 'ls -d /srv/chain/once 2>/dev/null || :')).toBe('');
    const again = await rig.json(...APPLY);
    expect(again.document.outcome).toBe('ok');
    expect(Object.values(again.document.hosts).map(({ programs }) => programs)).toEqual([1, 1, 1]);
  });

  it('outside the target blocks too: nobody is going to do it', async () => {
    await rig.lab.run('m1', 'rm /srv/chain/once');
    await rig.lab.run('m3', 'rm /srv/chain/works');
    const { status, document } = await rig.json('apply', 'chain', '-t', 'm1', '--yes');
    expect(status).toBe(2);
    expect(resultOf(document, 'm1', 'chain/once')).toMatchObject({
      outcome: 'blocked',
      why: { message: expect.stringContaining('outside the target'), next: 'widen the target to include m3' },
    });
    expect(await rig.lab.run('m3', 'ls /srv/chain')).not.toContain('works');
    expect((await rig.json(...APPLY)).status).toBe(0);
  });
});

describe('an exit code says', () => {
  const SMALL = `
description: One file.
resources:
  file:
    file.managed: { path: /srv/small, content: x }
`;
  beforeAll(() => rig.write({ 'states/small.yaml': SMALL }));

  it('0 that a plan has changes, 3 if asked for in detail, 0 when there are none', async () => {
    expect((await rig.quorate('plan', 'small', '-t', 'm1')).status).toBe(0);
    expect((await rig.quorate('plan', 'small', '-t', 'm1', '--detailed-exitcode')).status).toBe(3);
    expect((await rig.quorate('apply', 'small', '-t', 'm1', '--yes')).status).toBe(0);
    expect((await rig.quorate('plan', 'small', '-t', 'm1', '--detailed-exitcode')).status).toBe(0);
  });

  it('1 that the input is wrong, and nothing was connected to', async () => {
    rig.write({ 'states/wrong.yaml': SMALL.replace('content', 'contents') });
    const ended = await rig.quorate('apply', 'wrong', '-t', 'masters', '--yes');
    expect(ended.status).toBe(1);
    expect(ended.stderr).toMatch(/^states\/wrong.yaml:5:39: .*contents/);
    expect((await rig.quorate('apply', 'small', '-t', 'm9', '--yes')).status).toBe(1);
  });

  it('4 that a host could not be reached, while the others were done', async () => {
    await rig.lab.cut('m3');
    const { status, document } = await rig.json('apply', 'small', '-t', 'masters', '--yes', '--connect-limit', '12');
    await rig.lab.heal('m3');
    expect(status).toBe(4);
    expect(ends(document)).toEqual({ file: 'ok changed unreachable' });
    expect(document.failures).toMatchObject([{ reason: 'unreachable', host: 'm3' }]);
  });

  it('2 rather than 4 where a resource failed as well', async () => {
    rig.write({ 'states/fails.yaml': SMALL.replace('/srv/small', '/srv/nowhere/small') });
    await rig.lab.cut('m3');
    const { status, document } = await rig.json('apply', 'fails', '-t', 'masters', '--yes', '--connect-limit', '12');
    await rig.lab.heal('m3');
    expect(status).toBe(2);
    expect(ends(document)).toEqual({ file: 'failed failed unreachable' });
  });
});
