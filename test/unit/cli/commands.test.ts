// What holds for every command: its help, its page, what happens when nobody listens, and when Quorate itself fails.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { describeCrash } from '../../../src/cli/crash.ts';
import { buildWhole, makeHelp, makePage } from '../../../src/cli/docs/page.ts';
import { buildProgram, main } from '../../../src/cli/main.ts';
import { createRig } from './rig.ts';

const ROOT = join(import.meta.dirname, '../../..');
const QUORATE = join(ROOT, 'bin/quorate');

function namesOf(command: Command): string[][] {
  return command.commands.flatMap((each) => [[each.name()], ...namesOf(each).map((below) => [each.name(), ...below])]);
}

const shell = {
  io: { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: {} },
  finish: () => {},
};
const WHOLE = await buildWhole(shell);
const COMMANDS = namesOf(WHOLE).map((names) => [names.join(' '), names] as const);

describe.each(COMMANDS)('%s', (name, names) => {
  it('explains itself, and each of its options', async () => {
    const rig = await createRig();
    const { code, stdout, stderr } = await rig.quorate(...names, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: quorate ${name} [^\\n]+\\n\\n\\S.*\\n`));
    expect(stdout).not.toMatch(/^ {2}-\S.*>$/m);
  });
});

it('the list of all commands needs none of them loaded, and is the same', async () => {
  const listed = await buildProgram(shell, []);
  expect(listed.helpInformation()).toBe(WHOLE.helpInformation());
  expect(listed.commands.flatMap(({ options, commands }) => [...options, ...commands])).toEqual([]);
});

it.each(['--version', '-V'])('%s prints the version of the package, alone or before a command', (option) => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const argv of [[option], [option, 'status']]) {
    const { status, stdout, stderr } = spawnSync(QUORATE, argv, { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  }
});

it.each(['--help', '-h'])('%s prints the list of all commands, as npm run docs has written it', async (option) => {
  const { status, stdout, stderr } = spawnSync(QUORATE, [option], { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: await makeHelp(), stderr: '' });
});

it('the page of commands is what the commands say: npm run docs makes it anew', async () => {
  expect(readFileSync(join(ROOT, 'docs/cli.md'), 'utf8')).toBe(await makePage());
});

it('the pillar is what --pillar says, else $QUORATE_PILLAR, else ./pillar', async () => {
  const { folder } = await createRig({ 'a/defaults.yaml': 'etcd_image: a\n', 'b/defaults.yaml': 'etcd_image: b\n' });
  const image = (env: NodeJS.ProcessEnv, ...more: string[]) => {
    const argv = ['pillar', 'show', 'm1', '-i', 'inventory.yaml', ...more];
    const { stdout } = spawnSync(QUORATE, argv, { cwd: folder, env: { ...process.env, ...env }, encoding: 'utf8' });
    return /^etcd_image: (.*)$/m.exec(stdout)?.[1];
  };
  expect(image({})).toBe('t');
  expect(image({ QUORATE_PILLAR: 'a' })).toBe('a');
  expect(image({ QUORATE_PILLAR: 'a' }, '--pillar', 'b')).toBe('b');
});

it('a reader that has gone is no error: the run goes on to its own exit code', async () => {
  const { folder } = await createRig({
    'state/quorate/runs/x/journal.jsonl': '{"at":"now","type":"x"}\n'.repeat(9999),
  });
  const script = 'set -o pipefail; "$0" "$@" | :; echo $?';
  const run = (...argv: string[]) => {
    const env = { ...process.env, XDG_STATE_HOME: join(folder, 'state') };
    const { stdout, stderr } = spawnSync('bash', ['-c', script, QUORATE, ...argv], { env, encoding: 'utf8' });
    return { status: stdout.trim(), stderr };
  };
  expect(run('runs', 'show', 'x')).toEqual({ status: '0', stderr: '' });
  expect(run('pillar', 'show', 'm1', '--explain', '-i', 'inventory.yaml')).toEqual({ status: '0', stderr: '' });
  expect(run('pillar', 'show', 'm4', '-i', 'inventory.yaml')).toMatchObject({ status: '1' });
});

it('a result that cannot be written is an error', () => {
  const { status, stderr } = spawnSync('sh', ['-c', `'${QUORATE}' states list >/dev/full`], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^the result could not be written: \S.*\n$/),
  });
});

describe('an error that nobody foresaw', () => {
  async function crash(...argv: string[]): Promise<{ code: number; stderr: string }> {
    let stderr = '';
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      stderr += chunk;
      done();
    };
    const env = new Proxy(
      {},
      {
        get() {
          throw new TypeError('the \u001b[31menvironment\nis odd');
        },
      },
    );
    const streams = { stdin: Readable.from([]), stdout: new Writable({ write }), stderr: new Writable({ write }) };
    return { code: await main(argv, { ...streams, env }), stderr };
  }

  it('is one line that says whose mistake it is and what to do, and exit code 1', async () => {
    const { code, stderr } = await crash('runs', 'list');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^internal error in Quorate \d+\.\d+\.\d+: the \\x1b\[31menvironment\\nis odd; please report this line and the command to its maintainers, with what -v adds\n$/,
    );
  });

  it('shows its trace to who asks for it', async () => {
    const { stderr } = await crash('runs', 'list', '-v');
    expect(stderr.split('\n')[0]).toMatch(/^internal error .* to its maintainers$/);
    expect(stderr).toMatch(/^ +at /m);
    expect(stderr).not.toContain('\u001b');
  });

  it('is no mistake of Quorate where the operating system refused', () => {
    const error = Object.assign(new Error('EMFILE: too many open files, open x'), { code: 'EMFILE', syscall: 'open' });
    expect(describeCrash(error, { version: '1.0.0', verbose: false })).toBe(
      'the operating system refused: EMFILE: too many open files, open x\n',
    );
  });
});
