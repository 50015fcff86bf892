// Write programs: what waits for what, and reactions that no crash can lose.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pendingName, writePrelude } from '../../../src/engine/host-prelude.ts';
import type { Intent, Work } from '../../../src/engine/make-plan.ts';
import { HOST_HOME } from '../../../src/engine/places.ts';
import { writeProgram } from '../../../src/engine/write.ts';
import type { AnyModule } from '../../../src/modules/module.ts';
import { SHELLS } from '../shell/shells.ts';
import { createModule, load, plan, type Scene } from './scene.ts';

function programOf(scene: Scene, work = [...plan(scene).work.values()], all: Intent['work'] = plan(scene).work) {
  return writeProgram(work, { run: 'r1', graph: load(scene).graph, all });
}

describe('a part', () => {
  const parts = (scene: Scene) => Object.fromEntries(programOf(scene).parts.map((part) => [part.id, part]));

  it('needs its requisites of the same program, also through what has nothing to do', () => {
    const made = parts({
      resources: { a: {}, b: { require: ['a'] }, c: { watch: ['b'] }, d: { onchanges: ['a'] }, e: {} },
      seen: { m1: { b: 'new' } },
    });
    expect(Object.fromEntries(Object.entries(made).map(([id, { needs }]) => [id, needs]))).toEqual({
      a: [],
      'after a': undefined,
      c: ['a'],
      'after c': undefined,
      d: ['a'],
      'after d': undefined,
      e: [],
      'after e': undefined,
    });
  });

  it('that stands by runs if one of its own has failed, and needs none of them', () => {
    const made = parts({ resources: { a: {}, b: {}, c: { onfail: ['a', 'b'] } } });
    expect(made.c).toMatchObject({ onfail: ['a', 'b'], needs: [] });
    expect(made.a!.onfail).toBeUndefined();
  });

  it('is guarded by what the plan has seen, and read again afterwards', () => {
    const made = parts({ resources: { a: {} } });
    expect(made.a!.guard).toEqual({ read: 'echo word', fingerprint: 'word old' });
    expect(made['after a']).toEqual({ id: 'after a', script: 'echo word' });
  });
});

it('the file name of a pending reaction is another for each id, however long, and means nothing to a shell', () => {
  const long = `s/a[${'/'.repeat(128)}]`;
  const names = ['s/a', 's/a[x]', 's_a', 's/a b', "s/'$(x)", long, `${long}x`].map(pendingName);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[\w%.!~*'()-]{1,200}$/);
});

describe.each(SHELLS)('under %s', (_name, [command, ...args]) => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'quorate-write-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));
  const pending = () => (existsSync(join(home, 'pending')) ? readdirSync(join(home, 'pending')).sort() : []);
  const journal = () => readFileSync(join(home, 'runs/r1/journal.jsonl'), 'utf8').trim().split('\n');

  /** Runs the write of `id`, whose module writes with `script`. */
  function write(scene: Scene, id: string, script: string): number | null {
    const intent = plan(scene);
    const work = [...intent.work.values()].map((each): Work => {
      const module = createModule(each.declaration.module.reacts === true, script) as AnyModule;
      return { ...each, declaration: { ...each.declaration, module } };
    });
    const { parts, prelude } = programOf(scene, work, intent.work);
    const text = [prelude, parts.find((part) => part.id === id)!.script].join('\n').replaceAll(HOST_HOME, home);
    return spawnSync(command, [...args, '-c', text]).status;
  }

  const WATCHED: Scene = {
    resources: { a: {}, 's/b[x y]': { watch: ['a'], reacts: true }, c: { onchanges: ['a'] }, d: { require: ['a'] } },
    seen: { m1: { 's/b[x y]': 'new' } },
  };
  const REACTORS = [pendingName('s/b[x y]'), 'c'].sort();

  it('a reaction is recorded before the write that it reacts to', () => {
    expect(write(WATCHED, 'a', `ls ${HOST_HOME}/pending >${HOST_HOME}/seen`)).toBe(0);
    expect(readFileSync(join(home, 'seen'), 'utf8').trim().split('\n').sort()).toEqual(REACTORS);
    expect(pending()).toEqual(REACTORS);
  });

  it('nothing is written where the reaction cannot be recorded', () => {
    mkdirSync(join(home, 'runs/r1'), { recursive: true });
    writeFileSync(join(home, 'pending'), 'no directory');
    expect(write(WATCHED, 'a', `: >${HOST_HOME}/written`)).not.toBe(0);
    expect(existsSync(join(home, 'written'))).toBe(false);
  });

  it('a reaction is forgotten when it has succeeded, and only its own', () => {
    write(WATCHED, 'a', ':');
    expect(write(WATCHED, 's/b[x y]', ':')).toBe(0);
    expect(pending()).toEqual(['c']);
    expect(journal().map((line) => JSON.parse(line))).toMatchObject([
      { resource: 'a', event: 'begin' },
      { resource: 'a', event: 'end', status: 0 },
      { resource: 's/b[x y]', event: 'begin' },
      { resource: 's/b[x y]', event: 'end', status: 0 },
    ]);
  });

  it.each([
    ['failed', 'exit 3'],
    ['was killed in the middle', 'kill -9 $$'],
  ])('a reaction that %s stays pending', (_how, script) => {
    write(WATCHED, 'a', ':');
    expect(write(WATCHED, 's/b[x y]', script)).not.toBe(0);
    expect(pending()).toEqual(REACTORS);
  });

  it("the run's own directory is its user's alone", () => {
    write(WATCHED, 'a', ':');
    const { stdout } = spawnSync('stat', ['-c', '%a', join(home, 'runs/r1'), join(home, 'pending')], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('700\n700\n');
  });
});

it('the prelude names the run to the scripts of modules', () => {
  expect(writePrelude("r'1")).toContain("Q_RUN='r'\\''1'");
});
