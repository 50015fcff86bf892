// quorate undo: a restore is taken back, and the cluster of before serves again.
import type { Command } from 'commander';
import { EXIT } from './exit.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, addStatesOptions, positiveNumber } from './options.ts';
import { printInputFailures } from './print.ts';
import {
  addClusterOption,
  describeRunbook,
  makeReady,
  type ProcedureCommandOptions,
  refuseNoRestore,
  refuseUnconfirmed,
  runToItsEnd,
} from './procedure.ts';
import { printFailures } from './snapshot-place.ts';

interface UndoOptions extends ProcedureCommandOptions {
  discardWrites?: true;
}

export function declareUndo(command: Command, shell: Shell): void {
  addHostOptions(command);
  addStatesOptions(command);
  addClusterOption(command)
    .option('--confirm <cluster>', 'the name of the cluster that stops and goes back')
    .option('--discard-writes', 'also what was written since API servers have begun again; how much is said')
    .option('--lock-wait <seconds>', 'wait this long for another run to end (default: 0)', positiveNumber);
  addOutputOptions(command).action(async (run: string, options: UndoOptions) => {
    shell.finish(await undo(run, options, shell.io));
  });
}

async function undo(run: string, options: UndoOptions, io: Io): Promise<number> {
  const [ready, other] = await Promise.all([makeReady('undo', options, io), refuseNoRestore(run, io)]);
  if (!ready.ok || other) {
    return printInputFailures([...(other ? [other] : []), ...(ready.ok ? [] : ready.failures)], options, io);
  }
  const { cluster } = ready.value;
  const unconfirmed = refuseUnconfirmed(cluster.name, options.confirm, 'docs/restore.md');
  if (unconfirmed) {
    await printFailures([unconfirmed], options, io);
    return EXIT.refused;
  }
  const [{ membersOf, prepareUndo }, { mark }] = await Promise.all([
    import('../engine/restore/go-on.ts'),
    import('../engine/restore/bring.ts'),
  ]);
  let { members } = cluster;
  return runToItsEnd({
    ready: ready.value,
    options,
    io,
    command: 'undo',
    run,
    prepare: (held) =>
      prepareUndo(held, {
        ...ready.value,
        run,
        discardWrites: options.discardWrites === true,
        tell: (sentence) => void io.stderr.write(`! ${sentence}\n`),
        announce(steps, record) {
          members = membersOf(cluster, record);
          const title = `Cluster ${cluster.name} goes back to what it was before ${record.from}`;
          io.stderr.write(`${describeRunbook(title, steps)}\n\n`);
        },
      }),
    finish: ({ live }) => mark(live, run, 'undone', members),
    next: () => 'mend what is said above, then run the same command again',
  });
}
