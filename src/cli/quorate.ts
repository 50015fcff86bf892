// The process: standard streams in, an exit code out.
import { describeCrash, wantsTrace } from './crash.ts';
import { EXIT } from './exit.ts';
import { main, packageVersion } from './main.ts';

const argv = process.argv.slice(2);

// Whoever read this may have gone (`| head`): what a run does on hosts goes on, and so does its exit code.
process.stderr.on('error', () => {});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`the result could not be written: ${error.message}\n`);
  process.exitCode = EXIT.usage;
});
process.on('uncaughtException', (error) => {
  process.stderr.write(describeCrash(error, { version: packageVersion(), verbose: wantsTrace(argv) }));
  process.exit(EXIT.usage);
});

const code = await main(argv, process);
process.exitCode ??= code;
