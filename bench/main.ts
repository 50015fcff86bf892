// npm run bench: runs the parts that were named, all without a name, and keeps what each says as soon as it has said it.
import { styleText } from 'node:util';
import { commitNow, describeMachine, loadNow } from './machine.ts';
import type { Part } from './part.ts';
import { addresses } from './parts/addresses.ts';
import { distance } from './parts/distance.ts';
import { noops } from './parts/noop.ts';
import { resources } from './parts/resources.ts';
import { startup } from './parts/startup.ts';
import { short, tellTarget } from './render.ts';
import { keepResult } from './results.ts';
import { isMet, type Row } from './row.ts';

const PARTS: readonly Part[] = [startup, ...noops, ...addresses, resources, distance];
const ROUNDS = 7;

const names = PARTS.map(({ name }) => name);
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  process.stderr.write(
    `there is no part ${unknown.join(', ')}\n  next: name some of ${names.join(' ')}, or none for all\n`,
  );
  process.exit(1);
}

let failed = false;
for (const part of PARTS) {
  if (wanted.length > 0 && !wanted.includes(part.name)) continue;
  say(`${part.name}: ${part.about}`);
  // Before the part puts its own load on the machine.
  const about = {
    commit: commitNow(),
    measured: new Date().toISOString(),
    machine: describeMachine(),
    load: loadNow(),
  };
  if (about.load > 1) say(`  the machine is busy (load ${about.load}): the ratios will spread`);
  try {
    const rows = await part.run({ rounds: ROUNDS, tell: (line) => say(`  ${line}`) });
    keepResult(part.name, { ...about, about: part.about, rows }, names);
    for (const row of rows) say(`  ${describe(row)}`);
  } catch (error) {
    // The next parts may well work; this one keeps what it had before.
    failed = true;
    say(
      styleText(
        'red',
        `${part.name} failed, so nothing of it is kept: ${error instanceof Error ? error.message : error}`,
      ),
    );
  }
}
process.exitCode = failed ? 1 : 0;

function describe(row: Row): string {
  const value = row.kind === 'ratio' ? `${short(row.ratio.median)} × ${row.b.name}` : `${short(row.value)} ${row.unit}`;
  const met = isMet(row);
  const target = row.target ? ` (${tellTarget(row.target)}: ${met ? 'met' : 'not met'})` : '';
  return `${row.what}: ${value}${target}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
