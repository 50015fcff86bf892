// What a command costs before it does anything.
import { join } from 'node:path';
import { loadedModules } from '../modules.ts';
import { comparePairs } from '../pairs.ts';
import type { Part } from '../part.ts';
import type { Side } from '../timed.ts';

const ROOT = join(import.meta.dirname, '../..');
const QUORATE = join(ROOT, 'bin/quorate');
const EXAMPLE = ['-i', join(ROOT, 'inventory/example.yaml'), '--pillar', join(ROOT, 'pillar')];

export const startup: Part = {
  name: 'startup',
  about:
    '`quorate` against an empty program of the same Node, with the compile cache warm; `validate` checks one state for the hosts of inventory/example.yaml.',
  async run({ rounds, tell }) {
    const node: Side = { name: '`node -e 0`', argv: [process.execPath, '-e', '0'] };
    const rows = [];
    for (const [args, check] of [
      [['--version'], /^\d+\.\d+\.\d+\n$/],
      [['--help'], /^Usage: quorate/],
      [['validate', 'kubernetes.etcd.configured', ...EXAMPLE], /valid, \d+ resources/],
    ] as const) {
      const what = `quorate ${args.slice(0, 2).join(' ')}`;
      tell(what);
      const side: Side = {
        name: `\`${what}\``,
        argv: [QUORATE, ...args],
        check(stdout) {
          if (!check.test(stdout)) throw new Error(`${what} printed ${stdout.slice(0, 200)}`);
        },
      };
      const compared = await comparePairs(side, node, { rounds, tell });
      rows.push({ kind: 'ratio' as const, what, target: { limit: 1.5, is: 'most' as const }, ...compared });
      const modules = await loadedModules(args);
      rows.push({ kind: 'count' as const, what: `modules loaded by ${what}`, value: modules.length, unit: 'files' });
    }
    return rows;
  },
};
