// What a session gives back of the parts of a program, and what these cannot do to each other.
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SHELLS } from '../shell/shells.ts';
import { bytes, createLocalRig, show, signal, states } from './local-rig.ts';

const rig = createLocalRig();
const { run } = rig;

describe.each(SHELLS)('under %s', (name, shell) => {
  const open = (options: { env?: NodeJS.ProcessEnv; outputLimit?: number } = {}) => rig.open(name, shell, options);

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
    const target = join(rig.folder, 'target');
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
          inputs: [{ directory: rig.folder, content: bytes(100_123) }],
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
    const inputs = [{ directory: rig.folder, content: bytes(200_000) }];
    const { answers, failure } = await run(open(), [{ id: 'a', script: 'true', inputs }], { prelude });
    expect(answers).toEqual([]);
    expect(failure).toMatchObject({ reason: 'protocol', host: 'here', message: expect.stringMatching(message) });
  });

  it('gives children neither the stream nor the nonce', async () => {
    const on = open();
    const snoop = 'cat; read -r x; echo "$?"; cat <&3; env; set; cat /proc/self/environ; ls /proc/self/fd';
    const first = await run(on, [
      { id: 'a', script: snoop },
      { id: 'b', script: 'cat', inputs: [{ directory: rig.folder, content: bytes(10) }] },
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
});

it('reports a shell that cannot be started', async () => {
  const session = rig.open('none', ['/no/such/shell']);
  const { failure } = await session.read({ kind: 'read', parts: [] }, { signal, limitMs: 1000 });
  expect(failure?.reason).toBe('unreachable');
});

it('ignores what the login shell prints before', async () => {
  const shell = join(rig.folder, 'chatty');
  writeFileSync(shell, '#!/bin/sh\necho motd; echo warning >&2; sleep 0.1; exec sh "$@"\n');
  chmodSync(shell, 0o755);
  const session = rig.open('login', [shell]);
  const { answers } = await session.read(
    { kind: 'read', parts: [{ id: 'a', script: 'echo a' }] },
    { signal, limitMs: 5000 },
  );
  expect(answers.map(show)).toEqual([{ id: 'a', state: 'ran', status: 0, stdout: 'a\n', stderr: '' }]);
});

it('says what the login shell said when it ends without taking the loader', async () => {
  const shell = join(rig.folder, 'nologin');
  writeFileSync(shell, '#!/bin/sh\necho This account is not available. >&2; exit 1\n');
  chmodSync(shell, 0o755);
  const session = rig.open('login', [shell]);
  const { failure } = await session.read({ kind: 'read', parts: [] }, { signal, limitMs: 5000 });
  expect(failure).toMatchObject({
    reason: 'protocol',
    message: expect.stringContaining('This account is not available.'),
  });
});
