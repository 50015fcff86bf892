// quorate pillar init: the inventory and the pillar of a cluster that others have set up, read from its hosts.
import type { Command } from 'commander';
import type { SeenMaster } from '../engine/adoption/parse.ts';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Host, Inventory } from '../inventory/inventory.ts';
import { EXIT } from './exit.ts';
import { openHosts } from './hosts.ts';
import type { Io, Shell } from './io.ts';
import {
  addConnectionOptions,
  addInventoryOptions,
  addOutputOptions,
  type CommonOptions,
  inventoryPath,
  limitSeconds,
  targetPattern,
} from './options.ts';
import { printInputFailures, printJson, printVisibly, useColor } from './print.ts';

interface InitOptions extends CommonOptions {
  into: string;
  cluster: string;
}

export function addPillarInitCommand(pillar: Command, shell: Shell): void {
  const init = pillar
    .command('init')
    .description(
      'write the inventory and pillar of a running cluster that kubeadm or others have set up; changes no host',
    )
    .argument('[hosts...]', 'addresses of its members, [USER@]HOST[:PORT], in place of an inventory');
  addConnectionOptions(addInventoryOptions(init))
    .option('--into <folder>', 'where inventory/ and pillar/ are written; no file is ever overwritten', '.')
    .option('--cluster <name>', 'what the cluster is called, where the inventory does not say', 'main');
  addOutputOptions(init).action(async (hosts: string[], options: InitOptions) => {
    shell.finish(await initPillar(hosts, options, shell.io));
  });
}

async function initPillar(addresses: string[], options: InitOptions, io: Io): Promise<number> {
  const asked = addresses.length > 0 ? fromAddresses(addresses, options) : await fromInventory(options, io);
  const ready = asked.ok ? await withPassword(asked.value, options, io) : asked;
  if (!ready.ok) return printInputFailures(ready.failures, options, io);
  const masters = await lookAt(ready.value, options);
  if (masters.failures.length > 0) return printHostFailures(masters.failures, EXIT.unreachable, options, io);

  const { describeCluster } = await import('../engine/adoption/describe.ts');
  const { members, notes, failures } = describeCluster(masters.seen);
  const { nameMembers } = await import('../engine/adoption/name.ts');
  const named = failures.length > 0 ? fail(...failures) : nameMembers(members, ready.value);
  if (!named.ok) return printHostFailures(named.failures, EXIT.refused, options, io);
  const { makeFiles } = await import('../engine/adoption/files.ts');
  const { cluster, group } = ready.value;
  const files = makeFiles(cluster, group, named.value.members);
  const { placeFiles, proveFiles } = await import('../engine/adoption/place.ts');
  const proven = await proveFiles(files, ready.value.inventory);
  const placed = proven.ok ? await placeFiles(options.into, files) : proven;
  if (!placed.ok) return printInputFailures(placed.failures, options, io);

  const told = [...named.value.notes, ...notes];
  if (options.json) printJson({ schema: 1, cluster, files: placed.value, notes: told }, io);
  else
    printVisibly(
      [...placed.value.map(({ file, state }) => `${file}: ${state}`), ...told.map((note) => `! ${note}`)].join('\n'),
      io,
    );
  return EXIT.done;
}

interface Asked {
  inventory: Inventory;
  targets: string[];
  cluster: string;
  /** That the new inventory gives its hosts; absent: the inventory that was used says all that it would. */
  group?: string;
}

async function fromInventory(options: InitOptions, io: Io): Promise<Attempt<Asked>> {
  const path = inventoryPath(options, io);
  const target = targetPattern(options);
  if (!path.ok || !target.ok) return fail(...(path.ok ? [] : path.failures), ...(target.ok ? [] : target.failures));
  const [{ readInventory }, { selectHosts }] = await Promise.all([
    import('../inventory/read.ts'),
    import('../inventory/target.ts'),
  ]);
  const inventory = await readInventory(path.value);
  if (!inventory.ok) return inventory;
  const targets = selectHosts(inventory.value, target.value);
  if (!targets.ok) return targets;
  const clusters = [...inventory.value.clusters.values()];
  const [known, ...others] = clusters.filter(({ members }) => members.some((host) => targets.value.includes(host)));
  if (!known) {
    const isGroup = inventory.value.groups.has(target.value) && !['all', 'ungrouped'].includes(target.value);
    return succeed({
      inventory: inventory.value,
      targets: targets.value,
      cluster: options.cluster,
      group: isGroup ? target.value : 'masters',
    });
  }
  const outside = targets.value.find((host) => !known.members.includes(host));
  if (others.length > 0 || outside !== undefined) {
    const message = `the target has hosts of more than the cluster ${known.name}`;
    return fail({ reason: 'usage', message, next: `-t ${known.group}` });
  }
  // The cluster is taken over whole, whatever the target names of it.
  return succeed({ inventory: inventory.value, targets: known.members, cluster: known.name });
}

function fromAddresses(addresses: string[], options: InitOptions): Attempt<Asked> {
  if (options.target !== undefined || options.inventory !== undefined) {
    const message = 'hosts are given as addresses, and with -i or -t besides';
    return fail({ reason: 'usage', message, next: 'name the addresses, or an inventory and a target' });
  }
  const hosts = new Map<string, Host>();
  const failures: Failure[] = [];
  for (const text of addresses) {
    const [, user, six, name, port] =
      /^(?:([^@\s]+)@)?(?:\[([0-9A-Fa-f:]+)\]|([A-Za-z0-9][A-Za-z0-9.-]*))(?::(\d+))?$/.exec(text) ?? [];
    const address = six ?? name;
    if (address === undefined || Number(port ?? 22) > 65535) {
      failures.push({
        reason: 'usage',
        message: `${JSON.stringify(text)} is no [USER@]HOST[:PORT]`,
        next: 'for example root@192.0.2.11',
      });
      continue;
    }
    hosts.set(address, {
      name: address,
      address,
      ...(user === undefined ? {} : { user }),
      ...(port === undefined ? {} : { port: Number(port) }),
      become: user !== undefined && user !== 'root',
      becomeUser: 'root',
      vars: {},
      groups: [],
      place: { file: 'the command line', line: 1, column: 1 },
    });
  }
  if (failures.length > 0) return fail(...failures);
  const inventory = { hosts, groups: new Map(), clusters: new Map(), sources: [] };
  return succeed({ inventory, targets: [...hosts.keys()], cluster: options.cluster, group: 'masters' });
}

async function withPassword(asked: Asked, options: InitOptions, io: Io): Promise<Attempt<Asked>> {
  const { withAskedPassword } = await import('./session.ts');
  return withAskedPassword(asked, options, io);
}

async function lookAt(
  { inventory, targets }: Asked,
  options: InitOptions,
): Promise<{ seen: Map<string, SeenMaster>; failures: Failure[] }> {
  const [{ ADOPTION_PROGRAM }, { parseMaster }, { resolveLimits }] = await Promise.all([
    import('../engine/adoption/program.sh.ts'),
    import('../engine/adoption/parse.ts'),
    import('../engine/limits.ts'),
  ]);
  const limits = resolveLimits(limitSeconds(options));
  const { values, failures } = await openHosts({ inventory, targets, limits }, options, async (session, signal) => {
    const { answers, failure } = await session.read(ADOPTION_PROGRAM, { signal, limitMs: limits.program });
    if (failure) return { ok: false, failure };
    const wrong = answers.find(({ state, status }) => state !== 'ran' || status !== 0);
    const seen = wrong ? undefined : parseMaster(answers);
    if (seen) return { ok: true, value: seen };
    const message = wrong?.stderr.trim().split('\n').at(0) || 'it did not answer for all that was asked';
    const next = 'log in as root (root@HOST), or become root (ansible_become: true)';
    return { ok: false, failure: { reason: 'become', host: session.host, message, next } };
  });
  return { seen: values, failures: [...failures.values()] };
}

async function printHostFailures(failures: Failure[], code: number, options: InitOptions, io: Io): Promise<number> {
  const { renderFailures } = await import('../report/failures.ts');
  io.stderr.write(`${renderFailures(failures, { color: useColor(options, io, io.stderr) })}\n`);
  return code;
}
