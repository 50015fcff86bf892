// What you read is what will happen: a plan changes nothing, an apply does the plan, and nothing else is touched.
import { createHash } from 'node:crypto';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHANGING, DONE, EVERYTHING, PASSWORD, PREPARE, SKIPPED } from './everything.ts';
import { openRig, type Rig, type RunDocument } from './rig.ts';

const HOSTS = ['m1', 'm2', 'm3'];
let rig: Rig;

beforeAll(async () => {
  rig = await openRig('tplan', '10.213.61', 3);
  rig.write(EVERYTHING);
  await onEach(PREPARE);
});
afterAll(() => rig?.close());

function onEach(command: string): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.run(host, command)));
}

function fingerprints(): Promise<string[]> {
  return Promise.all(HOSTS.map((host) => rig.lab.fingerprint(host)));
}

/** `host resource` of every result with this outcome. */
function having(document: RunDocument, outcome: string): string[] {
  return document.results
    .filter((result) => result.outcome === outcome)
    .map(({ host, resource }) => `${host} ${resource.replace('everything/', '')}`);
}

const counts = (document: RunDocument) =>
  Object.fromEntries(
    Object.entries(document.hosts).map(([host, { changed, programs }]) => [host, { changed, programs }]),
  );

describe('a plan', () => {
  it('changes nothing: no file, no unit, no trace on the hosts or here', async () => {
    const before = await fingerprints();
    const here = readdirSync(rig.folder, { recursive: true }).sort();

    const planned = await rig.json('plan', 'everything', '-t', 'masters');
    expect(planned.status).toBe(0);
    expect(counts(planned.document)).toEqual(
      Object.fromEntries(HOSTS.map((h) => [h, { changed: CHANGING, programs: 1 }])),
    );
    expect(having(planned.document, 'skipped')).toEqual(HOSTS.flatMap((h) => SKIPPED.map((id) => `${h} ${id}`)));
    expect((await rig.quorate('plan', 'everything', '-t', 'masters')).stdout).not.toContain(PASSWORD);
    expect((await rig.quorate('apply', '--dry-run', 'everything', '-t', 'masters', '--detailed-exitcode')).status).toBe(
      3,
    );
    expect((await rig.quorate('facts', '-t', 'masters')).status).toBe(0);
    expect((await rig.quorate('lock', 'show', '-t', 'masters')).stdout).toBe('m1: free\nm2: free\nm3: free\n');

    expect(await fingerprints()).toEqual(before);
    expect(await onEach('ls -d /run/quorate /var/lib/quorate 2>/dev/null || :')).toEqual(['', '', '']);
    expect(readdirSync(rig.folder, { recursive: true }).sort()).toEqual(here);
  });

  it('is not carried out without a terminal and without --yes', async () => {
    const before = await fingerprints();
    const ended = await rig.json('apply', 'everything', '-t', 'masters');
    expect(ended.status).toBe(5);
    expect(ended.document.failures).toMatchObject([
      { reason: 'not-confirmed', next: expect.stringContaining('--yes') },
    ]);
    expect(await fingerprints()).toEqual(before);
    expect(await onEach('ls -A /run/quorate')).toEqual(['', '', '']);
  });
});

describe('an apply', () => {
  it('brings forty resources of all kinds about in one stage, and proves it', async () => {
    const { status, document, stderr } = await rig.json('apply', 'everything', '-t', 'masters', '--yes');
    expect(having(document, 'failed')).toEqual([]);
    expect(status).toBe(0);
    expect(document.outcome).toBe('changed');
    // Nobody was asked, so the log has what was going to be done, before what was.
    expect(stderr).toMatch(/^Plan \S+: everything on m1 m2 m3\n[\s\S]*^ {4}~ everything\/[\s\S]* stage 1 of 1: /m);
    expect(counts(document)).toEqual(Object.fromEntries(HOSTS.map((h) => [h, { changed: CHANGING, programs: 3 }])));
    expect(having(document, 'ok')).toEqual(HOSTS.flatMap((h) => DONE.map((id) => `${h} ${id}`)));
    expect(new Set(document.results.map(({ stage }) => stage))).toEqual(new Set([1, undefined]));
    for (const { outcome, predicted, actual } of document.results) {
      expect(actual).toEqual(outcome === 'changed' ? predicted : []);
    }
    expect(
      await rig.lab.run('m2', 'cat /srv/app/content /srv/app/notes.txt /srv/app/watched /srv/app/beta/label'),
    ).toBe(
      "good day\n'the first' is on 'alpha'\n'the \"second\"' is on 'beta'\n'the $(third)' is on 'gamma'\nm2\nthe \"second\" on m2",
    );
    expect(await rig.lab.run('m2', 'stat -c "%a %U" /srv/app/content /srv/app/secret /srv/app/owned /srv/loose')).toBe(
      '640 ops\n600 root\n700 ops\n755 root',
    );
    expect(
      await rig.lab.run('m3', 'systemctl is-active app legacy; systemctl is-enabled app ticker.timer other; :'),
    ).toBe('active\ninactive\nenabled\nenabled\ndisabled');
    expect(await rig.lab.run('m1', 'cd /srv/app && ls -d elsewhere guarded-out never rescued 2>/dev/null || :')).toBe(
      '',
    );
  });

  it('keeps what it takes away and what it overwrites in the trash, with an index', async () => {
    const run = await rig.lab.run('m1', 'ls /var/lib/quorate/trash');
    const index = await rig.lab.run('m1', `cat /var/lib/quorate/trash/${run}/INDEX`);
    const kept = new Map(index.split('\n').map((line) => line.split('\t').slice(0, 2) as [string, string]));
    expect([...kept.keys()].sort()).toEqual(
      ['app.conf', 'gone', 'link', 'odd name ü', 'tree'].map((n) => `/srv/old/${n}`),
    );
    expect(await rig.lab.run('m1', ['cat', kept.get('/srv/old/app.conf')!])).toBe('kept = yes');
    expect(await rig.lab.run('m1', ['cat', `${kept.get('/srv/old/tree')}/below/leaf`])).toBe('leaf');
    expect(await rig.lab.run('m1', ['readlink', kept.get('/srv/old/link')!])).toBe('/etc/hostname');
  });

  it('has nothing to do the second time, and asks each host once to know it', async () => {
    const before = await fingerprints();
    const { status, document } = await rig.json('apply', 'everything', '-t', 'masters', '--yes');
    expect(status).toBe(0);
    expect(document.outcome).toBe('ok');
    expect(counts(document)).toEqual(Object.fromEntries(HOSTS.map((h) => [h, { changed: 0, programs: 1 }])));
    expect(await fingerprints()).toEqual(before);
  });

  it('finds drift and mends exactly that', async () => {
    const converged = await rig.lab.listing('m2');
    await rig.lab.run(
      'm2',
      'chmod 644 /srv/app/secret; echo mine >>/srv/app/notes.txt; systemctl stop app; rmdir /srv/app/a/b/c; systemctl enable -q other',
    );
    const drifted = ['app', 'deep', 'other', 'secret', 'text'].map((id) => `m2 ${id}`);
    const planned = await rig.json('plan', 'everything', '-t', 'masters');
    expect(having(planned.document, 'changed').sort()).toEqual(drifted);

    const { status, document } = await rig.json('apply', 'everything', '-t', 'masters', '--yes');
    expect(status).toBe(0);
    expect(having(document, 'changed').sort()).toEqual(drifted);
    expect(counts(document)).toMatchObject({ m1: { programs: 1 }, m2: { programs: 3 }, m3: { programs: 1 } });
    const own = (line: string) => !line.startsWith('/var/lib/quorate');
    expect((await rig.lab.listing('m2')).filter(own)).toEqual(converged.filter(own));
    expect(await rig.lab.run('m2', `cat /var/lib/quorate/trash/${document.run}/*/notes.txt | tail -n 1`)).toBe('mine');
  });
});

describe('a saved plan', () => {
  const APPLY = ['apply', '--plan', 'p.json', '--yes'];
  const STATE = `
description: A little, to be saved.
resources:
  directory:
    file.directory: { path: /srv/saved }
  config:
    file.managed: { path: /srv/saved/config, template: templates/saved.hbs }
  password:
    file.managed: { path: /srv/saved/password, content: "{{ pillar.app_token }}", mode: "0600" }
  legacy:
    file.absent: { path: /srv/legacy }
  steady:
    file.managed: { path: /srv/steady, content: steady }
`;
  const FILES = {
    'states/saved.yaml': STATE,
    'states/templates/saved.hbs': 'port = {{plain pillar.app_port}}\n',
    'pillar/schema.yaml': `${EVERYTHING['pillar/schema.yaml']}  app_token: { type: string, default: none, x-sensitive: true }\n`,
    'pillar/defaults.yaml': 'app_port: 1001\napp_token: !sensitive-file token\n',
  };
  let planned: string[];
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  const token = (text: string) => writeFileSync(join(rig.folder, 'pillar/token'), text, { mode: 0o600 });

  beforeAll(async () => {
    rig.write(FILES);
    token('s3cret-token\n');
    await onEach('mkdir -p /srv/legacy; printf steady >/srv/steady');
    expect((await rig.quorate('plan', 'saved', '-t', 'masters:!m3', '-o', 'p.json')).status).toBe(0);
    planned = await rig.lab.listing('m2');
  });

  it('holds no secret and no program', () => {
    const text = rig.read('p.json');
    for (const secret of ['s3cret-token', digest('s3cret-token'), digest('s3cret-token\n'), 'app_token']) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toMatch(/q_trash|mkdir|chmod|#!/);
    expect(JSON.parse(text).steps).toHaveLength(8);
  });

  // Each change is taken back afterwards, so the plan fits again but for the next one.
  const edited = (path: keyof typeof FILES, from: string, to: string) => ({
    change: async () => rig.write({ [path]: FILES[path].replace(from, to) }),
    restore: async () => rig.write({ [path]: FILES[path] }),
  });
  const onHost = (change: string, restore: string) => ({
    change: () => rig.lab.run('m2', change),
    restore: () => rig.lab.run('m2', restore),
  });
  const MISFITS = [
    {
      what: 'a host has moved where the plan changes it',
      ...onHost('rmdir /srv/legacy && echo x >/srv/legacy', 'rm /srv/legacy && mkdir /srv/legacy'),
      names: ['saved/legacy on m2 would change otherwise, or the host has moved'],
    },
    {
      what: 'a host has moved where the plan changes nothing',
      ...onHost('printf moved >/srv/steady', 'printf steady >/srv/steady'),
      names: ['saved/steady on m2 was not to be changed'],
    },
    {
      what: 'a step is done already',
      ...onHost('rmdir /srv/legacy', 'mkdir /srv/legacy'),
      names: ['saved/legacy on m2 has nothing to change any more'],
    },
    {
      what: 'the pillar has changed',
      ...edited('pillar/defaults.yaml', '1001', '1002'),
      names: ['pillar/defaults.yaml has changed', 'saved/config on m1', 'saved/config on m2'],
    },
    {
      what: 'a state file has changed',
      ...edited('states/saved.yaml', '/srv/saved/config', '/srv/saved/other'),
      names: ['states/saved.yaml has changed', 'saved/config on m1'],
    },
    {
      what: 'a template has changed',
      ...edited('states/templates/saved.hbs', 'port', 'Port'),
      names: ['states/templates/saved.hbs has changed', 'saved/config on m1'],
    },
    {
      what: 'a secret has changed',
      change: async () => token('another-token\n'),
      restore: async () => token('s3cret-token\n'),
      names: ['saved/password on m1', 'saved/password on m2'],
    },
    {
      what: 'a layer of the pillar has come',
      change: async () => rig.write({ 'pillar/hosts/m2.yaml': 'app_port: 1001\n' }),
      restore: async () => rmSync(join(rig.folder, 'pillar/hosts/m2.yaml')),
      names: ['pillar/hosts/m2.yaml has come'],
    },
  ];
  for (const { what, change, restore, names } of MISFITS) {
    it(`is refused, and nothing touched, when ${what}`, async () => {
      await change();
      const { status, document, stderr } = await rig.json(...APPLY);
      await restore();
      expect(status).toBe(5);
      expect(document.failures).toMatchObject([{ reason: 'plan-differs' }]);
      for (const name of names) expect(document.failures[0]!.message).toContain(name);
      expect(having(document, 'changed')).toEqual([]);
      expect(stderr + JSON.stringify(document)).not.toMatch(/s3cret-token|another-token/);
      expect(await rig.lab.listing('m2')).toEqual(planned);
    });
  }

  it('is refused for other hosts and with another key', async () => {
    const wider = await rig.json(...APPLY, '-t', 'masters');
    expect(wider.status).toBe(5);
    expect(wider.document.failures[0]!.message).toContain('target m3 was not in it');
    renameSync(join(rig.folder, 'state/quorate/key'), join(rig.folder, 'key'));
    const other = await rig.json(...APPLY);
    renameSync(join(rig.folder, 'key'), join(rig.folder, 'state/quorate/key'));
    expect(other.status).toBe(5);
    expect(other.document.failures[0]!.message).toContain("another controller's key");
  });

  it('is carried out exactly when all is as it was', async () => {
    const before = await rig.lab.fingerprint('m3');
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(0);
    expect(having(document, 'changed').sort()).toEqual(
      ['m1', 'm2'].flatMap((h) => ['config', 'directory', 'legacy', 'password'].map((id) => `${h} saved/${id}`)),
    );
    expect(await rig.lab.run('m2', 'cat /srv/saved/password; ls /srv')).toMatch(/^s3cret-token.*saved\nsteady$/s);
    expect(await rig.lab.fingerprint('m3')).toBe(before);
    // What it was made for is done: a second time it is no longer that plan.
    expect((await rig.json(...APPLY)).status).toBe(5);
  });
});
