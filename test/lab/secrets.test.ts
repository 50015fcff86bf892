// Secrets go to their file and nowhere else: no process list, no output, no journal, no saved plan, no log.
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { spy } from './hostile/spy.ts';
import { type Ended, openRig, type Rig } from './rig.ts';

const HOSTS = ['m1', 'm2'];
const token = () => randomBytes(15).toString('hex');

/** What no eye may see: each is unlike anything else on this machine. */
const TOKENS = { inline: token(), first: token(), last: token(), large: token() };
const INLINE = `in'li"ne-${TOKENS.inline}`;
const LINES = `${TOKENS.first}\n$(touch /canary-secret) \\ ${TOKENS.last}`;
/** So long that its way to the host can be watched. */
const LARGE = `${TOKENS.large}${'x'.repeat(900_000)}${TOKENS.large}`;

/** Every form in which a secret could get out, with a name for it. */
const FORMS = new Map<string, string>(Object.entries(TOKENS));
for (const [name, secret] of Object.entries({ inline: INLINE, lines: LINES, large: LARGE })) {
  for (const [form, text] of [
    ['', secret],
    [' with its line end', `${secret}\n`],
    [' in its file', `password=${secret}\n`],
  ] as const) {
    FORMS.set(`sha256 of ${name}${form}`, createHash('sha256').update(text).digest('hex'));
    FORMS.set(`base64 of ${name}${form}`, Buffer.from(text).toString('base64').slice(0, 60).replace(/=+$/, ''));
    FORMS.set(`hex of ${name}${form}`, Buffer.from(text).toString('hex').slice(0, 60));
  }
}

function findSecrets(text: string): string[] {
  return [...FORMS].filter(([, form]) => text.includes(form)).map(([name]) => name);
}

let rig: Rig;
const ended: Ended[] = [];
async function quorate(...args: string[]): Promise<Ended> {
  const end = await rig.quorate(...args);
  ended.push(end);
  return end;
}

beforeAll(async () => {
  rig = await openRig('tsecrets', '10.213.66', HOSTS.length);
  rig.write({
    'secrets/lines': `${LINES}\n`,
    'secrets/large': `${LARGE}\n`,
    'pillar/schema.yaml': `type: object
properties:
  inline: { type: string, description: A secret, x-sensitive: true }
  lines: { type: string, description: A secret }
  large: { type: string, description: A secret }
  users: { type: array, items: { type: object }, description: Secrets in a list }
`,
    'pillar/defaults.yaml': `inline: !sensitive ${JSON.stringify(INLINE)}
lines: !sensitive-file ../secrets/lines
large: !sensitive-file ../secrets/large
users: [{ name: a, password: !sensitive ${JSON.stringify(INLINE)} }]
`,
    'states/secret.yaml': `description: Secrets in every field that takes them.
resources:
  content:
    file.managed: { path: /etc/secret-content, content: "{{ pillar.inline }}", mode: "0600" }
  lines:
    file.managed: { path: /etc/secret-lines, content: "{{ pillar.lines }}", mode: "0600", sensitive: true }
  large:
    file.managed: { path: /etc/secret-large, content: "{{ pillar.large }}", mode: "0600" }
  document:
    file.managed: { path: /etc/secret.yaml, document: { users: "{{ pillar.users }}" }, mode: "0600" }
  template:
    file.managed: { path: /etc/secret.conf, template: secret.conf.hbs, mode: "0600" }
  stdin:
    command.run:
      command: sleep 1.1357; umask 077; cat >/etc/secret-stdin
      stdin: "{{ pillar.lines }}"
      creates: /etc/secret-stdin
      env: { SEEN: spied-upon }
    watch: [content]
`,
    'states/secret.conf.hbs': 'PASSWORD={{env pillar.lines}}\n',
  });
  for (const name of ['lines', 'large']) chmodSync(join(rig.folder, 'secrets', name), 0o600);
});
afterAll(() => rig.close());

it("nothing that can be read while an apply runs has a secret in it, and what carries one is its owner's alone", async () => {
  const watch =
    'until [ -e /run/enough ]; do for f in /etc/.quorate-* /run/.quorate-*; do [ ! -e "$f" ] || stat -c "%a %U $(dirname "$f") %s" "$f"; done; done 2>/dev/null | sort -u; rm /run/enough';
  const watched = HOSTS.map((host) => rig.lab.run(host, watch));
  expect((await quorate('plan', 'secret', '-t', 'all', '-o', 'plan.json', '-v')).status).toBe(0);
  const eye = spy();
  const { status, stderr } = await quorate('apply', '--plan', 'plan.json', '--yes', '-v');
  const seen = [...(await eye.stop())];
  await Promise.all(HOSTS.map((host) => rig.lab.run(host, 'touch /run/enough')));

  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(seen.filter((text) => text.includes('sleep\x001.1357')).length).toBeGreaterThan(0);
  expect(seen.filter((text) => text.includes('SEEN=spied-upon')).length).toBeGreaterThan(0);
  expect(seen.flatMap(findSecrets)).toEqual([]);
  for (const temporaries of await Promise.all(watched)) {
    const lines = temporaries.split('\n');
    expect(lines.filter((line) => line.includes('/etc')).length).toBeGreaterThan(0);
    expect(lines.filter((line) => line.includes('/run')).length).toBeGreaterThan(0);
    expect(lines.filter((line) => !line.startsWith('600 root '))).toEqual([]);
  }
});

it.each(HOSTS)('on %s they stand in their files, and nowhere else', async (host) => {
  const files = 'secret-content secret-lines secret-large secret.yaml secret.conf secret-stdin';
  const modes = await rig.lab.run(host, `cd /etc && stat -c '%a %U %n' ${files}`);
  expect(modes.split('\n')).toEqual(files.split(' ').map((name) => `600 root ${name}`));
  expect((await rig.lab.exec(host, 'cat /etc/secret-content')).stdout).toBe(INLINE);
  expect((await rig.lab.exec(host, 'cat /etc/secret-lines')).stdout).toBe(LINES);
  expect((await rig.lab.exec(host, 'cat /etc/secret-stdin')).stdout).toBe(LINES);
  const search = `cat >/run/forms; grep -rlFf /run/forms --devices=skip --exclude=forms /etc /var /run /root /home /tmp /srv /opt/etcd 2>/dev/null; journalctl -q -o cat | grep -cFf /run/forms; rm /run/forms`;
  const found = await rig.lab.exec(host, search, [...FORMS.values()].join('\n'));
  const expected = files.split(' ').map((name) => `/etc/${name}`);
  expect(found.stdout.trim().split('\n').sort()).toEqual([...expected, '0'].sort());
});

it('a change of a secret is seen, and shown as that alone', async () => {
  await rig.lab.run('m1', 'echo else >/etc/secret-content; echo else >/etc/secret.conf; echo else >/etc/secret-lines');
  const { status, stdout } = await quorate('plan', 'secret', '-t', 'm1', '-v', '--detailed-exitcode');
  expect(status).toBe(3);
  expect(stdout.match(/content: a secret changes \(not shown\)/g)).toHaveLength(3);
  expect((await quorate('apply', 'secret', '-t', 'm1', '--yes', '--json')).status).toBe(0);
  rig.write({ 'pillar/hosts/m1.yaml': 'inline: !sensitive other\n' });
  expect((await quorate('apply', 'secret', '-t', 'm1', '--yes', '-v')).status).toBe(0);
});

it('a saved plan notices a secret that has changed since, though it holds none', async () => {
  rig.write({ 'pillar/hosts/m1.yaml': 'inline: x\n', 'secrets/lines': `${LINES}\n` });
  await rig.lab.run('m1', 'rm /etc/secret-lines');
  expect((await quorate('plan', 'secret', '-t', 'm1', '-o', 'saved.json')).status).toBe(0);
  rig.write({ 'secrets/lines': `${LINES}!\n` });
  const { status, stdout } = await quorate('apply', '--plan', 'saved.json', '--yes');
  rig.write({ 'secrets/lines': `${LINES}\n` });
  expect(status).toBe(5);
  expect(stdout).toContain('secret/lines on m1 would change otherwise');
  expect(stdout).not.toContain('pillar');
});

it('a command that repeats its secret input when it fails is quoted without it', async () => {
  rig.write({
    'states/blab.yaml': `description: Commands that say too much.
resources:
  stderr:
    command.run: { command: "echo before; cat >&2; echo; echo after >&2; exit 3", stdin: "{{ pillar.lines }}", creates: /never }
  encoded:
    command.run: { command: "base64 -w0 >&2; exit 3", stdin: "{{ pillar.inline }}", creates: /never }
  missing:
    file.managed: { path: /nowhere/at/all, content: "{{ pillar.inline }}" }
`,
  });
  const text = await quorate('apply', 'blab', '-t', 'm2', '--yes', '-v');
  const json = await quorate('apply', 'blab', '-t', 'm2', '--yes', '--json');
  expect([text.status, json.status]).toEqual([2, 2]);
  expect(text.stdout).toMatch(/••••••[\s\S]*after/);
});

const WRONG_PLACES: [where: string, resource: string][] = [
  ['a path', 'file.managed: { path: "/etc/{{ pillar.inline }}", content: "" }'],
  ['a mode', 'file.managed: { path: /etc/x, content: "", mode: "{{ pillar.inline }}" }'],
  ['an owner', 'file.managed: { path: /etc/x, content: "", owner: "{{ pillar.inline }}" }'],
  ['a command', 'command.run: { command: "echo {{sh pillar.inline}}", creates: /x }'],
  ['an environment', 'command.run: { command: env, env: { X: "{{ pillar.lines }}" }, creates: /x }'],
  ['a guard', 'command.run: { command: env, unless: "echo {{sh pillar.lines}}" }'],
  ['a condition of a resource', 'unless: "echo {{sh pillar.lines}}"\n    command.run: { command: env }'],
  ['a unit', 'service.running: { name: "{{ pillar.inline }}" }'],
  ['a requisite', 'file.managed: { path: /etc/x, content: "" }\n    require: ["{{ pillar.inline }}"]'],
  ['a list', 'each: pillar.inline as x\n    file.managed: { path: "/etc/{{ x }}", content: "" }'],
  ['a helper', 'file.managed: { path: /etc/x, content: "{{ join pillar.inline pillar.lines }}" }'],
  ['a format', 'command.run: { command: "echo {{plain pillar.inline}}", creates: /x }'],
  ['a path below', 'file.managed: { path: /etc/x, content: "{{ pillar.inline.below }}" }'],
  ['a template', 'file.managed: { path: /etc/x, template: wrong.service.hbs }'],
];

it.each(WRONG_PLACES)('in %s one is refused, and the message does not have it', async (_where, resource) => {
  rig.write({
    'states/wrong.yaml': `description: Wrong.\nresources:\n  x:\n    ${resource}\n`,
    'states/wrong.service.hbs': '[Unit]\nDescription={{unit pillar.lines}}\n',
  });
  const { status, stderr } = await quorate('validate', 'wrong', '-t', 'm2');
  expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/^states\/wrong\.\S+:\d+:\d+: /) });
});

it.each([
  ['a wrong type', `etcd_client_port: !sensitive ${JSON.stringify(INLINE)}\n`],
  ['a wrong form', `etcd_bin_dir: !sensitive ${JSON.stringify(INLINE)}\n`],
  ['no quotes where they are needed', `etcd_image: "${TOKENS.first}" ${TOKENS.last}\n`],
  ['an unknown key', `etcd_imge: !sensitive ${TOKENS.first}\n`],
  ['an unknown tag', `etcd_image: !sensitiv ${TOKENS.first}\n`],
])('of %s in the pillar one is refused, and the message does not have it', async (_what, text) => {
  rig.write({ 'pillar/hosts/m2.yaml': text });
  const { status, stderr } = await quorate('pillar', 'show', 'm2');
  rig.write({ 'pillar/hosts/m2.yaml': '{}\n' });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^pillar\/hosts\/m2\.yaml:\d+:\d+: /),
  });
});

it('nothing that was printed or kept here has a secret in it', async () => {
  for (const args of [['--explain'], ['--json'], ['--explain', '--json'], []])
    await quorate('pillar', 'show', 'm2', ...args);
  await quorate('states', 'show', 'secret');
  await quorate('states', 'show', 'secret', '--json');
  const runs = (await quorate('runs', 'list')).stdout.match(/^\S+/gm)!;
  for (const run of runs) await quorate('runs', 'show', run, '--json');
  expect(runs.length).toBeGreaterThan(4);
  expect(ended.flatMap(({ stdout, stderr }) => findSecrets(stdout + stderr))).toEqual([]);

  const kept = readdirSync(rig.folder, { recursive: true, encoding: 'utf8' }).filter(
    (path) => !/^(pillar|secrets)\//.test(path),
  );
  const files = kept.map((path) => join(rig.folder, path)).filter((path) => statSync(path).isFile());
  expect(files.filter((file) => /journal\.jsonl$|result\.json$|plan\.json$|key$/.test(file)).length).toBeGreaterThan(6);
  expect(files.filter((file) => findSecrets(readFileSync(file, 'utf8')).length > 0)).toEqual([]);
});
