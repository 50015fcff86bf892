// Pillar values are data: delivered byte for byte or refused, never executed, whatever they contain and wherever they stand.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FILES, PLACE } from './hostile/files.ts';
import { FILE_NAMES, type Field, isRefusedBy, takenBy, VALUES } from './hostile/values.ts';
import { openRig, type Rig } from './rig.ts';

const HOSTS = ['m1', 'm2'];
const CONTROLS = /[^\P{C}\n\u{e000}-\u{f8ff}]|\p{Zl}|\p{Zp}/u;

let rig: Rig;
/** m1 is logged in to as root, m2 through sudo. */
let inventory: string;

beforeAll(async () => {
  rig = await openRig('thostile', '10.213.65', HOSTS.length);
  inventory = `${rig.folder}/inventory.yaml`;
  const text = readFileSync(rig.lab.inventoryPath, 'utf8');
  writeFileSync(inventory, text.replace(/(m2: \{ )/, '$1ansible_user: ops, ansible_become: true, '));
  rig.write(FILES);
});
afterAll(() => rig.close());

const quorate = (...args: string[]) => rig.quorate(...args, '-i', inventory);

/** Files that only an executed value makes, anywhere on the host and where the controller works. */
async function findCanaries(): Promise<string[]> {
  const onHosts = HOSTS.map((host) => rig.lab.run(host, "find / -xdev -name 'canary*' -not -path '/proc/*'"));
  const here = [process.cwd(), rig.folder, homedir(), tmpdir(), '/'].flatMap((folder) =>
    readdirSync(folder).filter((name) => name.startsWith('canary')),
  );
  return [...(await Promise.all(onHosts)).filter(Boolean), ...here];
}

/** The bytes of each file of {@link PLACE}, by name. */
async function readBack(host: string): Promise<Map<string, Buffer>> {
  const script = `cd ${PLACE} && for f in *.*; do printf '%s %s\\n' "$f" "$(base64 -w0 <"$f")"; done`;
  const lines = (await rig.lab.run(host, script)).split('\n');
  return new Map(
    lines.map((line) => line.split(' ')).map(([name, text]) => [name!, Buffer.from(text ?? '', 'base64')]),
  );
}

describe('hostile values', () => {
  it('are applied, and once more there is nothing to do', async () => {
    const first = await rig.json('apply', 'hostile', '-t', 'all', '--yes', '-i', inventory);
    expect(first.document.results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    expect({ status: first.status, outcome: first.document.outcome }).toEqual({ status: 0, outcome: 'changed' });
    const again = await rig.json('apply', 'hostile', '-t', 'all', '--yes', '-i', inventory);
    for (const host of HOSTS) expect(again.document.hosts[host]).toMatchObject({ changed: 0, failed: 0, programs: 1 });
  });

  it.each(HOSTS)('arrive on %s byte for byte in every field that takes them', async (host) => {
    await rig.lab.run(
      host,
      `systemctl daemon-reload; cd ${PLACE}
      for unit in /etc/systemd/system/word-*.service; do systemctl start "\${unit##*/}"; done
      for unit in /etc/systemd/system/unit-*.service; do
        name=\${unit##*/unit-}; systemctl show -p Description --value "\${unit##*/}" >unit.\${name%.service}
      done
      for script in script.*; do sh "$script" >script-ran.\${script#*.}; done
      for file in environment.*; do (. ./$file; printf %s "$VALUE" >environment-sh.\${file#*.}); done
      for file in environment.*; do
        systemd-run --quiet --wait -p EnvironmentFile=$PWD/$file sh -c 'printf %s "$VALUE" >"$0"' "$PWD/environment-unit.\${file#*.}"
      done`,
    );
    const files = await readBack(host);
    const wrong: string[] = [];
    const check = (id: string, field: Field | 'all', expected: (text: string) => string) => {
      for (const { name, text } of field === 'all' ? VALUES : takenBy(field)) {
        const bytes = files.get(`${id}.${name}`);
        if (!bytes?.equals(Buffer.from(expected(text)))) wrong.push(`${id}.${name}: ${bytes?.subarray(0, 200)}`);
      }
    };
    const same = (text: string) => text;
    check('content', 'all', same);
    check('inside', 'all', (text) => `<${text}>`);
    check('stdin', 'all', same);
    check('argument', 'sh', same);
    check('variable', 'variable', same);
    check('script-ran', 'sh', same);
    check('environment-sh', 'env', same);
    check('environment-unit', 'env', same);
    check('word', 'word', same);
    check('word-variable', 'word', same);
    check('unit', 'unit', (text) => `${text}\n`);
    check('plain', 'plain', same);
    for (const { name, text } of VALUES) {
      const expected = JSON.stringify({ text, list: [`${text}!`] });
      const yaml = JSON.stringify(load(String(files.get(`yaml.${name}`))));
      if (yaml !== expected) wrong.push(`yaml.${name}: ${yaml}`);
      const json = JSON.stringify(JSON.parse(String(files.get(`json.${name}`))));
      if (json !== expected) wrong.push(`json.${name}: ${json}`);
    }
    expect(wrong).toEqual([]);
  });

  it.each(HOSTS)('name files and directories of %s as they are', async (host) => {
    const names = FILE_NAMES.map(({ text }) => text);
    for (const [place, suffix] of [
      ['named', ''],
      ['deep', '/x'],
    ] as const) {
      const found = await rig.lab.run(
        host,
        `cd ${PLACE}/${place} && find . -mindepth ${suffix ? 2 : 1} -print0 | base64 -w0`,
      );
      const paths = Buffer.from(found, 'base64').toString().split('\0').filter(Boolean);
      expect(paths.sort()).toEqual(names.map((name) => `./${name}${suffix}`).sort());
    }
  });

  it.each<Field>(['path', 'owner', 'unit', 'word', 'env', 'sh', 'variable', 'plain'])(
    'that %s cannot hold are refused, each with its place, and without being shown raw',
    async (field) => {
      const refused = VALUES.filter((value) => isRefusedBy(field, value));
      const { status, stdout, stderr } = await quorate('validate', `no.${field}`, '-t', 'm1');
      const told = stderr.match(/^states\/\S+:\d+:\d+: \S.*$/gm) ?? [];
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      // A template may use a value more than once.
      expect(told.length % refused.length).toBe(0);
      expect(told.length).toBeGreaterThan(0);
      expect(stderr.match(/^ {2}next: \S/gm)).toHaveLength(told.length);
      expect(stderr).not.toMatch(CONTROLS);
      expect(stderr.split('\n').filter((line) => line.length > 1000)).toEqual([]);
    },
  );

  it('were never executed, here or there', async () => {
    expect(await findCanaries()).toEqual([]);
  });
});

describe('what a host says', () => {
  const EVIL = 'evil\u001b[31m\u001b]0;title\u0007\u0085\u202e\r';
  const ESCAPED = 'evil\\x1b[31m\\x1b]0;title\\x07\\x85\\u{202e}\\r';

  beforeAll(async () => {
    rig.write({
      'states/evil.yaml': `description: A host that answers with escape sequences.
resources:
  file:
    file.managed: { path: /etc/evil, content: "good\\n" }
  link:
    file.managed: { path: /etc/evil-link, content: "" }
  command:
    command.run: { command: "cat /etc/evil-says >&2; exit 1", creates: /never }
  guard:
    command.run: { command: "true", unless: "cat /etc/evil-says; exit 0" }
`,
    });
    await rig.lab.run('m1', 'tee /etc/evil /etc/evil-says >/dev/null', `${EVIL}\n`);
    await rig.lab.run('m1', 'ln -sfn "$(cat)" /etc/evil-link; cp /etc/os-release /etc/os-release.real', EVIL);
    await rig.lab.run(
      'm1',
      'rm /etc/os-release; cat - /etc/os-release.real >/etc/os-release',
      `PRETTY_NAME='${EVIL}'\n`,
    );
    await rig.lab.run('m1', "sed -i '/^PRETTY_NAME=\"/d' /etc/os-release");
    await rig.lab.run('m1', 'mkdir -p /var/lib/quorate/pending; touch /var/lib/quorate/pending/"$(cat)"', `%zz${EVIL}`);
  });

  it.each([
    ['facts', 0],
    ['plan evil', 5],
    ['plan evil -v', 5],
    ['plan evil --json', 5],
    ['apply evil --yes -v', 5],
    ['apply evil --yes --json', 5],
  ])('is shown escaped by %s', async (command, status) => {
    const ended = await quorate(...command.split(' '), '-t', 'm1');
    const said = ended.stdout + ended.stderr;
    expect({ status: ended.status, said }).toEqual({ status, said: expect.not.stringMatching(CONTROLS) });
    expect(said).toContain(command.endsWith('--json') ? 'evil\\u001b[31m' : ESCAPED.slice(0, 20));
  });

  it('is shown escaped by the journal', async () => {
    const { stdout } = await rig.quorate('runs', 'list');
    for (const run of stdout.match(/^\S+/gm)!) {
      for (const more of [[], ['--json']])
        expect((await rig.quorate('runs', 'show', run, ...more)).stdout).not.toMatch(CONTROLS);
    }
    expect(existsSync('/canary-command')).toBe(false);
  });
});
