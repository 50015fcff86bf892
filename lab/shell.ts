import { $ } from 'zx';

// The administration tools live in sbin, which a login by sudo may leave out of PATH.
const env = { ...process.env, PATH: `/usr/sbin:/usr/bin:/sbin:/bin:${process.env.PATH ?? ''}`, LC_ALL: 'C' };

/** Runs a command on the machine itself, quietly; throws with its stderr when it fails. */
export const sh = $({ env, quiet: true, verbose: false });

/** Like {@link sh}, for commands whose failure is an answer: look at `exitCode`. */
export const ask = sh({ nothrow: true });

/** Tries `attempt` every few milliseconds until it returns something; undefined when `seconds` have passed. */
export async function until<T>(seconds: number, attempt: () => Promise<T | undefined> | T | undefined) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (performance.now() > deadline) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
