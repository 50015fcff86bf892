// What plan and apply share: from options to a run that is ready to start, with its listeners and its Ctrl-C.
import type { RunContext } from '../engine/context.ts';
import type { Listener } from '../engine/events.ts';
import type { Journal } from '../engine/journal.ts';
import type { Loaded, LoadOptions, Scope } from '../engine/load.ts';
import { type Attempt, fail, succeed } from '../failure.ts';
import { Sensitive } from '../sensitive.ts';
import type { Io } from './io.ts';
import {
  type CommonOptions,
  inventoryPath,
  limitSeconds,
  pillarFolder,
  stateFolders,
  targetPattern,
} from './options.ts';
import { useColor } from './print.ts';

/** The options that say which hosts and which data; every failure that they alone can have. */
export function scopeOptions(
  options: CommonOptions,
  io: Io,
): Attempt<Omit<LoadOptions, 'states' | 'stateDirectories'>> {
  const inventory = inventoryPath(options, io);
  const target = targetPattern(options);
  if (!inventory.ok || !target.ok) {
    return fail(...(inventory.ok ? [] : inventory.failures), ...(target.ok ? [] : target.failures));
  }
  const pillar = pillarFolder(options, io);
  return succeed({
    inventory: inventory.value,
    target: target.value,
    limits: limitSeconds(options),
    ...(pillar === undefined ? {} : { pillar }),
  });
}

/** `more`: what a procedure sets, in place of what pillar and target say. */
export async function loadRun(
  states: string[],
  options: CommonOptions,
  io: Io,
  more: Pick<LoadOptions, 'given' | 'leftOut' | 'spared'> = {},
): Promise<Attempt<Loaded>> {
  const scope = scopeOptions(options, io);
  const folders = stateFolders(options);
  if (!scope.ok) return folders.ok ? scope : fail(...scope.failures, ...folders.failures);
  if (!folders.ok) return folders;
  const { load } = await import('../engine/load.ts');
  const loaded = await load({
    ...scope.value,
    states,
    stateDirectories: folders.value,
    ...more,
  });
  return loaded.ok ? withAskedPassword(loaded.value, options, io) : loaded;
}

/** Hosts and pillar without states, for commands that only ask. */
export async function loadHosts(options: CommonOptions, io: Io): Promise<Attempt<Scope>> {
  const scope = scopeOptions(options, io);
  if (!scope.ok) return scope;
  const { loadScope } = await import('../engine/load.ts');
  const loaded = await loadScope(scope.value);
  return loaded.ok ? withAskedPassword(loaded.value, options, io) : loaded;
}

/** The scope whose hosts have the password that was asked for, where `-K` wants one. */
export async function withAskedPassword<T extends Pick<Scope, 'inventory'>>(
  scope: T,
  options: CommonOptions,
  io: Io,
): Promise<Attempt<T>> {
  if (!options.askBecomePass) return succeed(scope);
  const { askSecret } = await import('./ask.ts');
  const password = await askSecret("sudo's password: ", io);
  if (password === undefined) {
    return fail({
      reason: 'usage',
      message: 'there is no terminal to ask for the password',
      next: 'set ansible_become_password with !sensitive-file',
    });
  }
  for (const host of scope.inventory.hosts.values()) if (host.become) host.becomePassword ??= new Sensitive(password);
  return succeed(scope);
}

export interface Session {
  context: RunContext;
  journal?: Journal;
  /** Waits until the terminal shows all that has happened: before anything else is printed there. */
  settle(): Promise<void>;
  /** Takes the signal handlers away. */
  release(): void;
}

export interface SessionWish {
  /** An apply writes down what it does; a plan leaves no trace anywhere. */
  journalled: boolean;
  /** Of bootstraps that a saved plan has promised. */
  tokens?: ReadonlyMap<string, string>;
  /** The run that is gone on with; absent: a new one. */
  run?: string;
}

export async function openSession(
  loaded: Loaded,
  options: CommonOptions,
  io: Io,
  wish: SessionWish,
): Promise<Attempt<Session>> {
  const [{ controllerHome, newRunId }, { openJournal }, { toJournalLine }, { chooseListener }, { createConnector }] =
    await Promise.all([
      import('../engine/places.ts'),
      import('../engine/journal.ts'),
      import('../report/journal-lines.ts'),
      import('../report/choose.ts'),
      import('../transport/connect.ts'),
    ]);
  const { journalled, tokens, run = newRunId(new Date()) } = wish;
  const shown = chooseListener({
    stderr: io.stderr,
    env: io.env,
    verbose: options.verbose === true,
    color: useColor(options, io, io.stderr),
  });
  const opened = journalled
    ? openJournal(run, { env: io.env, format: toJournalLine, warn: (text) => void io.stderr.write(`${text}\n`) })
    : undefined;
  if (opened?.ok === false) return opened;
  const journal = opened?.value;
  const listeners: Listener[] = journal ? [journal.listener, shown] : [shown];
  const emit: Listener = (event) => {
    for (const listener of listeners) listener(event);
  };
  const { stop, kill, release } = watchSignals(emit, journalled);
  const connector = createConnector({ maxHandshakes: Math.min(options.parallel, 10) });
  const context: RunContext = {
    run,
    loaded,
    home: controllerHome(io.env),
    ...(tokens ? { tokens } : {}),
    connect: (host, signal) => connector.connect(host, { connectTimeoutMs: loaded.limits.connect, signal }),
    parallel: options.parallel,
    emit,
    stop,
    kill,
  };
  return succeed({ context, ...(journal ? { journal } : {}), settle: () => shown.settle(), release });
}

/** The first Ctrl-C stops at the next safe point, the second at once; a run that never writes stops at once. */
function watchSignals(emit: Listener, writes: boolean): { stop: AbortSignal; kill: AbortSignal; release(): void } {
  const stop = new AbortController();
  const kill = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted || !writes) return kill.abort();
    stop.abort();
    emit({ type: 'interrupting', at: new Date(), where: 'after the stage that runs now; once more: at once' });
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    stop: stop.signal,
    kill: kill.signal,
    release() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
