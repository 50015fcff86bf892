// quorate resume: a restore that was interrupted goes on, from any controller.
import type { Command } from 'commander';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, addStatesOptions, type CommonOptions, positiveNumber } from './options.ts';
import { printInputFailures } from './print.ts';
import { addClusterOption, describeRunbook, makeReady, refuseNoRestore, runToItsEnd } from './procedure.ts';

interface ResumeOptions extends CommonOptions {
  cluster?: string;
  rehearseLimit: number;
  saveLimit: number;
}

export function declareResume(command: Command, shell: Shell): void {
  addHostOptions(command);
  addStatesOptions(command);
  addClusterOption(command)
    .option('--lock-wait <seconds>', 'wait this long for another run to end (default: 0)', positiveNumber)
    .option('--rehearse-limit <seconds>', 'limit in seconds: for the rehearsal', positiveNumber, 1800)
    .option('--save-limit <seconds>', 'limit in seconds: for a survivor to give all it has', positiveNumber, 600);
  addOutputOptions(command).action(async (run: string, options: ResumeOptions) => {
    shell.finish(await resume(run, options, shell.io));
  });
}

async function resume(run: string, options: ResumeOptions, io: Io): Promise<number> {
  const [ready, other] = await Promise.all([makeReady('restore', options, io), refuseNoRestore(run, io)]);
  if (!ready.ok || other) {
    return printInputFailures([...(other ? [other] : []), ...(ready.ok ? [] : ready.failures)], options, io);
  }
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
    prepare: (held, _session, take) =>
      prepareResume(held, {
        ...ready.value,
        run,
        async saveSurvivor(cluster, record) {
          const [{ saveSurvivor }, { readFence, survivorWish }] = await Promise.all([
            import('../engine/restore/survivor.ts'),
            import('./restore-survivor.ts'),
          ]);
          const fence = await readFence();
          if (!fence.ok) return fence;
          const wish = survivorWish({ ...ready.value, cluster }, fence.value, options, io);
          return saveSurvivor(held, wish, record, take);
        },
        announce(steps, record) {
          members = membersOf(cluster, record);
          const title = `Cluster ${cluster.name} (${members.join(' ')}) goes on going back to ${record.from}`;
          io.stderr.write(`${steps.length > 0 ? describeRunbook(title, steps) : title}\n\n`);
        },
      }),
    beforeNoReturn: ({ live }) => mark(live, run, RELEASED, members),
    finish: ({ live }) => mark(live, run, 'done', members),
    next: () => `mend what is said above, then run the same command again`,
  });
}
