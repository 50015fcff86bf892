// Programs, inputs and output arrive whole, or not at all.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Sensitive } from '../../../src/sensitive.ts';
import { SHELLS } from '../shell/shells.ts';
import { bytes, createLocalRig, show, states } from './local-rig.ts';

const rig = createLocalRig();
const { run } = rig;

describe.each(SHELLS)('under %s', (name, shell) => {
  const open = (options: { env?: NodeJS.ProcessEnv; outputLimit?: number } = {}) => rig.open(name, shell, options);

  it('gives any bytes back as they are', { timeout: 30_000 }, async () => {
    const on = open();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 3 }),
        async (contents) => {
          const inputs = contents.map((content) => ({ directory: rig.folder, content }));
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
    expect(readdirSync(rig.folder).filter((file) => file.startsWith('.quorate'))).toEqual([]);
  });

  it('takes a program of 300 kB between two small ones, and 64 KiB of binary in and out', async () => {
    const on = open();
    const long = `echo '${'x'.repeat(300_000)}' | wc -c`;
    const content = bytes(65_536);
    await run(on, [{ id: 'a', script: 'echo small' }]);
    const middle = await run(on, [
      { id: 'a', script: long },
      { id: 'b', script: 'cat "$1"', inputs: [{ directory: rig.folder, content }] },
    ]);
    const last = await run(on, [{ id: 'a', script: 'echo small' }]);
    expect(String(middle.answers[0]?.stdout).trim()).toBe('300001');
    expect(Buffer.from(middle.answers[1]?.stdout ?? [])).toEqual(content);
    expect(last.answers.map(show)[0]?.stdout).toBe('small\n');
    expect(on.programs).toBe(3);
  });

  /** An environment where `dd` is this script; `$dd` is the real one. */
  const withDd = (script: string): NodeJS.ProcessEnv => {
    const bin = join(rig.folder, 'bin');
    mkdirSync(bin);
    const real = execFileSync('which', ['dd']).toString().trim();
    writeFileSync(join(bin, 'dd'), `#!/bin/sh\ndd=${real}\n${script}\n`);
    chmodSync(join(bin, 'dd'), 0o755);
    return { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  };

  it('takes inputs whole where dd knows no fullblock', async () => {
    const content = bytes(70_000);
    const env = withDd('case "$*" in *iflag*) exit 1;; esac; exec "$dd" "$@"');
    const inputs = [{ directory: rig.folder, content }];
    const { answers } = await run(open({ env }), [{ id: 'a', script: 'cat "$1"', inputs }]);
    expect(Buffer.from(answers[0]?.stdout ?? [])).toEqual(content);
  });

  it('runs no program that did not arrive as it was sent', async () => {
    const env = withDd('"$dd" "$@" | sed s/good/evil/');
    const { answers, failure } = await run(open({ env }), [{ id: 'a', script: `echo >'${rig.folder}/good'` }]);
    expect(answers).toEqual([]);
    expect(failure).toMatchObject({ reason: 'protocol', message: 'what was sent did not arrive whole' });
    expect(readdirSync(rig.folder)).toEqual(['bin']);
  });

  it('runs no part whose input did not arrive as it was sent', async () => {
    const env = withDd('case $1 in bs=777) "$dd" "$@" | tr "\\001" "\\002";; *) exec "$dd" "$@";; esac');
    const inputs = [{ directory: rig.folder, content: Buffer.alloc(777, 1) }];
    const { answers } = await run(open({ env }), [
      { id: 'a', script: 'echo ran', inputs },
      { id: 'b', script: ':' },
    ]);
    expect(states(answers)).toEqual(['a input-failed', 'b ran']);
    expect(answers[0]?.stderr).toContain('did not arrive whole');
  });

  it('puts an input 0600 beside its target, and takes it away unless it was renamed', async () => {
    const input = { directory: rig.folder, content: new Sensitive(Buffer.from('secret')) };
    const mode = 'umask; stat -c %a "$1"';
    const { answers } = await run(open(), [
      { id: 'renamed', script: `${mode}; mv "$1" '${rig.folder}/target'`, inputs: [input] },
      { id: 'left', script: 'cat "$2"; false', inputs: [input, { ...input, content: Buffer.from('second') }] },
    ]);
    expect(String(answers[0]?.stdout)).toBe('0022\n600\n');
    expect(String(answers[1]?.stdout)).toBe('second');
    expect(readdirSync(rig.folder).filter((file) => file !== 'applets')).toEqual(['target']);
    expect(readFileSync(join(rig.folder, 'target'), 'utf8')).toBe('secret');
  });

  it('takes the bytes of every input that nobody wants', async () => {
    const missing = { directory: join(rig.folder, 'missing'), content: bytes(150_000) };
    const present = { directory: rig.folder, content: bytes(150_000) };
    const { answers, failure } = await run(open(), [
      { id: 'missing', script: 'true', inputs: [missing, present] },
      { id: 'blocked', script: 'true', inputs: [present], needs: ['missing'] },
      { id: 'skipped', script: 'true', inputs: [present], onfail: [] as string[], needs: [] },
      { id: 'moved', script: 'true', inputs: [present], guard: { read: 'echo a', fingerprint: 'b' } },
      { id: 'last', script: 'cat "$1"', inputs: [{ directory: rig.folder, content: Buffer.from('whole') }] },
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
    expect(readdirSync(rig.folder).filter((file) => file.startsWith('.quorate'))).toEqual([]);
  });

  it('reports a full disk as what it is, and goes on', async () => {
    // Every write to it fails with ENOSPC.
    const full = { directory: '/proc/quorate-no-such', content: bytes(100_000) };
    const bin = join(rig.folder, 'bin');
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
});
