// How programs and sessions end: by themselves, at a limit, by an interruption or a lost connection.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { GRACE_SECONDS } from '../../../src/shell/loader.ts';
import { openLocalSession } from '../../../src/transport/local.ts';
import { SHELLS } from '../shell/shells.ts';
import { bytes, createLocalRig, delivered, mark, processes, show, signal, states, until } from './local-rig.ts';

const rig = createLocalRig();
const { run } = rig;

describe.each(SHELLS)('under %s', (name, shell) => {
  const open = (options: { env?: NodeJS.ProcessEnv; outputLimit?: number } = {}) => rig.open(name, shell, options);

  it('cuts a long output and says so; ends a program that prints without end', async () => {
    const on = open({ outputLimit: 1000 });
    const cut = await run(on, [
      { id: 'a', script: 'head -c 5000 /dev/zero' },
      { id: 'b', script: 'echo b' },
    ]);
    expect(cut.answers.map(({ stdout, truncated }) => [stdout.length, truncated])).toEqual([
      [1000, true],
      [2, false],
    ]);
    const endless = await run(on, [{ id: 'c', script: 'cat /dev/zero' }]);
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
      { limitMs: 1500 },
    );
    expect(answers.map(show)[0]?.stdout).toBe('done\n');
    expect(failure).toMatchObject({ reason: 'timeout', host: 'here', resource: 'slow' });
    await until(() => processes(`.${mark}`).length === 0);
    expect(await run(on, [{ id: 'a', script: ':' }])).toEqual({ answers: [], failure });
  });

  it('stops after the current part when the session is closed', async () => {
    const on = open();
    const running = run(on, [
      { id: 'a', script: `${rig.begins}; sleep 0.5; echo >'${rig.folder}/a'` },
      { id: 'b', script: `echo >'${rig.folder}/b'` },
    ]);
    await rig.begun();
    await on.close();
    expect((await running).failure?.resource).toBe('a');
    await until(() => existsSync(join(rig.folder, 'a')));
    await sleep(300);
    expect(existsSync(join(rig.folder, 'b'))).toBe(false);
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
      { kind: 'read', parts: [{ id: 'slow', script: `${rig.begins}; sleep 60; echo >'${rig.folder}/late'` }] },
      { signal: interrupt.signal, limitMs: 90_000 },
    );
    await rig.begun();
    interrupt.abort();
    expect((await running).failure).toMatchObject({ reason: 'interrupted', resource: 'slow' });
    expect(existsSync(join(rig.folder, 'late'))).toBe(false);
  });

  it.each(['closed', 'lost', 'killed'])('runs its last script once when the session is %s', async (how) => {
    const on = open();
    const log = join(rig.folder, 'exit');
    on.atExit('echo never');
    on.atExit(`echo bye >>'${log}'`);
    const pid = await run(on, [{ id: 'a', script: 'echo $$' }]);
    expect(existsSync(log)).toBe(false);
    if (how === 'closed') await on.close();
    if (how === 'lost') {
      const running = run(on, [{ id: 'b', script: `${rig.begins}; sleep 0.3` }]);
      await rig.begun();
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
    const log = join(rig.folder, 'exit');
    const running = run(on, [{ id: 'a', script: 'sleep 0.2' }]);
    on.atExit(`echo bye >>'${log}'`);
    expect(states((await running).answers)).toEqual(['a ran']);
    await on.close();
    expect(readFileSync(log, 'utf8')).toBe('bye\n');
  });

  it('lets heartbeats through before, beside and after programs, also before a large input', async () => {
    const on = open();
    const log = join(rig.folder, 'beats');
    const beats = () => (existsSync(log) ? readFileSync(log, 'utf8').length : 0);
    const beat = () => on.heartbeat(`printf . >>'${log}'; echo noise; echo noise >&2; exit 3`);
    beat();
    await until(() => beats() === 1);
    const content = bytes(300_000);
    const waiting = `${rig.begins}; while [ "$(wc -c <'${log}')" -lt 2 ]; do sleep 0.05; done`;
    const running = run(on, [
      { id: 'a', script: waiting },
      { id: 'b', script: 'wc -c <"$1"', inputs: [{ directory: rig.folder, content }] },
    ]);
    await rig.begun();
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

it('lets no program outlive its limit on a host that nobody watches any more', { timeout: 30_000 }, async () => {
  const scripts = [`trap "" PIPE; echo; sleep 27182.${mark}`, `trap "" PIPE TERM; echo; sleep 27183.${mark}`];
  const running = SHELLS.flatMap(([, shell]) =>
    scripts.map((script) => {
      const on = openLocalSession('here', { shell });
      return { on, result: on.read({ kind: 'read', parts: [{ id: 'slow', script }] }, { signal, limitMs: 1000 }) };
    }),
  );
  await until(() => processes(`.${mark}`).filter((line) => line.startsWith('sleep')).length === running.length, 10_000);
  await delivered();
  for (const { on, result } of running) {
    await on.close();
    expect((await result).failure).toMatchObject({ reason: 'interrupted', resource: 'slow' });
  }
  // First TERM, so that what can clean up does; what ignores it is killed.
  await until(() => processes(`sleep 27182.${mark}`).length === 0, 10_000);
  expect(processes(`sleep 27183.${mark}`)).toHaveLength(SHELLS.length);
  await until(() => processes(`sleep 27183.${mark}`).length === 0, 10_000);
});
