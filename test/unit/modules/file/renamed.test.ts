import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fileRenamed } from '../../../../src/modules/file/renamed.ts';
import { describeCases } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';
import { HOSTILE_NAMES } from '../hostile.ts';

const WANT = { path: '/etc/k/a.yaml', to: '/etc/k.kept/a.yaml' };
const BOTH = 'look at both, and move aside the one that is not needed';

describeCases(fileRenamed, [
  { it: 'is converged where nothing is', want: WANT, observed: 'absent absent\n' },
  { it: 'is converged where it has been renamed', want: WANT, observed: 'absent file\n' },
  {
    it: 'renames a file',
    want: WANT,
    observed: 'file absent\n',
    changes: [{ path: 'path', before: WANT.path, after: WANT.to }],
  },
  {
    it: 'overwrites nothing',
    want: WANT,
    observed: 'file file\n',
    changes: { refused: '/etc/k/a.yaml is there, and /etc/k.kept/a.yaml too: neither is overwritten', next: BOTH },
  },
  {
    it: 'leaves a link or a device alone',
    want: WANT,
    observed: 'other absent\n',
    changes: {
      refused: '/etc/k/a.yaml is neither a file nor a directory, so it is not renamed',
      next: 'correct the path',
    },
  },
  {
    it: 'refuses what the system needs',
    want: { path: '/usr', to: '/usr.old' },
    observed: 'directory absent\n',
    changes: { refused: '/usr must not be renamed: the system itself needs it', next: 'correct the path' },
  },
]);

it.each(['', 'file', 'file absent more\n', 'socket absent\n'])('%j is no reading', (text) => {
  expect(() => fileRenamed.parse({ status: 0, stdout: Buffer.from(text), stderr: '' })).toThrow();
});

describe.each(SHELLS)('with %s', (shell) => {
  let host: Host;
  afterEach(() => host.remove());

  it.each(HOSTILE_NAMES)('renames %j with all that is in it, into a directory of root alone', (name) => {
    host = new Host(shell);
    const [path, to] = [join(host.root, `from ${name}`), join(host.root, `to ${name}`, 'there')];
    mkdirSync(path);
    writeFileSync(join(path, 'in it'), 'kept');
    const { left, written } = host.apply(fileRenamed, { path, to });
    expect(written).toMatchObject({ status: 0, stderr: '' });
    expect(left).toEqual([]);
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(join(to, 'in it'), 'utf8')).toBe('kept');
    expect(statSync(join(to, '..')).mode & 0o777).toBe(0o700);
  });

  it('does not overwrite what has come to be there since, nor goes into it', () => {
    host = new Host(shell);
    const [path, to] = [join(host.root, 'a'), join(host.root, 'b')];
    writeFileSync(path, 'a');
    const { script } = fileRenamed.write({ path, to }, [], { run: 'r1', react: false });
    mkdirSync(to);
    expect(host.run(script).status).not.toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('a');
    expect(existsSync(join(to, 'a'))).toBe(false);
  });

  it('tells a link from what it leads to', () => {
    host = new Host(shell);
    const path = join(host.root, 'link');
    symlinkSync('/etc/hostname', path);
    expect(host.read(fileRenamed, { path, to: `${path}.kept` }).seen).toEqual({ from: 'other', to: 'absent' });
  });
});
