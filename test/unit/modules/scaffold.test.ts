import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const project = resolve(import.meta.dirname, '../../..');
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), 'quorate-scaffold-'));
  const parts = ['src', 'test/unit', 'package.json', 'tsconfig.json', 'biome.json', 'vitest.config.ts', '.gitignore'];
  for (const each of parts) {
    if (existsSync(join(project, each))) cpSync(join(project, each), join(copy, each), { recursive: true });
  }
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'));
});
afterEach(() => rmSync(copy, { recursive: true, force: true }));

const scaffold = (name: string) =>
  spawnSync(process.execPath, ['src/modules/scaffold/new-module.ts', name], { cwd: copy, encoding: 'utf8' });

it('a new module is registered, documented, well-formed and tested from the start', { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = scaffold('kernel.boot_parameter');
  expect([status, stderr]).toEqual([0, '']);
  const made = stdout.trim().split('\n');
  expect(made).toEqual([
    'src/modules/kernel/boot_parameter.ts',
    'test/unit/modules/kernel/boot_parameter.test.ts',
    'src/modules/registry.ts',
    'docs/modules/kernel.md',
  ]);
  expect(readFileSync(join(copy, 'docs/modules/kernel.md'), 'utf8')).toContain('## kernel.boot_parameter');
  const run = (tool: string, ...args: string[]) =>
    execFileSync(join(copy, 'node_modules/.bin', tool), args, { cwd: copy, encoding: 'utf8', stdio: 'pipe' });
  run('biome', 'check', '--vcs-enabled=false', ...made.filter((file) => file.endsWith('.ts')));
  const tested = run('vitest', 'run', '--project', 'unit', 'modules/kernel', 'modules/registry', 'modules/docs');
  expect(tested).toMatch(/3 passed/);
  const wrong = spawnSync(join(copy, 'node_modules/.bin/tsc'), ['--noEmit'], { cwd: copy, encoding: 'utf8' }).stdout;
  expect(wrong.split('\n').filter((line) => /^(src\/modules|test\/unit\/modules)\//.test(line))).toEqual([]);
});

it.each(['kernel', 'Kernel.x', '../x.y', ''])('refuses "%s" as a name', (name) => {
  const { status, stderr } = scaffold(name);
  expect(status).toBe(1);
  expect(stderr).toContain('is no module name: npm run new:module -- family.name');
});

it('never overwrites a module', () => {
  const before = readFileSync(join(copy, 'src/modules/file/managed.ts'), 'utf8');
  expect(scaffold('file.managed')).toMatchObject({
    status: 1,
    stderr: 'src/modules/file/managed.ts is already there\n',
  });
  expect(readFileSync(join(copy, 'src/modules/file/managed.ts'), 'utf8')).toBe(before);
});
