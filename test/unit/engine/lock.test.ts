// The lock's scripts, run for real under each shell: one holder at a time, whoever dies and however many ask at once.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  acquireScript,
  breakScript,
  heartbeatScript,
  lockMajority,
  parseLockAnswer,
  releaseScript,
  STALE_SECONDS,
  showScript,
} from '../../../src/engine/lock.ts';
import { SHELLS } from '../shell/shells.ts';
import { type Contender, contend } from './contender.ts';

let folder: string;
let file: string;
let contenders: Contender[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-lock-'));
  file = join(folder, 'main.lock');
});
afterEach(async () => {
  await Promise.all(contenders.map((contender) => contender.kill()));
  contenders = [];
  rmSync(folder, { recursive: true });
});

const claim = (run: string) => ({ name: 'main', run, holder: `ada@${run}` });
const owner = () => readFileSync(file, 'utf8').split(' ')[0];

function age(seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  utimesSync(file, then, then);
}

/** Each step that others can see comes a little late, in each process by another time: so windows between them open. */
const JITTER = `
ln() { sleep 0.0$(($$ % 10)); command ln "$@"; }
mv() { sleep 0.0$(($$ % 7)); command mv "$@"; }
`;

/** The processes of a group that still run: one that has ended may wait to be reaped. */
function runningIn(group: number): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const [state, , itsGroup] = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return Number(itsGroup) === group && state !== 'Z';
    } catch {
      return false;
    }
  });
}

describe.each(SHELLS)('under %s', (_name, shell) => {
  function start(script: string, last?: string): Contender {
    const contender = contend(shell, folder, script, last);
    contenders.push(contender);
    return contender;
  }
  const acquire = (run: string, before = '') => start(before + acquireScript(claim(run)), releaseScript(claim(run)));
  const ask = async (script: string) => {
    const contender = start(script);
    const answer = await contender.answered;
    await contender.end();
    return answer;
  };

  it('a free lock is taken, also twice by one run, and the next is told whose it is', async () => {
    expect(await ask(showScript('main'))).toBe('');
    expect(await acquire('r1').answered).toBe('locked');
    expect(await ask(acquireScript(claim('r1')))).toBe('locked');
    const held = parseLockAnswer(new TextEncoder().encode(await ask(acquireScript(claim('r2')))));
    expect(held).toEqual({ state: 'held', run: 'r1', holder: 'ada@r1', ageSeconds: expect.any(Number), alive: true });
    expect(await ask(showScript('main'))).toMatch(/^held r1 ada@r1 \d+ alive$/);
    expect(readdirSync(folder)).toEqual(['main.lock']);
  });

  it('a connection that ends gives back its own lock, and no other', async () => {
    const first = acquire('r1');
    await first.answered;
    await ask(releaseScript(claim('r2')));
    expect(owner()).toBe('r1');
    await first.end();
    expect(existsSync(file)).toBe(false);
    expect(await acquire('r2').answered).toBe('locked');
  });

  it('a heartbeat keeps a lock fresh, and only its own', async () => {
    await acquire('r1').answered;
    age(STALE_SECONDS + 5);
    await ask(heartbeatScript(claim('r2')));
    expect(await ask(showScript('main'))).toMatch(/ 6\d alive$/);
    await ask(heartbeatScript(claim('r1')));
    expect(await ask(showScript('main'))).toMatch(/ \d alive$/);
  });

  it('the lock of a loader that is gone is free at once', async () => {
    const first = acquire('r1');
    await first.answered;
    await first.kill();
    expect(await ask(showScript('main'))).toMatch(/^held r1 ada@r1 \d+ gone$/);
    expect(await acquire('r2').answered).toBe('locked');
    expect(owner()).toBe('r2');
  });

  it('a pid that somebody else has now, or that is from before a reboot, holds nothing', async () => {
    for (const [field, value] of [
      [3, '1'],
      [5, 'another-boot'],
    ] as const) {
      const first = acquire('r1');
      await first.answered;
      const words = readFileSync(file, 'utf8').trim().split(' ');
      writeFileSync(file, `${words.with(field, value).join(' ')}\n`);
      expect(await ask(acquireScript(claim('r2')))).toBe('locked');
      rmSync(file);
      // Whoever has that pid now is left alone.
      expect(process.kill(first.pid, 0)).toBe(true);
    }
  });

  it('a stale lock is taken over, and what its holder still runs is ended first', async () => {
    const first = start(`${acquireScript(claim('r1'))}\nsleep 1000 >/dev/null & sleep 1000 >/dev/null &`);
    await first.answered;
    age(STALE_SECONDS - 10);
    expect(await ask(acquireScript(claim('r2')))).toMatch(/^held r1 /);
    age(STALE_SECONDS + 1);
    expect(await acquire('r2').answered).toBe('locked');
    await first.ended;
    expect(runningIn(first.pid)).toEqual([]);
    expect(owner()).toBe('r2');
  });

  it('is broken for the run that was named, and for no other', async () => {
    const first = acquire('r1');
    await first.answered;
    expect(await ask(breakScript('main', 'r2'))).toBe('held by run r1, which was not named: left alone');
    expect(owner()).toBe('r1');
    expect(await ask(breakScript('main', 'r1'))).toBe('broken: run r1 of ada@r1');
    await first.ended;
    expect(await ask(breakScript('main', 'r1'))).toBe('free');
  });

  const STARTS: [how: string, rounds: number, prepare: () => Promise<void>][] = [
    ['a free lock', 10, async () => {}],
    [
      'the lock of one that is gone',
      12,
      async () => {
        const gone = acquire('gone');
        await gone.answered;
        await gone.kill();
      },
    ],
    [
      'a stale lock',
      4,
      async () => {
        await acquire('stale').answered;
        age(STALE_SECONDS + 1);
      },
    ],
  ];
  it.each(STARTS)('of many that want %s at once, exactly one has it, every time', async (_how, rounds, prepare) => {
    for (let round = 0; round < rounds; round += 1) {
      await prepare();
      const runs = Array.from({ length: 6 }, (_, at) => `r${round}-${at}`);
      const rivals = runs.map((run) => acquire(run, round % 2 === 0 ? '' : JITTER));
      const answers = await Promise.all(rivals.map((rival) => rival.answered));
      const winners = runs.filter((_, at) => answers[at] === 'locked');
      expect({ round, winners, answers }).toEqual({ round, winners: [owner()], answers: expect.anything() });
      await Promise.all(contenders.map((contender) => contender.end()));
      contenders = [];
      expect(readdirSync(folder).filter((name) => name !== 'main.lock.broken')).toEqual([]);
    }
  });
});

it('a majority is more than half', () => {
  expect([1, 2, 3, 4, 5].map(lockMajority)).toEqual([1, 2, 2, 3, 3]);
});
