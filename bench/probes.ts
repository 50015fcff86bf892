// The program that Quorate's no-op apply sends to each host, as text for a plain shell.

import { stateFolders } from '../src/cli/options.ts';
import { load } from '../src/engine/load.ts';
import { acquireScript, releaseScript } from '../src/engine/lock.ts';
import { claimFor } from '../src/engine/locking.ts';
import { wishFor } from '../src/engine/look.ts';
import { probeParts } from '../src/engine/probe.ts';
import { composeProgram } from '../src/shell/compose.ts';
import { END } from './floors.ts';
import type { Scene } from './scene.ts';

/** Of the loader's functions the program needs this one alone when it has no inputs. */
const MARK = `q_mark() { printf '%s %s\\n' marker "$1" && printf '%s %s\\n' marker "$1" >&2; }`;

/** By host. */
export async function probesOf(
  scene: Pick<Scene, 'inventory' | 'folder'>,
  state: string,
): Promise<Map<string, string>> {
  const folders = stateFolders({ states: [] });
  const loaded = folders.ok
    ? await load({
        inventory: scene.inventory,
        target: 'all',
        pillar: `${scene.folder}/pillar`,
        stateDirectories: folders.value,
        states: [state],
        limits: {},
      })
    : folders;
  if (!loaded.ok) throw new Error(loaded.failures.map(({ message }) => message).join('\n'));
  const claim = claimFor(loaded.value, 'bench');
  return new Map(
    loaded.value.hosts.map((host) => {
      const parts = probeParts({ ...wishFor(loaded.value, host), lock: acquireScript(claim(host)) });
      const { text } = composeProgram({ kind: 'write', parts });
      // Nobody takes the lock from a shell that has ended, but its file would stay.
      return [host, `${MARK}\n${text}\n${releaseScript(claim(host))}\nexec 2>/dev/null; echo '${END}'\n`];
    }),
  );
}
