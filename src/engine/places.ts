// Where a run keeps its own things, on the controller and on a host.
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** `$XDG_STATE_HOME/quorate`: journals of runs and the controller's key. */
export function controllerHome(env: NodeJS.ProcessEnv): string {
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'quorate');
}

/** Where a host keeps pending reactions, journals and what was taken away. Root's alone. */
export const HOST_HOME = '/var/lib/quorate';

/** Locks live where a reboot clears them: what held one is gone then. */
export const HOST_LOCKS = '/run/quorate';

/** Sorts by time, names nothing, and is safe in a path: `20260131T235959Z-1a2b3c`. */
export function newRunId(now: Date): string {
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}

/** Whether it may be one of {@link newRunId}. What is none names no folder and no host's file. */
export function isRunId(text: string): boolean {
  return /^\d{8}T\d{6}Z-[0-9a-f]+$/.test(text);
}
