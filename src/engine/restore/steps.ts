// The steps of a procedure, with what their states declare for the hosts of the run.
import { type Attempt, succeed } from '../../failure.ts';
import type { Procedure } from '../../procedures/read.ts';
import type { ValueMap } from '../../value.ts';
import type { Loaded } from '../load.ts';
import type { LoadedStep } from '../procedure.ts';

/** What a step is about, where it is not all that the target has. */
export interface StepScope {
  /** The one cluster that the procedure is about, and no other of its hosts. */
  restored?: boolean;
  /** No members of the cluster any more. */
  leftOut?: readonly string[];
  /** Only asked. */
  spared?: readonly string[];
}

/** What a state declares for the run's hosts, with `given` in place of what the pillar says. */
export type LoadState = (state: string, given: ValueMap, scope: StepScope) => Promise<Attempt<Loaded>>;

export async function loadSteps(
  procedure: Pick<Procedure, 'steps'>,
  given: ValueMap,
  load: LoadState,
  scope: Omit<StepScope, 'restored'> = {},
): Promise<Attempt<LoadedStep[]>> {
  const known = new Map<string, Attempt<Loaded>>();
  const loadOnce = async (state: string, restored: boolean) => {
    const key = `${state} ${restored}`;
    const attempt = known.get(key) ?? (await load(state, given, { ...scope, restored }));
    known.set(key, attempt);
    return attempt;
  };
  const steps: LoadedStep[] = [];
  for (const step of procedure.steps) {
    const restored = step.about === 'restored';
    const loaded = await loadOnce(step.apply, restored);
    if (!loaded.ok) return loaded;
    const behind = step.unless === undefined ? undefined : await loadOnce(step.unless, restored);
    if (behind?.ok === false) return behind;
    steps.push({ ...step, loaded: loaded.value, ...(behind ? { behind: behind.value } : {}) });
  }
  return succeed(steps);
}
