// From what a host answered to how each resource ended.
import type { Failure } from '../failure.ts';
import type { Change, ClusterView } from '../modules/module.ts';
import type { Answer } from '../shell/program.ts';
import type { Outcome, Result } from './events.ts';
import type { Work } from './make-plan.ts';
import { parseReading, readingOf } from './probe.ts';
import { withoutSecrets } from './redact.ts';
import { readBackId } from './write.ts';

/** How one resource went, from its two answers: of its write, and of its reading afterwards. */
export function resultOf(
  work: Work,
  answers: ReadonlyMap<string, Answer>,
  view: ClusterView | undefined,
): Result | undefined {
  const { id } = work.declaration;
  const answer = answers.get(id);
  const after = answers.get(readBackId(id));
  if (!answer || !after) return undefined;
  const left = differencesLeft(work, after, view);

  switch (answer.state) {
    case 'blocked':
      return result(
        work,
        'blocked',
        answer,
        [],
        failureOf(work, 'script', 'something it requires failed just before', 'mend that first'),
      );
    case 'skipped':
      return result(work, 'skipped', answer, []);
    case 'moved':
      // An earlier step of this run, or somebody else, has brought it about already: nothing is left to do.
      if (left?.length === 0 && !work.react) return result(work, 'ok', answer, []);
      return result(work, 'failed', answer, [], moved(work));
    case 'input-failed':
      return result(
        work,
        'failed',
        answer,
        [],
        failureOf(
          work,
          'script',
          `its content could not be delivered: ${withoutSecrets(lastLine(answer), work.want)}`,
          'look at the free space and the directory on the host, then run again',
        ),
      );
    case 'ran':
      return ran(work, answer, left);
  }
}

function ran(work: Work, answer: Answer, left: Change[] | undefined): Result {
  const actual = (work.prepared ?? work.changes).filter(
    (change) => left !== undefined && !left.some((other) => other.path === change.path),
  );
  if (answer.status !== 0) {
    // The status is that of the module's script: only where nothing was said does it tell an operator anything.
    const said = answer.stderr.trim() || new TextDecoder().decode(answer.stdout).trim();
    return result(
      work,
      'failed',
      answer,
      actual,
      failureOf(
        work,
        'script',
        said
          ? `it failed: ${withoutSecrets(said, work.want)}`
          : `it failed with status ${answer.status} and said nothing`,
        'mend the cause on the host, then run again',
      ),
    );
  }
  if (left === undefined || left.length > 0) {
    const paths = left?.map((change) => change.path).join(', ') ?? 'the resource';
    return result(work, 'failed', answer, actual, unproven(work, `was written, but ${paths} reads back different`));
  }
  const said = work.declaration.module.saysChange?.(work.want, new TextDecoder().decode(answer.stdout));
  if (said === false) return result(work, 'ok', answer, []);
  return result(work, 'changed', answer, actual);
}

/** Undefined: what the host has now cannot even be told, or is something that must not be touched. */
function differencesLeft(work: Work, after: Answer, view: ClusterView | undefined): Change[] | undefined {
  const { module } = work.declaration;
  if (module.proves) return [];
  const seen = after.status === 0 ? parseReading(module, readingOf(after)) : undefined;
  if (seen === undefined) return undefined;
  const left = module.diff(work.want, seen, view);
  return Array.isArray(left) ? left : undefined;
}

export function unproven(work: Work, message: string): Failure {
  return failureOf(
    work,
    'unproven',
    message,
    'something else on the host changes it as well; find that, then run again',
  );
}

function moved(work: Work): Failure {
  return failureOf(
    work,
    'moved',
    'it is no longer as the plan saw it, so it was left alone',
    'plan again and look at what somebody else has changed',
  );
}

export function failureOf(work: Work, reason: Failure['reason'], message: string, next: string): Failure {
  return { reason, host: work.host, resource: work.declaration.id, message, next };
}

export function result(
  work: Work,
  outcome: Outcome,
  answer: Pick<Answer, 'ms'> | undefined,
  actual: Change[],
  why?: Failure,
): Result {
  return {
    host: work.host,
    resource: work.declaration.id,
    module: work.declaration.module.name,
    outcome,
    predicted: work.changes,
    actual,
    ...(why ? { why } : {}),
    ms: answer?.ms ?? 0,
  };
}

function lastLine(answer: Answer): string {
  return answer.stderr.trim().split('\n').at(-1) || 'no reason given';
}
