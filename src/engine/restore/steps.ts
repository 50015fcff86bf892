// The steps of a procedure, with what their states declare for the hosts of the run.
import { type Attempt, succeed } from '../../failure.ts';
import type { Procedure } from '../../procedures/read.ts';
import type { ValueMap } from '../../value.ts';
import type { Loaded } from '../load.ts';
import type { LoadedStep } from '../procedure.ts';

/** Which hosts of the target a step is about, where it is not all of them. */
export interface HostChoice {
  /** No members of the cluster any more. */
  leftOut?: readonly string[];
  /** Only asked. */
  spared?: readonly string[];
}

/** What a state declares for the run's hosts, with `given` in place of what the pillar says. */
export type LoadState = (state: string, given: ValueMap, hosts: HostChoice) => Promise<Attempt<Loaded>>;

export async function loadSteps(
  procedure: Pick<Procedure, 'steps'>,
  given: ValueMap,
  load: LoadState,
  hosts: HostChoice = {},
): Promise<Attempt<LoadedStep[]>> {
  const known = new Map<string, Attempt<Loaded>>();
  const loadOnce = async (state: string) => {
    const attempt = known.get(state) ?? (await load(state, given, hosts));
    known.set(state, attempt);
    return attempt;
  };
  const steps: LoadedStep[] = [];
  for (const step of procedure.steps) {
    const loaded = await loadOnce(step.apply);
    if (!loaded.ok) return loaded;
    const behind = step.unless === undefined ? undefined : await loadOnce(step.unless);
    if (behind?.ok === false) return behind;
    steps.push({ ...step, loaded: loaded.value, ...(behind ? { behind: behind.value } : {}) });
  }
  return succeed(steps);
}
