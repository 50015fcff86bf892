// prepare: what a change needs and only this controller can make, right before it is written.
import { type Attempt, fail, succeed } from '../failure.ts';
import type { RunContext } from './context.ts';
import { controllerFor } from './controller.ts';
import type { Intent, Work } from './make-plan.ts';
import { viewsOf } from './plan.ts';

/** The work with everything that it was to have only later; as it was, where the module makes nothing. */
export async function prepare(
  context: Pick<RunContext, 'home' | 'loaded'>,
  intent: Intent,
  work: Work,
): Promise<Attempt<Work>> {
  const { module } = work.declaration;
  if (module.prepare === undefined || work.changes.length === 0) return succeed(work);
  const controller = await controllerFor(context, work.host, work.declaration);
  try {
    const made = await module.prepare(work.want, work.seen, work.changes, controller);
    if (!made.ok) return made;
    const prepared = module.diff(made.value, work.seen, viewsOf(intent.plan)(work.declaration));
    return succeed({ ...work, want: made.value, ...(Array.isArray(prepared) ? { prepared } : {}) });
  } catch (error) {
    const message = `what it needs could not be made on this controller: ${error instanceof Error ? error.message : error}`;
    return fail({ reason: 'script', message, next: 'mend that, then run again' });
  }
}
