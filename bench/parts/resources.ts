// One host with ever more resources: what each of them adds.
import { comparePairs } from '../pairs.ts';
import type { Part, PartOptions } from '../part.ts';
import type { Row } from '../row.ts';
import { openScene, requireNothingDone, type Scene } from '../scene.ts';
import { timed } from '../timed.ts';

const COUNTS = [10, 100, 1000];

export const resources: Part = {
  name: 'resources',
  about:
    'A no-op apply of 10, 100 and 1,000 `file.managed` on one host. What one adds is the difference by the difference in number.',
  async run(options) {
    const scene = await openScene({ id: 'bench', subnet: '10.213.112', hosts: 1, tell: options.tell });
    try {
      return await measure(scene, options);
    } finally {
      await scene.close();
    }
  },
};

async function measure(scene: Scene, { rounds, tell }: PartOptions): Promise<Row[]> {
  for (const count of COUNTS) {
    scene.write({ [`states/files-${count}.yaml`]: stateOf(count) });
    await timed(
      scene.quorate('first apply', ['apply', `files-${count}`, '-t', 'all', '--yes', '--program-limit', '600']),
    );
  }
  const noop = (count: number) =>
    scene.quorate(`${count} files`, ['apply', `files-${count}`, '-t', 'all', '--yes'], requireNothingDone);
  const [few, , many] = COUNTS.map(noop);
  const rows: Row[] = [];
  for (const count of COUNTS.slice(1)) {
    const compared = await comparePairs(noop(count), few!, { rounds, tell });
    const what = `no-op apply of ${count} files, 1 host`;
    rows.push({ kind: 'ratio', what, ...compared });
    if (count !== COUNTS.at(-1)) continue;
    const added = count - COUNTS[0]!;
    const each = (compared.a.ms.median - compared.b.ms.median) / added;
    rows.push({
      kind: 'count',
      what: 'each file more, of 1,000',
      value: each,
      unit: 'ms',
      target: { limit: 0.3, is: 'most' },
    });
    const here = (compared.a.cpuSeconds.median - compared.b.cpuSeconds.median) / added;
    rows.push({ kind: 'count', what: '· of which the controller computes', value: here * 1000, unit: 'ms' });
    const [more, less] = [await hostSeconds(scene, many!), await hostSeconds(scene, few!)];
    rows.push({ kind: 'count', what: '· and the host', value: ((more - less) / added) * 1000, unit: 'ms' });
  }
  return rows;
}

async function hostSeconds(scene: Scene, side: Parameters<typeof timed>[0]): Promise<number> {
  const before = scene.hostCpuSeconds();
  await timed(side);
  return scene.hostCpuSeconds() - before;
}

function stateOf(count: number): string {
  const files = Array.from(
    { length: count },
    (_, index) =>
      `  file-${index}:\n    file.managed: { path: /srv/files/${index}, content: "file ${index}\\n" }\n    require: [folder]\n`,
  );
  return `description: ${count} files.\nresources:\n  folder:\n    file.directory: { path: /srv/files }\n${files.join('')}`;
}
