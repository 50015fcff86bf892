// quorate resume: a restore that was interrupted goes on, from any controller.
import type { Command } from 'commander';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, addStatesOptions, type CommonOptions, positiveNumber } from './options.ts';
import { printInputFailures } from './print.ts';
import { describeRunbook, makeReady, runToItsEnd } from './procedure.ts';

export function addResumeCommand(program: Command, shell: Shell): void {
  const command = program
    .command('resume')
    .argument('<run>', 'the restore, as it was called')
    .description(
      'go on with a restore that was interrupted: what is left to do is seen on the hosts, and they have what it needs',
    );
  addHostOptions(command);
  addStatesOptions(command);
  command.option('--lock-wait <seconds>', 'wait this long for another run to end (default: 0)', positiveNumber);
  addOutputOptions(command).action(async (run: string, options: CommonOptions) => {
    shell.finish(await resume(run, options, shell.io));
  });
}

async function resume(run: string, options: CommonOptions, io: Io): Promise<number> {
  const ready = await makeReady('restore', options, io);
  if (!ready.ok) return printInputFailures(ready.failures, options, io);
  const [{ membersOf, prepareResume }, { mark }, { RELEASED }] = await Promise.all([
    import('../engine/restore/go-on.ts'),
    import('../engine/restore/bring.ts'),
    import('../engine/restore/record.ts'),
  ]);
  const { cluster } = ready.value;
  let { members } = cluster;
  return runToItsEnd({
    ready: ready.value,
    options,
    io,
    command: 'resume',
    run,
    prepare: (held) =>
      prepareResume(held, {
        ...ready.value,
        run,
        announce(steps, record) {
          members = membersOf(cluster, record);
          const title = `Cluster ${cluster.name} (${members.join(' ')}) goes on going back to ${record.from}`;
          io.stderr.write(`${describeRunbook(title, steps)}\n\n`);
        },
      }),
    beforeNoReturn: ({ live }) => mark(live, run, RELEASED, members),
    finish: ({ live }) => mark(live, run, 'done', members),
    next: () => `mend what is said above, then run the same command again`,
  });
}
