// quorate facts: what each host says of itself.
import type { Command } from 'commander';
import type { Failure } from '../failure.ts';
import type { ValueMap } from '../value.ts';
import { EXIT } from './exit.ts';
import { openHosts } from './hosts.ts';
import type { Io, Shell } from './io.ts';
import { addHostOptions, addOutputOptions, type CommonOptions } from './options.ts';
import { printInputFailures, printJson, printVisibly, useColor } from './print.ts';
import { loadHosts } from './session.ts';

export function declareFacts(command: Command, shell: Shell): void {
  addOutputOptions(addHostOptions(command)).action(async (options: CommonOptions) => {
    shell.finish(await facts(options, shell.io));
  });
}

async function facts(options: CommonOptions, io: Io): Promise<number> {
  const scope = await loadHosts(options, io);
  if (!scope.ok) return printInputFailures(scope.failures, options, io);
  const { FACTS_SCRIPT, parseFacts } = await import('../engine/facts.ts');
  const asked = await openHosts(scope.value, options, async (session, signal) => {
    const { answers, failure } = await session.read(
      { kind: 'read', parts: [{ id: 'facts', script: FACTS_SCRIPT }] },
      { signal, limitMs: scope.value.limits.program },
    );
    return failure ? { ok: false, failure } : { ok: true, value: parseFacts(answers[0]!.stdout) };
  });
  if (options.json) printJson(toDocument(asked.values, asked.failures), io);
  else printVisibly(toText(asked.values), io);
  if (asked.failures.size === 0) return EXIT.done;
  if (!options.json) {
    const { renderFailures } = await import('../report/failures.ts');
    io.stderr.write(`${renderFailures([...asked.failures.values()], { color: useColor(options, io, io.stderr) })}\n`);
  }
  return EXIT.unreachable;
}

function toDocument(values: Map<string, ValueMap>, failures: Map<string, Failure>): unknown {
  return { schema: 1, hosts: Object.fromEntries(values), failures: [...failures.values()] };
}

function toText(values: Map<string, ValueMap>): string {
  return [...values]
    .map(([host, facts]) =>
      [`${host}:`, ...Object.entries(facts).map(([name, value]) => `  ${name}: ${show(value)}`)].join('\n'),
    )
    .join('\n');
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, each]) => `${name} (${show(each)})`)
    .join(' ');
}
