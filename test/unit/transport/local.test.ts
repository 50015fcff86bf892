import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Sensitive } from '../../../src/sensitive.ts';
import { GRACE_SECONDS } from '../../../src/shell/loader.ts';
import type { Answer, Part } from '../../../src/shell/program.ts';
import { openLocalSession } from '../../../src/transport/local.ts';
import type { ApplySession } from '../../../src/transport/session.ts';
import { SHELLS } from '../shell/shells.ts';

let folder: string;
let session: ApplySession | undefined;
const signal = new AbortController().signal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-test-'));
});
afterEach(async () => {
  await session?.close();
  session = undefined;
  rmSync(folder, { recursive: true });
});

const show = ({ id, state, status, stdout, stderr }: Answer) => ({ id, state, status, stdout: String(stdout), stderr });
const states = (answers: Answer[]) => answers.map(({ id, state }) => `${id} ${state}`);
const bytes = (size: number) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 7919) % 256));

/** Of this test run alone: another one on this machine must not meet its processes. */
const mark = String(100_000 + randomInt(800_000));

/** Command lines of all processes that contain `text`. */
function processes(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((line) => line.includes(text));
}

async function until(condition: () => boolean, ms = 5000): Promise<void> {
  for (const end = Date.now() + ms; !condition(); await sleep(20)) {
    if (Date.now() > end) throw new Error('did not happen in time');
  }
}

/** busybox alone: its own dd, mktemp, sha256sum before the machine's. */
function busyboxPath(): string {
  const applets = join(folder, 'applets');
  mkdirSync(applets);
  execFileSync('busybox', ['--install', '-s', applets]);
  return `${applets}:${process.env.PATH}`;
}

describe.each(SHELLS)('under %s', (name, shell) => {
  const open = (options: { env?: NodeJS.ProcessEnv; outputLimit?: number } = {}) => {
    const env = options.env ?? (name === 'busybox sh' ? { ...process.env, PATH: busyboxPath() } : process.env);
    session = openLocalSession('here', { shell, ...options, env });
    return session;
  };
  const run = (on: ApplySession, parts: Part[], options: { limitMs?: number; prelude?: string } = {}) =>
    on.write(
      { kind: 'write', parts, ...(options.prelude === undefined ? {} : { prelude: options.prelude }) },
      { signal, limitMs: options.limitMs ?? 20_000 },
    );

  it('tells both streams and the status of each part apart, in order', async () => {
    const { answers, failure } = await run(open(), [
      { id: 'a', script: 'printf out; printf err >&2; exit 3' },
      { id: 'b', script: 'echo two' },
    ]);
    expect(failure).toBeUndefined();
    expect(answers.map(show)).toEqual([
      { id: 'a', state: 'ran', status: 3, stdout: 'out', stderr: 'err' },
      { id: 'b', state: 'ran', status: 0, stdout: 'two\n', stderr: '' },
    ]);
  });

  it('blocks what needs a failed part, and nothing else', async () => {
    const { answers } = await run(open(), [
      { id: 'bad', script: 'false' },
      { id: 'good', script: 'true' },
      { id: 'needs-bad', script: 'true', needs: ['good', 'bad'] },
      { id: 'needs-blocked', script: 'true', needs: ['needs-bad'] },
      { id: 'needs-good', script: 'true', needs: ['good'] },
      { id: 'onfail-bad', script: 'true', onfail: ['good', 'bad'] },
      { id: 'onfail-blocked', script: 'true', onfail: ['needs-bad'] },
      { id: 'onfail-good', script: 'true', onfail: ['good'] },
      { id: 'needs-skipped', script: 'true', needs: ['onfail-good'] },
      { id: 'free', script: 'true' },
    ]);
    expect(states(answers)).toEqual([
      'bad ran',
      'good ran',
      'needs-bad blocked',
      'needs-blocked blocked',
      'needs-good ran',
      'onfail-bad ran',
      'onfail-blocked ran',
      'onfail-good skipped',
      'needs-skipped ran',
      'free ran',
    ]);
  });

  it('runs nothing on a host that has moved since it was read', async () => {
    const target = join(folder, 'target');
    const { answers } = await run(open(), [
      { id: 'moved', script: `echo >${target}`, guard: { read: 'echo now; echo more', fingerprint: 'then' } },
      { id: 'after', script: 'true', needs: ['moved'] },
      { id: 'same', script: 'true', guard: { read: "printf '%s\\n' 'a  \\b' more", fingerprint: 'a  \\b' } },
      { id: 'silent', script: 'true', guard: { read: ':', fingerprint: 'then' } },
    ]);
    expect(states(answers)).toEqual(['moved moved', 'after blocked', 'same ran', 'silent moved']);
    expect(String(answers[0]?.stdout)).toBe('now\n');
    expect(existsSync(target)).toBe(false);
  });

  it('contains a part that exits, redirects, changes its shell or is no shell at all', async () => {
    const { answers } = await run(open(), [
      { id: 'exec', script: 'exec >/dev/null 2>&1; echo lost' },
      { id: 'flags', script: 'set -eu; false; echo not here' },
      { id: 'unset', script: 'set -u; : "$nothing"' },
      { id: 'syntax', script: 'if; (' },
      { id: 'signal', script: 'kill -KILL "$(exec sh -c \'echo $PPID\')"' },
      { id: 'names', script: 'cd /; IFS=x; q_mark() { :; }; q_state=x; PATH=/nowhere; set -f; trap "" TERM' },
      { id: 'fine', script: 'pwd; umask; echo "$#"' },
    ]);
    expect(answers.map(({ id, status }) => [id, status === 0])).toEqual([
      ['exec', true],
      ['flags', false],
      ['unset', false],
      ['syntax', false],
      ['signal', false],
      ['names', true],
      ['fine', true],
    ]);
    expect(String(answers[6]?.stdout)).toBe(`${process.cwd()}\n0022\n0\n`);
  });

  it('shares the prelude, whatever it sets', async () => {
    const prelude = `greet() { echo "hello $1"; }\nset -eu; IFS=0123456789; x='it'\\''s'`;
    const { answers, failure } = await run(
      open(),
      [
        { id: 'a', script: 'greet "$x"; false' },
        { id: 'b', script: 'greet b', needs: ['a'] },
        {
          id: 'c',
          script: 'greet c; wc -c <"$1"',
          onfail: ['a'],
          inputs: [{ directory: folder, content: bytes(100_123) }],
        },
      ],
      { prelude },
    );
    expect(failure).toBeUndefined();
    expect(states(answers)).toEqual(['a ran', 'b blocked', 'c ran']);
    expect(String(answers[0]?.stdout)).toBe("hello it's\n");
    expect(String(answers[2]?.stdout)).toBe('hello c\n100123\n');
  });

  it.each([
    ['ends early', 'echo because >&2; exit 7', /status 7 before a was answered: because/],
    ['is no shell', 'if; (', /broke off/],
  ])('says so when the prelude %s', async (_what, prelude, message) => {
    const inputs = [{ directory: folder, content: bytes(200_000) }];
    const { answers, failure } = await run(open(), [{ id: 'a', script: 'true', inputs }], { prelude });
    expect(answers).toEqual([]);
    expect(failure).toMatchObject({ reason: 'protocol', host: 'here', message: expect.stringMatching(message) });
  });

  it('gives children neither the stream nor the nonce', async () => {
    const on = open();
    const snoop = 'cat; read -r x; echo "$?"; cat <&3; env; set; cat /proc/self/environ; ls /proc/self/fd';
    const first = await run(on, [
      { id: 'a', script: snoop },
      { id: 'b', script: 'cat', inputs: [{ directory: folder, content: bytes(10) }] },
    ]);
    expect(first.failure).toBeUndefined();
    expect(states(first.answers)).toEqual(['a ran', 'b ran']);
    expect(String(first.answers[0]?.stdout)).not.toMatch(/[0-9a-f]{40}\b(?! {2})/);
    expect((await run(on, [{ id: 'c', script: 'echo still here' }])).answers.map(show)[0]?.stdout).toBe('still here\n');
  });

  it('does not export what an inherited variable of the same name would', async () => {
    const env = { ...process.env, l: 'x', q_nonce: 'x', q_text: 'x', q_exit: 'x' };
    const { answers, failure } = await run(open({ env }), [{ id: 'a', script: 'env' }]);
    // An exported loader would show its nonce, and the parser then believe what env prints.
    expect(failure).toBeUndefined();
    expect(String(answers[0]?.stdout)).toContain('LC_ALL=C');
    expect(String(answers[0]?.stdout)).not.toMatch(/^(l|q_\w+)=/m);
  });

  it('gives any bytes back as they are', { timeout: 30_000 }, async () => {
    const on = open();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 3 }),
        async (contents) => {
          const inputs = contents.map((content) => ({ directory: folder, content }));
          const { answers } = await run(on, [
            { id: 'a', script: 'cat "$@"; cat "$@" >&2', inputs },
            { id: 'b', script: ':' },
          ]);
          expect(Buffer.from(answers[0]?.stdout ?? [])).toEqual(Buffer.concat(contents));
          expect(answers[0]?.stderr).toBe(Buffer.concat(contents).toString());
        },
      ),
      { numRuns: 20 },
    );
    expect(readdirSync(folder).filter((file) => file.startsWith('.quorate'))).toEqual([]);
  });

  it('takes a program of 300 kB between two small ones, and 64 KiB of binary in and out', async () => {
    const on = open();
    const long = `echo '${'x'.repeat(300_000)}' | wc -c`;
    const content = bytes(65_536);
    await run(on, [{ id: 'a', script: 'echo small' }]);
    const middle = await run(on, [
      { id: 'a', script: long },
      { id: 'b', script: 'cat "$1"', inputs: [{ directory: folder, content }] },
    ]);
    const last = await run(on, [{ id: 'a', script: 'echo small' }]);
    expect(String(middle.answers[0]?.stdout).trim()).toBe('300001');
    expect(Buffer.from(middle.answers[1]?.stdout ?? [])).toEqual(content);
    expect(last.answers.map(show)[0]?.stdout).toBe('small\n');
    expect(on.programs).toBe(3);
  });

  /** An environment where `dd` is this script; `$dd` is the real one. */
  const withDd = (script: string): NodeJS.ProcessEnv => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const real = execFileSync('which', ['dd']).toString().trim();
    writeFileSync(join(bin, 'dd'), `#!/bin/sh\ndd=${real}\n${script}\n`);
    chmodSync(join(bin, 'dd'), 0o755);
    return { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  };

  it('takes inputs whole where dd knows no fullblock', async () => {
    const content = bytes(70_000);
    const env = withDd('case "$*" in *iflag*) exit 1;; esac; exec "$dd" "$@"');
    const inputs = [{ directory: folder, content }];
    const { answers } = await run(open({ env }), [{ id: 'a', script: 'cat "$1"', inputs }]);
    expect(Buffer.from(answers[0]?.stdout ?? [])).toEqual(content);
  });

  it('runs no program that did not arrive as it was sent', async () => {
    const env = withDd('"$dd" "$@" | sed s/good/evil/');
    const { answers, failure } = await run(open({ env }), [{ id: 'a', script: `echo >'${folder}/good'` }]);
    expect(answers).toEqual([]);
    expect(failure).toMatchObject({ reason: 'protocol', message: 'what was sent did not arrive whole' });
    expect(readdirSync(folder)).toEqual(['bin']);
  });

  it('runs no part whose input did not arrive as it was sent', async () => {
    const env = withDd('case $1 in bs=777) "$dd" "$@" | tr "\\001" "\\002";; *) exec "$dd" "$@";; esac');
    const inputs = [{ directory: folder, content: Buffer.alloc(777, 1) }];
    const { answers } = await run(open({ env }), [
      { id: 'a', script: 'echo ran', inputs },
      { id: 'b', script: ':' },
    ]);
    expect(states(answers)).toEqual(['a input-failed', 'b ran']);
    expect(answers[0]?.stderr).toContain('did not arrive whole');
  });

  it('puts an input 0600 beside its target, and takes it away unless it was renamed', async () => {
    const input = { directory: folder, content: new Sensitive(Buffer.from('secret')) };
    const mode = 'umask; stat -c %a "$1"';
    const { answers } = await run(open(), [
      { id: 'renamed', script: `${mode}; mv "$1" '${folder}/target'`, inputs: [input] },
      { id: 'left', script: 'cat "$2"; false', inputs: [input, { ...input, content: Buffer.from('second') }] },
    ]);
    expect(String(answers[0]?.stdout)).toBe('0022\n600\n');
    expect(String(answers[1]?.stdout)).toBe('second');
    expect(readdirSync(folder).filter((file) => file !== 'applets')).toEqual(['target']);
    expect(readFileSync(join(folder, 'target'), 'utf8')).toBe('secret');
  });

  it('takes the bytes of every input that nobody wants', async () => {
    const missing = { directory: join(folder, 'missing'), content: bytes(150_000) };
    const present = { directory: folder, content: bytes(150_000) };
    const { answers, failure } = await run(open(), [
      { id: 'missing', script: 'true', inputs: [missing, present] },
      { id: 'blocked', script: 'true', inputs: [present], needs: ['missing'] },
      { id: 'skipped', script: 'true', inputs: [present], onfail: [] as string[], needs: [] },
      { id: 'moved', script: 'true', inputs: [present], guard: { read: 'echo a', fingerprint: 'b' } },
      { id: 'last', script: 'cat "$1"', inputs: [{ directory: folder, content: Buffer.from('whole') }] },
    ]);
    expect(failure).toBeUndefined();
    expect(states(answers)).toEqual([
      'missing input-failed',
      'blocked blocked',
      'skipped ran',
      'moved moved',
      'last ran',
    ]);
    expect(answers[0]?.stderr).toContain('missing');
    expect(String(answers[4]?.stdout)).toBe('whole');
    expect(readdirSync(folder).filter((file) => file.startsWith('.quorate'))).toEqual([]);
  });

  it('reports a full disk as what it is, and goes on', async () => {
    // Every write to it fails with ENOSPC.
    const full = { directory: '/proc/quorate-no-such', content: bytes(100_000) };
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'mktemp'), '#!/bin/sh\necho /dev/full\n');
    writeFileSync(join(bin, 'rm'), '#!/bin/sh\n:\n');
    chmodSync(join(bin, 'mktemp'), 0o755);
    chmodSync(join(bin, 'rm'), 0o755);
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const { answers, failure } = await run(open({ env }), [
      { id: 'full', script: 'true', inputs: [full] },
      { id: 'after', script: 'echo on' },
    ]);
    expect(failure).toBeUndefined();
    expect(states(answers)).toEqual(['full input-failed', 'after ran']);
    expect(answers[0]?.stderr).toMatch(/No space left/);
  });

  it('cuts a long output and says so; ends a program that prints without end', async () => {
    const cut = await run(open({ outputLimit: 1000 }), [
      { id: 'a', script: 'head -c 5000 /dev/zero' },
      { id: 'b', script: 'echo b' },
    ]);
    expect(cut.answers.map(({ stdout, truncated }) => [stdout.length, truncated])).toEqual([
      [1000, true],
      [2, false],
    ]);
    const endless = await run(session as ApplySession, [{ id: 'c', script: 'cat /dev/zero' }]);
    expect(endless.failure).toMatchObject({ reason: 'protocol', resource: 'c' });
  });

  it('ends a program at its limit with all that it started, and tells what was answered', async () => {
    const on = open();
    const { answers, failure } = await run(
      on,
      [
        { id: 'quick', script: 'echo done' },
        { id: 'slow', script: `sleep 31415.${mark} & sleep 31416.${mark}` },
      ],
      { limitMs: 500 },
    );
    expect(answers.map(show)[0]?.stdout).toBe('done\n');
    expect(failure).toMatchObject({ reason: 'timeout', host: 'here', resource: 'slow' });
    await until(() => processes(`.${mark}`).length === 0);
    expect(await run(on, [{ id: 'a', script: ':' }])).toEqual({ answers: [], failure });
  });

  it('stops after the current part when the session is closed', async () => {
    const on = open();
    const running = run(on, [
      { id: 'a', script: `sleep 0.5; echo >'${folder}/a'` },
      { id: 'b', script: `echo >'${folder}/b'` },
    ]);
    await sleep(200);
    await on.close();
    expect((await running).failure?.resource).toBe('a');
    await sleep(700);
    expect([existsSync(join(folder, 'a')), existsSync(join(folder, 'b'))]).toEqual([true, false]);
  });

  it('leaves no watchdog behind', async () => {
    const on = open();
    const { answers } = await run(on, [{ id: 'a', script: 'sleep 0.1' }], { limitMs: Number(mark) * 1000 });
    expect(states(answers)).toEqual(['a ran']);
    expect(processes(`sleep ${Number(mark) + GRACE_SECONDS}`)).toEqual([]);
    await on.close();
  });

  it('stops at once when the run is interrupted', async () => {
    const interrupt = new AbortController();
    const running = open().read(
      { kind: 'read', parts: [{ id: 'slow', script: 'sleep 2' }] },
      { signal: interrupt.signal, limitMs: 20_000 },
    );
    await sleep(100);
    const before = Date.now();
    interrupt.abort();
    expect((await running).failure).toMatchObject({ reason: 'interrupted', resource: 'slow' });
    expect(Date.now() - before).toBeLessThan(500);
  });

  it.each(['closed', 'lost', 'killed'])('runs its last script once when the session is %s', async (how) => {
    const on = open();
    const log = join(folder, 'exit');
    on.atExit('echo never');
    on.atExit(`echo bye >>'${log}'`);
    const pid = await run(on, [{ id: 'a', script: 'echo $$' }]);
    expect(existsSync(log)).toBe(false);
    if (how === 'closed') await on.close();
    if (how === 'lost') {
      const running = run(on, [{ id: 'b', script: 'sleep 0.3' }]);
      await sleep(100);
      await on.close();
      await running;
    }
    if (how === 'killed') process.kill(-Number(String(pid.answers[0]?.stdout)), 'SIGTERM');
    await until(() => existsSync(log) && readFileSync(log, 'utf8') !== '');
    await sleep(100);
    expect(readFileSync(log, 'utf8')).toBe('bye\n');
  });

  it('takes a last script while a program runs, after it', async () => {
    const on = open();
    const log = join(folder, 'exit');
    const running = run(on, [{ id: 'a', script: 'sleep 0.2' }]);
    on.atExit(`echo bye >>'${log}'`);
    expect(states((await running).answers)).toEqual(['a ran']);
    await on.close();
    expect(readFileSync(log, 'utf8')).toBe('bye\n');
  });

  it('lets heartbeats through before, beside and after programs, also before a large input', async () => {
    const on = open();
    const log = join(folder, 'beats');
    const beats = () => (existsSync(log) ? readFileSync(log, 'utf8').length : 0);
    const beat = () => on.heartbeat(`printf . >>'${log}'; echo noise; echo noise >&2; exit 3`);
    beat();
    await until(() => beats() === 1);
    const content = bytes(300_000);
    const waiting = `while [ "$(wc -c <'${log}')" -lt 2 ]; do sleep 0.05; done`;
    const running = run(on, [
      { id: 'a', script: waiting },
      { id: 'b', script: 'wc -c <"$1"', inputs: [{ directory: folder, content }] },
    ]);
    await sleep(200);
    beat();
    const { answers } = await running;
    expect(answers.map((answer) => String(answer.stdout).trim())).toEqual(['', '300000']);
    beat();
    await until(() => beats() === 3);
    expect((await run(on, [{ id: 'c', script: 'echo c' }])).answers.map(show)[0]?.stdout).toBe('c\n');
  });

  it('calls back for each part as it ends', async () => {
    const seen: string[] = [];
    const running = open().read(
      {
        kind: 'read',
        parts: [
          { id: 'a', script: ':' },
          { id: 'b', script: 'sleep 0.5' },
        ],
      },
      { signal, limitMs: 20_000, onAnswer: (answer) => seen.push(answer.id) },
    );
    await until(() => seen.length === 1);
    expect(seen).toEqual(['a']);
    await running;
    expect(seen).toEqual(['a', 'b']);
  });
});

it('reports a shell that cannot be started', async () => {
  session = openLocalSession('here', { shell: ['/no/such/shell'] });
  const { failure } = await session.read({ kind: 'read', parts: [] }, { signal, limitMs: 1000 });
  expect(failure?.reason).toBe('unreachable');
});

it('ignores what the login shell prints before', async () => {
  const shell = join(folder, 'chatty');
  writeFileSync(shell, '#!/bin/sh\necho motd; echo warning >&2; sleep 0.1; exec sh "$@"\n');
  chmodSync(shell, 0o755);
  session = openLocalSession('here', { shell: [shell] });
  const { answers } = await session.read(
    { kind: 'read', parts: [{ id: 'a', script: 'echo a' }] },
    { signal, limitMs: 5000 },
  );
  expect(answers.map(show)).toEqual([{ id: 'a', state: 'ran', status: 0, stdout: 'a\n', stderr: '' }]);
});

it('says what the login shell said when it ends without taking the loader', async () => {
  const shell = join(folder, 'nologin');
  writeFileSync(shell, '#!/bin/sh\necho This account is not available. >&2; exit 1\n');
  chmodSync(shell, 0o755);
  session = openLocalSession('here', { shell: [shell] });
  const { failure } = await session.read({ kind: 'read', parts: [] }, { signal, limitMs: 5000 });
  expect(failure).toMatchObject({
    reason: 'protocol',
    message: expect.stringContaining('This account is not available.'),
  });
});

it('lets no program outlive its limit on a host that nobody watches any more', { timeout: 30_000 }, async () => {
  const scripts = [`trap "" PIPE; echo; sleep 27182.${mark}`, `trap "" PIPE TERM; echo; sleep 27183.${mark}`];
  const running = SHELLS.flatMap(([, shell]) =>
    scripts.map((script) => {
      const on = openLocalSession('here', { shell });
      return { on, result: on.read({ kind: 'read', parts: [{ id: 'slow', script }] }, { signal, limitMs: 1000 }) };
    }),
  );
  await until(() => processes(`.${mark}`).filter((line) => line.startsWith('sleep')).length === running.length);
  for (const { on, result } of running) {
    await on.close();
    expect((await result).failure).toMatchObject({ reason: 'interrupted', resource: 'slow' });
  }
  // First TERM, so that what can clean up does; what ignores it is killed.
  await until(() => processes(`sleep 27182.${mark}`).length === 0, 10_000);
  expect(processes(`sleep 27183.${mark}`)).toHaveLength(SHELLS.length);
  await until(() => processes(`sleep 27183.${mark}`).length === 0, 10_000);
});
