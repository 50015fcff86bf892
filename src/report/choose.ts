// Which listener tells an operator what happens: a live tree on a terminal, else plain lines. Both on stderr.
import { createLiveListener, type SettlingListener } from './live.ts';
import { createPlainListener } from './plain.ts';

export interface ChoiceOptions {
  stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  env: { readonly [name: string]: string | undefined };
  verbose: boolean;
  color?: boolean;
}

export function chooseListener(options: ChoiceOptions): SettlingListener {
  const { stderr, env, verbose } = options;
  if (canRedraw(options)) {
    const color = options.color ?? !env.NO_COLOR;
    return createLiveListener(stderr as NodeJS.WriteStream, { color });
  }
  const listener = createPlainListener((line) => stderr.write(`${line}\n`), { verbose });
  return Object.assign(listener, { settle: async () => {} });
}

/**
 * Some terminals have no size (0 columns: serial lines, some containers), and a CI's log only pretends to be one.
 * listr2 measures stdout whatever it writes to, so that one may not be 0 columns wide either.
 */
export function canRedraw({ stderr, env }: Pick<ChoiceOptions, 'stderr' | 'env'>): boolean {
  const sized = (stderr.columns ?? 0) > 0 && process.stdout.columns !== 0;
  return stderr.isTTY === true && sized && !env.CI && env.TERM !== 'dumb';
}
