// bin/quorate: which Node it starts.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';

const QUORATE = join(import.meta.dirname, '../../../bin/quorate');
const PINNED = 'node_modules/node/bin/node';

/** A package with the launcher, and programs in place of Nodes: each says which it is. */
function createPackage(programs: { [path: string]: string }): { root: string; start(path?: string): string } {
  const root = mkdtempSync(join(tmpdir(), 'quorate-launcher-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries({ 'src/cli/quorate.ts': '', ...programs })) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), 0o755);
  }
  mkdirSync(join(root, 'bin'));
  copyFileSync(QUORATE, join(root, 'bin/quorate'));
  return {
    root,
    start(path = 'bin/quorate') {
      const env = { PATH: `${root}/path:/usr/bin:/bin`, HOME: root };
      const { stdout, stderr } = spawnSync(join(root, path), ['states', 'two words'], {
        cwd: '/',
        env,
        encoding: 'utf8',
      });
      return stdout + stderr;
    },
  };
}

const node = (name: string, version: string) => `#!/bin/sh
[ "$1" != --version ] || { echo ${version}; exit; }
until [ "\${1##*/}" = quorate.ts ]; do shift; done
shift; printf '${name}:'; printf ' [%s]' "$@"; echo
`;
const OTHER = process.arch === 'arm64' ? 'x64' : 'arm64';

it('is the pinned one, whatever is on the PATH', () => {
  const { start } = createPackage({ [PINNED]: node('pinned', 'v24.0.0'), 'path/node': node('other', 'v26.0.0') });
  expect(start()).toBe('pinned: [states] [two words]\n');
});

it('is found through links, relative and absolute', () => {
  const { root, start } = createPackage({ [PINNED]: node('pinned', 'v24.0.0') });
  symlinkSync(join(root, 'bin/quorate'), join(root, 'absolute'));
  mkdirSync(join(root, 'below'));
  symlinkSync('../absolute', join(root, 'below/relative'));
  expect(start('below/relative')).toBe('pinned: [states] [two words]\n');
});

it.skipIf(process.platform !== 'linux')(
  'is the one of the PATH where the pinned one is of another architecture',
  () => {
    const { start } = createPackage({
      [PINNED]: '\x7fELF\nof another architecture',
      [`node_modules/node/node_modules/node-linux-${OTHER}/package.json`]: '{}',
      'path/node': node('other', 'v22.18.0'),
    });
    expect(start()).toBe('other: [states] [two words]\n');
  },
);

it('is none that is too old: what to do is said', () => {
  const { start } = createPackage({ 'path/node': node('old', 'v22.17.9') });
  expect(start()).toMatch(
    /^quorate needs Node 22\.18 or newer, and this is v22\.17\.9: run `npm install` in \S+, which brings one\n$/,
  );
});

it.each([
  ['v22.18.0', true],
  ['v24.0.0', true],
  ['v25.0.0', false],
])('is given no flag that its V8 may not know: %s', (version, known) => {
  const flags = `#!/bin/sh\n[ "$1" != --version ] || { echo ${version}; exit; }\necho "$@"\n`;
  const { start } = createPackage({ 'path/node': flags });
  expect(start()).toContain('--max-semi-space-size=');
  expect(start().includes('--scavenger-')).toBe(known);
});
