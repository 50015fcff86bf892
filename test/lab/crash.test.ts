// The controller dies, hangs or is interrupted, or there are two: the next run finishes the work, and no two write at once.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { randomNumbers } from './random.ts';
import { openRig, type Rig, type Running } from './rig.ts';
import { saying } from './saying.ts';
import { createWorkload, GO, STATE, type Workload } from './workload.ts';

const HOSTS = ['m1', 'm2', 'm3'];
const APPLY = ['apply', STATE, '-t', 'all', '--yes'];
const WAITING = [...APPLY, '--lock-wait', '60'];
const BIG_FILE_BYTES = 8 * 1024 * 1024;
const BIG_STATE = `description: A file that takes its time.
resources:
  file:
    file.managed: { path: /srv/big, template: big.hbs, sensitive: true }
`;
let rig: Rig;
let workload: Workload;
/** Controllers that a test started and perhaps stopped. */
const held: Running[] = [];

beforeAll(async () => {
  rig = await openRig('tcrash', '10.213.63', HOSTS.length);
  workload = createWorkload(rig);
  workload.advance();
  expect(await rig.quorate(...APPLY)).toMatchObject({ status: 0 });
});
// Whatever a test left behind, the next one finds hosts that nobody works on.
afterEach(async () => {
  for (const controller of held.splice(0)) {
    controller.kill();
    await controller.ended;
  }
  await rig.lab.heal();
  await release();
  await expect.poll(() => everywhere('ls /run/quorate'), { timeout: 60_000 }).toEqual(['', '', '']);
  await rig.lab.run('m3', `rm -f ${GO}`);
});
afterAll(() => rig?.close());

/** Runs a script on every host; what each said. */
const everywhere = (script: string) => Promise.all(HOSTS.map((host) => rig.lab.run(host, script)));

/** The files that each host has, with their sums. */
async function filesOnHosts(): Promise<Record<string, string>[]> {
  const said = await everywhere('sha256sum /srv/app/*');
  return said.map((text) =>
    Object.fromEntries(text.split('\n').map((line) => [line.slice(66), line.slice(0, 64)] as const)),
  );
}

/** Everything is of this generation, the service too, and nothing of a run is left lying about. */
async function expectConverged(): Promise<void> {
  const leftovers = `
    find /srv /etc /run /tmp /var/lib/quorate -name '.quorate-??????'
    ls /var/lib/quorate/pending /run/quorate | grep -v ':$' | grep .
    cmp /srv/app/config /run/app.config 2>&1 || :`;
  const { '/srv/app/together': together, ...files } = workload.sums();
  const [left, found] = await Promise.all([everywhere(leftovers), filesOnHosts()]);
  expect(left).toEqual(['', '', '']);
  expect(found).toEqual([{ ...files, '/srv/app/together': together }, files, files]);
}

/** A run that is in the midst of `slow` on m3 until `release`; on the other hosts its stage is done. */
async function startHeld(): Promise<Running & { run: string }> {
  workload.advance('held');
  const running = rig.start(...APPLY, '-v');
  held.push(running);
  const done = ['m1', 'm2'].flatMap((host) => ['file-f', 'service'].map((last) => `${host}: changed ${STATE}/${last}`));
  for (const text of [...done, `m3: ${STATE}/slow …`]) await saying(running, text);
  return { ...running, run: /run (\S+):/.exec(running.said())![1]! };
}

const release = () => rig.lab.run('m3', `touch ${GO}`);

/** What `slow` wrote down on m3: `begin PID` and `end PID`. */
const stepsOnM3 = async () => (await rig.lab.run('m3', 'cat /var/log/steps')).split('\n');

/** Every `slow` that ended, ended before the next one began. */
function expectOneAtATime(steps: string[]): void {
  for (const [at, step] of steps.entries()) {
    if (step.startsWith('end')) expect(steps[at - 1], steps.join('\n')).toBe(step.replace('end', 'begin'));
  }
}

async function expectRerunConverges(): Promise<void> {
  const again = await rig.quorate(...WAITING);
  expect(again.status, `${again.stderr}\n${again.stdout}`).toBe(0);
  await expectConverged();
}

describe('a controller that is killed', () => {
  /** Every file is whole, of this generation or of the one before it. */
  async function expectWholeFiles(): Promise<void> {
    const possible = [workload.sums(workload.generation - 1), workload.sums()];
    for (const files of await filesOnHosts()) {
      for (const [path, sum] of Object.entries(files))
        expect(
          possible.map((sums) => sums[path]),
          path,
        ).toContain(sum);
    }
  }

  it('at any moment leaves only whole files, and the next run converges without losing a restart', async () => {
    workload.advance();
    const began = performance.now();
    const whole = rig.start(...APPLY);
    await saying(whole, 'run ');
    const first = performance.now() - began;
    expect((await whole.ended).status).toBe(0);
    const last = performance.now() - began;

    const MOMENTS = 30;
    const random = randomNumbers(20);
    let killed = 0;
    for (let moment = 0; moment < MOMENTS; moment++) {
      workload.advance();
      const running = rig.start(...APPLY);
      await sleep(first + ((last - first) * (moment + random())) / MOMENTS);
      running.kill();
      if ((await running.ended).status === null) killed += 1;
      await expectWholeFiles();
      await expectRerunConverges();
    }
    expect(killed).toBeGreaterThan(MOMENTS / 2);
    expectOneAtATime(await stepsOnM3());
  });

  it('with a file on its way leaves the old one whole, and no part of the new one', async () => {
    rig.write({ 'states/big.yaml': BIG_STATE, 'states/big.hbs': '0'.repeat(BIG_FILE_BYTES) });
    expect((await rig.quorate('apply', 'big', '-t', 'm2', '--yes')).status).toBe(0);
    const whole = (time: number) => `${BIG_FILE_BYTES} ${time}`;
    const onHost = "echo $(stat -c %s /srv/big) $(fold -b -w 1 /srv/big | uniq | tr -d '\\n')";
    let old = 0;
    for (let time = 1; time <= 3; time++) {
      const before = await rig.lab.run('m2', onHost);
      rig.write({ 'states/big.hbs': String(time).repeat(BIG_FILE_BYTES) });
      const running = rig.start('apply', 'big', '-t', 'm2', '--yes', '-v');
      await saying(running, 'm2: big/file …');
      await rig.lab.freeze('m2');
      running.kill();
      await running.ended;
      await rig.lab.thaw('m2');
      await expect.poll(() => rig.lab.run('m2', 'ls /run/quorate'), { timeout: 60_000 }).toBe('');
      expect(await rig.lab.run('m2', 'ls -A /srv | grep quorate- || :')).toBe('');
      const after = await rig.lab.run('m2', onHost);
      expect([before, whole(time)]).toContain(after);
      if (after === before) old += 1;
    }
    expect(old).toBeGreaterThan(0);
  });

  it('leaves a step that goes on, and its successor waits for the end of it', async () => {
    const orphaned = await startHeld();
    orphaned.kill();
    const successor = rig.start(...WAITING);
    await saying(successor, `is locked by run ${orphaned.run} of `);
    await release();
    expect((await successor.ended).status).toBe(0);
    await expectConverged();
    expectOneAtATime(await stepsOnM3());

    const journal = async (run: string) => {
      const text = await rig.lab.run('m3', `cat /var/lib/quorate/runs/${run}/journal.jsonl`);
      return text.split('\n').map((line) => JSON.parse(line));
    };
    const last = (await journal(orphaned.run)).at(-1);
    expect(last).toMatchObject({ resource: `${STATE}/slow`, event: 'end', status: 0 });
    const [first] = await journal(/run (\S+):/.exec(successor.said())![1]!);
    expect(first.at >= last.at).toBe(true);
  });

  it('leaves a host to its orphan while that lasts: nothing is done there, nor what requires it', async () => {
    const orphaned = await startHeld();
    orphaned.kill();
    const { status, document } = await rig.json(...APPLY);
    expect(status).toBe(5);
    expect(document.failures).toMatchObject([
      {
        reason: 'locked',
        host: 'm3',
        message: expect.stringContaining(orphaned.run),
        next: expect.stringContaining('--lock-wait'),
      },
    ]);
    const having = (outcome: string) =>
      document.results.filter((r) => r.outcome === outcome).map((r) => `${r.host} ${r.resource}`);
    expect(having('changed')).toEqual([]);
    expect(having('blocked').sort()).toEqual([`m1 ${STATE}/last`, `m1 ${STATE}/together`, `m2 ${STATE}/last`]);
    await release();
    await expectRerunConverges();
    expectOneAtATime(await stepsOnM3());
  });
});

describe('two controllers at once', () => {
  it('never both work: one does, and the other is told who holds the lock and writes nothing', async () => {
    for (let time = 0; time < 20; time++) {
      rig.write({
        'states/race.yaml': `description: A race.
resources:
  won: { file.managed: { path: /srv/app/won, content: "${time}\\n" } }
  wait: { command.run: { command: sleep 0.5 }, watch: [won] }
`,
      });
      const racers = await Promise.all([1, 2].map(() => rig.json('apply', 'race', '-t', 'all', '--yes')));
      const [winner, loser] = racers.sort((a, b) => a.status! - b.status!);
      expect([winner!.status, loser!.status], loser!.stderr).toEqual([0, 5]);
      expect(loser!.document.failures).toMatchObject([
        { reason: 'locked', message: expect.stringContaining(`main is locked by run ${winner!.document.run} of `) },
      ]);
      expect(loser!.document.results).toEqual([]);
      const traces = `cat /srv/app/won; ls -d /var/lib/quorate/*/${loser!.document.run} /run/quorate/* 2>/dev/null || :`;
      expect(await everywhere(traces)).toEqual(HOSTS.map(() => `${time}`));
    }
    await everywhere('rm /srv/app/won');
  });
});

describe('a controller that hangs', () => {
  it('loses the lock to the next run after a minute, and can write no more when it goes on', async () => {
    const frozen = await startHeld();
    frozen.kill('SIGSTOP');
    const refused = await rig.json(...APPLY);
    expect(refused.status).toBe(5);
    expect(refused.document.failures[0]!.message).toContain(frozen.run);

    const [group] = (await rig.lab.run('m3', 'cut -d " " -f 5 /run/quorate/main.lock')).split('\n');
    expect(await rig.lab.run('m3', `pgrep -g ${group} sleep | wc -l`)).not.toBe('0');
    await everywhere("touch -d '-61 seconds' /run/quorate/main.lock");
    workload.advance();
    // Two want it now, and one gets it.
    const contenders = await Promise.all([1, 2].map(() => rig.quorate(...APPLY)));
    expect(contenders.map(({ status }) => status).sort()).toEqual([0, 5]);
    await expectConverged();
    expect(await rig.lab.run('m3', `pgrep -g ${group} | wc -l`)).toBe('0');
    expectOneAtATime(await stepsOnM3());

    frozen.kill('SIGCONT');
    const ended = await frozen.ended;
    expect(ended.status).toBe(5);
    expect(ended.stdout).toContain('stopped, because the locks of main were lost');
    await expectConverged();
  });

  it('is shown by `lock show`, and `lock break` ends it, given the right run', async () => {
    const frozen = await startHeld();
    frozen.kill('SIGSTOP');
    const shown = await rig.quorate('lock', 'show', '-t', 'all');
    expect(shown.status).toBe(0);
    expect(shown.stdout.match(new RegExp(`^m\\d: run ${frozen.run} of \\S+, last sign of life`, 'gm'))).toHaveLength(3);

    const wrong = await rig.quorate('lock', 'break', '-t', 'all', '--confirm', '20200101T000000Z-000000');
    expect(wrong.status).toBe(5);
    expect(wrong.stdout).toContain(`m1: held by run ${frozen.run}, which was not named: left alone`);
    expect((await rig.quorate('lock', 'show', '-t', 'all')).stdout.match(new RegExp(frozen.run, 'g'))).toHaveLength(3);

    const broken = await rig.quorate('lock', 'break', '-t', 'all', '--confirm', frozen.run);
    expect(broken.status).toBe(0);
    expect(broken.stdout).toMatch(new RegExp(`^(m\\d: broken: run ${frozen.run} of \\S+\n){3}$`));
    expect((await rig.quorate('lock', 'show', '-t', 'all')).stdout).toBe('m1: free\nm2: free\nm3: free\n');
    workload.advance();
    expect(await rig.quorate(...APPLY)).toMatchObject({ status: 0 });
    frozen.kill('SIGCONT');
    expect((await frozen.ended).status).toBe(5);
    await expectConverged();
  });
});

describe('a minority of the members', () => {
  it('is not written to, unless --minority-lock says so', async () => {
    workload.advance();
    await Promise.all(['m2', 'm3'].map((host) => rig.lab.cut(host)));
    try {
      const before = await rig.lab.fingerprint('m1');
      const refused = await rig.json(...APPLY, '--connect-limit', '12');
      expect(refused.status).toBe(5);
      expect(refused.document.failures).toMatchObject([
        { reason: 'unreachable', host: 'm2' },
        { reason: 'unreachable', host: 'm3' },
        {
          reason: 'locked',
          message: expect.stringContaining('only 1 of 3'),
          next: expect.stringContaining('--minority-lock'),
        },
      ]);
      expect(await rig.lab.fingerprint('m1')).toBe(before);

      const allowed = await rig.json(...APPLY, '--connect-limit', '12', '--minority-lock');
      expect(allowed.status).toBe(4);
      expect(allowed.document.hosts).toMatchObject({ m1: { changed: 9, blocked: 2 }, m2: { unreachable: 12 } });
    } finally {
      await rig.lab.heal();
    }
    await expectRerunConverges();
  });
});

describe('Ctrl-C', () => {
  it('stops at the end of the stage and says where; the next run goes on', async () => {
    workload.advance();
    const running = rig.start(...APPLY, '-v');
    await saying(running, `m1: ${STATE}/slow …`);
    running.kill('SIGINT');
    const { status, stdout, stderr } = await running.ended;
    expect(status).toBe(130);
    expect(stderr).toContain('interrupted: stopping after the stage that runs now');
    expect(stdout).toContain('stopped after stage 1 of 3');
    expect(stderr).not.toContain('stage 2 of 3');
    for (const files of await filesOnHosts()) {
      expect(files['/srv/app/f']).toBe(workload.sums()['/srv/app/f']);
      expect(files['/srv/app/last']).toBe(workload.sums(workload.generation - 1)['/srv/app/last']);
    }
    expect(await everywhere('ls /run/quorate')).toEqual(['', '', '']);
    await expectRerunConverges();
  });

  it('twice ends it at once; what a host is in the middle of, it finishes', async () => {
    const running = await startHeld();
    running.kill('SIGINT');
    await saying(running, 'interrupted: stopping');
    running.kill('SIGINT');
    const { status, stdout } = await running.ended;
    expect(status).toBe(130);
    expect(stdout).toMatch(/slow\n\s+the run was interrupted/);
    expect((await stepsOnM3()).at(-1)).toMatch(/^begin/);
    await release();
    await expectRerunConverges();
    expectOneAtATime(await stepsOnM3());
  });

  it('ends a run that waits for the lock, which has written nothing', async () => {
    const holder = await startHeld();
    const waiting = rig.start(...WAITING);
    await saying(waiting, 'waiting up to');
    waiting.kill('SIGINT');
    const { status, stdout } = await waiting.ended;
    expect(status).toBe(130);
    expect(stdout).toContain('stopped before the lock was held: nothing was written');
    await release();
    expect((await holder.ended).status).toBe(0);
    await expectConverged();
  });
});
