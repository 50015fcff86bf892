// What every step of a run needs to know and to say.
import type { Connect, Connections } from './connections.ts';
import type { Listener } from './events.ts';
import type { Loaded } from './load.ts';

export interface RunContext {
  run: string;
  loaded: Loaded;
  /** The controller's own directory: see `controllerHome`. */
  home: string;
  /** Tokens of bootstraps that a saved plan has promised, by cluster. */
  tokens?: ReadonlyMap<string, string>;
  connect: Connect;
  /** How many hosts are worked with at once. */
  parallel: number;
  emit: Listener;
  /** Stop at the next safe point: between two stages, when no program runs. */
  stop: AbortSignal;
  /** End all connections at once. */
  kill: AbortSignal;
}

/** A run whose hosts are connected. */
export interface LiveContext extends RunContext {
  connections: Connections;
}
