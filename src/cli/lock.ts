// quorate lock: who works on these hosts now, and how to end a lock that nobody gives back.
import type { Command } from 'commander';
import type { LockAnswer } from '../engine/lock.ts';
import { EXIT } from './exit.ts';
import { openHosts } from './hosts.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, type CommonOptions } from './options.ts';
import { print, printInputFailures, printJson, useColor } from './print.ts';
import { loadHosts } from './session.ts';

interface BreakOptions extends CommonOptions {
  confirm?: string;
}

export function declareLock(lock: Command, shell: Shell): void {
  const show = lock.command('show').description('who holds a lock on the targets; changes nothing');
  addOutputOptions(addHostOptions(show)).action(async (options: CommonOptions) => {
    shell.finish(await showLocks(options, shell.io));
  });
  const broken = lock
    .command('break')
    .description("end the holder's programs on the targets and take its lock away")
    .requiredOption('--confirm <run>', 'the run whose lock is broken, as `lock show` prints it');
  addOutputOptions(addHostOptions(broken)).action(async (options: BreakOptions) => {
    shell.finish(await breakLocks(options, shell.io));
  });
}

async function showLocks(options: CommonOptions, io: Io): Promise<number> {
  const scope = await loadHosts(options, io);
  if (!scope.ok) return printInputFailures(scope.failures, options, io);
  const { parseLockAnswer, showScript } = await import('../engine/lock.ts');
  const { lockName } = await import('../engine/locking.ts');
  const asked = await openHosts<LockAnswer>(scope.value, options, async (session, signal) => {
    const script = showScript(lockName(scope.value, session.host));
    const { answers, failure } = await session.read(
      { kind: 'read', parts: [{ id: 'lock', script }] },
      { signal, limitMs: scope.value.limits.program },
    );
    return failure ? { ok: false, failure } : { ok: true, value: parseLockAnswer(answers[0]!.stdout) };
  });
  if (options.json) {
    printJson({ schema: 1, hosts: Object.fromEntries(asked.values), failures: [...asked.failures.values()] }, io);
  } else {
    const { escapeForTerminal } = await import('../report/escape.ts');
    for (const [host, lock] of asked.values) print(`${host}: ${escapeForTerminal(describe(lock))}`, io);
    await printHostFailures(asked.failures, options, io);
  }
  return asked.failures.size === 0 ? EXIT.done : EXIT.unreachable;
}

function describe(lock: LockAnswer): string {
  if (lock.state !== 'held') return 'free';
  const alive = lock.alive ? 'its connection is alive' : 'its connection is gone: the next run takes the lock over';
  return `run ${lock.run} of ${lock.holder}, last sign of life ${lock.ageSeconds} s ago; ${alive}`;
}

async function breakLocks(options: BreakOptions, io: Io): Promise<number> {
  const scope = await loadHosts(options, io);
  if (!scope.ok) return printInputFailures(scope.failures, options, io);
  const { breakScript } = await import('../engine/lock.ts');
  const { lockName } = await import('../engine/locking.ts');
  const asked = await openHosts<string>(scope.value, options, async (session, signal) => {
    const script = breakScript(lockName(scope.value, session.host), options.confirm!);
    const { answers, failure } = await session.write(
      { kind: 'write', parts: [{ id: 'break', script }] },
      { signal, limitMs: scope.value.limits.program },
    );
    return failure ? { ok: false, failure } : { ok: true, value: new TextDecoder().decode(answers[0]!.stdout).trim() };
  });
  const { escapeForTerminal } = await import('../report/escape.ts');
  for (const [host, said] of asked.values) print(`${host}: ${escapeForTerminal(said)}`, io);
  await printHostFailures(asked.failures, options, io);
  if ([...asked.values.values()].some((said) => said.startsWith('held'))) return EXIT.refused;
  return asked.failures.size === 0 ? EXIT.done : EXIT.unreachable;
}

async function printHostFailures(
  failures: Awaited<ReturnType<typeof openHosts>>['failures'],
  options: CommonOptions,
  io: Io,
): Promise<void> {
  if (failures.size === 0) return;
  const { renderFailures } = await import('../report/failures.ts');
  io.stderr.write(`${renderFailures([...failures.values()], { color: useColor(options, io, io.stderr) })}\n`);
}
