// The process: standard streams in, an exit code out.
import { EXIT } from './exit.ts';
import { packageHelp, packageVersion } from './package.ts';

const argv = process.argv.slice(2);

// Whoever read this may have gone (`| head`): what a run does on hosts goes on, and so does its exit code.
process.stderr.on('error', () => {});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`the result could not be written: ${error.message}\n`);
  process.exitCode = EXIT.usage;
});

const answer = argv.length === 1 ? answerAtOnce(argv[0]!) : undefined;
if (answer === undefined) await run();
else process.stdout.write(answer);

/** What is known without commander, which alone takes a third of the time of such a start. */
function answerAtOnce(word: string): string | undefined {
  if (word === '--version' || word === '-V') return `${packageVersion()}\n`;
  return word === '--help' || word === '-h' ? packageHelp() : undefined;
}

async function run(): Promise<void> {
  const [{ describeCrash, wantsTrace }, { main }] = await Promise.all([import('./crash.ts'), import('./main.ts')]);
  process.on('uncaughtException', (error) => {
    process.stderr.write(describeCrash(error, { version: packageVersion(), verbose: wantsTrace(argv) }));
    process.exit(EXIT.usage);
  });
  const code = await main(argv, process);
  process.exitCode ??= code;
}
