import { spawn } from 'node:child_process';
import { Command, Option } from 'commander';
import { ProcessOutput } from 'zx';
import { ensureBase } from './base.ts';
import { LabFailure } from './failure.ts';
import { insideOf, keepAwake } from './guest.ts';
import { ensureKubernetesBase } from './kubernetes/base.ts';
import { type HostStatus, openLab } from './lab.ts';
import { recordOf, requireHost } from './lifecycle.ts';
import { requireMachine } from './requirements.ts';
import { settings } from './settings.ts';

const named = { id: process.env.QUORATE_LAB_ID, subnet: process.env.QUORATE_LAB_SUBNET };
const log = (line: string) => console.error(line);
const open = () => openLab(named);

const program = new Command('lab')
  .description('Real hosts on this machine, to develop and test against. Needs root on Linux.')
  .addHelpText(
    'after',
    '\nEnvironment: QUORATE_LAB_ID (default quorate), QUORATE_LAB_SUBNET (default 10.213.7). See docs/lab.md.',
  )
  .showHelpAfterError('(npm run lab -- --help shows the commands)')
  .enablePositionalOptions();

program.hook('preAction', requireMachine);

program
  .command('base')
  .description('build the image that hosts share, if there is none yet')
  .option('--kubelet', 'the one for hosts with a kubelet')
  .option('--kubernetes', 'the same one')
  .action(async (options: { kubelet?: boolean; kubernetes?: boolean }) =>
    console.log(await (options.kubelet || options.kubernetes ? ensureKubernetesBase(log) : ensureBase(log))),
  );

program
  .command('up')
  .description('make hosts m1 to mN, or add what is missing, and start what is down')
  .argument('[N]', 'how many hosts', Number, 3)
  .option('--fresh', 'from nothing: take down first what is there')
  .addOption(
    new Option(
      '--kubelet',
      'hosts that can run static pods: with containerd and a kubelet, which is not started',
    ).conflicts('kubernetes'),
  )
  .option('--kubernetes', 'hosts to make Kubernetes masters of: the same, but nothing is set up for the kubelet')
  .action(async (count: number, options: { fresh?: boolean; kubelet?: boolean; kubernetes?: boolean }) => {
    const lab = open();
    const before = lab.hosts().filter((host) => host.state === 'up').length;
    const started = performance.now();
    const hosts = await lab.up(count, { ...options, log });
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    log(before === count && !options.fresh ? `lab ${lab.id}: was up already` : `lab ${lab.id}: up in ${seconds} s`);
    for (const host of hosts) console.log(line(host));
  });

program
  .command('down')
  .description('remove the lab and all it made; the base stays')
  .action(() => open().down());

program
  .command('ls')
  .description('name, address and state (up, down, frozen) of each host')
  .option('--json', 'for a program to read')
  .action((options: { json?: boolean }) => {
    recordOf(settings(named));
    const hosts = open().hosts();
    console.log(options.json ? JSON.stringify(hosts, null, 2) : hosts.map(line).join('\n'));
  });

program
  .command('inventory')
  .description("print the path of the lab's inventory")
  .action(() => {
    recordOf(settings(named));
    console.log(open().inventoryPath);
  });

program
  .command('exec')
  .description('run a command as root inside a host; a single argument is for sh -c')
  .argument('<host>')
  .argument('<command...>')
  .passThroughOptions()
  .action((host: string, said: string[]) => {
    const command = said[0] === '--' ? said.slice(1) : said;
    const lab = settings(named);
    const [first = '', ...rest] = insideOf(
      lab,
      requireHost(lab, host),
      command.length === 1 ? String(command[0]) : command,
    );
    const running = spawn(first, rest, { stdio: 'inherit' });
    const letGo = keepAwake(running.pid);
    running.on('exit', (status, signal) => {
      letGo();
      process.exitCode = status ?? (signal ? 255 : 0);
    });
  });

const onHost = (name: string, description: string) => program.command(name).description(description).argument('<host>');
onHost('crash', 'take its power: every process ends at once').action((host: string) => open().crash(host));
onHost('start', 'boot it, with the files, disks and address it had').action((host: string) => open().start(host));
onHost('poweroff', 'shut it down in order').action((host: string) => open().poweroff(host));
onHost('freeze', 'stop all its processes where they are').action((host: string) => open().freeze(host));
onHost('thaw', 'let them go on').action((host: string) => open().thaw(host));
onHost('cut', 'pull its cable; with OTHER, drop only what the two say to each other')
  .argument('[other]')
  .action((host: string, other?: string) => open().cut(host, other));
onHost('disk', 'plug in an empty disk as /dev/DEVICE')
  .argument('<device>', 'for example xvdf')
  .argument('<size>', 'for example 64M or 2G')
  .action((host: string, device: string, size: string) => open().disk(host, device, size));
onHost('undisk', 'pull a disk and throw its content away')
  .argument('<device>')
  .action((host: string, device: string) => open().undisk(host, device));

program
  .command('heal')
  .description('mend cables and partitions: of HOST, of a pair, or all')
  .argument('[host]')
  .argument('[other]')
  .action((host?: string, other?: string) => open().heal(host, other));

function line(host: HostStatus): string {
  return `${host.name.padEnd(4)} ${host.address.padEnd(15)} ${host.state}${host.cut ? ', cable pulled' : ''}`;
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof ProcessOutput)
    console.error(`lab: a command on this machine failed: ${error.stderr.trim()}\n${error.message}`);
  else if (error instanceof LabFailure) console.error(`lab: ${error.message}`);
  else throw error;
  process.exitCode = 1;
}
