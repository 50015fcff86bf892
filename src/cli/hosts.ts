// One question to every target, without a plan: for facts and locks.
import type { Scope } from '../engine/load.ts';
import type { Failure } from '../failure.ts';
import type { ApplySession } from '../transport/session.ts';
import type { CommonOptions } from './options.ts';

type Answered<T> = { ok: true; value: T } | { ok: false; failure: Failure };

/** Asks the targets side by side; answers in inventory order. Ctrl-C ends it at once: there is nothing to leave half-done. */
export async function openHosts<T>(
  scope: Pick<Scope, 'inventory' | 'targets' | 'limits'>,
  options: Pick<CommonOptions, 'parallel'>,
  question: (session: ApplySession, signal: AbortSignal) => Promise<Answered<T>>,
): Promise<{ values: Map<string, T>; failures: Map<string, Failure> }> {
  const [{ connectAll, closeAll }, { createConnector }] = await Promise.all([
    import('../engine/connections.ts'),
    import('../transport/connect.ts'),
  ]);
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  process.once('SIGINT', onSignal);
  const connector = createConnector({ maxHandshakes: Math.min(options.parallel, 10) });
  const answers = new Map<string, Answered<T>>();
  const connections = await connectAll(
    scope.targets.map((name) => scope.inventory.hosts.get(name)!),
    {
      connect: (host, signal) => connector.connect(host, { connectTimeoutMs: scope.limits.connect, signal }),
      parallel: options.parallel,
      signal: interrupt.signal,
      emit: () => {},
    },
    async (session) => void answers.set(session.host, await question(session, interrupt.signal)),
  );
  await closeAll(connections);
  process.off('SIGINT', onSignal);

  const values = new Map<string, T>();
  const failures = new Map<string, Failure>();
  for (const host of scope.targets) {
    const answer = answers.get(host);
    if (answer?.ok) values.set(host, answer.value);
    else failures.set(host, answer?.failure ?? connections.failures.get(host)!);
  }
  return { values, failures };
}
