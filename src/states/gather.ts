// Several attempts as one: all their values, or all their failures.
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';

export function gather<T>(attempts: Iterable<Attempt<T>>): Attempt<T[]> {
  const values: T[] = [];
  const failures: Failure[] = [];
  for (const attempt of attempts) {
    if (attempt.ok) values.push(attempt.value);
    else failures.push(...attempt.failures);
  }
  return failures.length > 0 ? fail(...failures) : succeed(values);
}
