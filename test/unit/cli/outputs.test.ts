// What the commands that connect to nothing print, in text and as JSON: the snapshots are there to be read.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toJournalLine } from '../../../src/report/journal-lines.ts';
import { toJson } from '../../../src/report/json.ts';
import { exampleEvents, examplePlan, exampleReport } from '../report/example.ts';
import { createRig, INVENTORY, type Rig } from './rig.ts';

const FILES = {
  'inventory.yaml': INVENTORY.replaceAll('127.0.0.1', '192.0.2.1').replaceAll('PORT', '22'),
  'pillar/defaults.yaml': 'etcd_image: "defaults"\netcd_extra_args: { log-level: warn }\n',
  'pillar/clusters/main.yaml': 'etcd_image: !sensitive hunter2-hunter2\n',
  'pillar/hosts/m1.yaml': 'etcd_extra_args: { log-level: "debug\\e[31m\\u202E" }\n',
  'states/all.yaml': `description: "Everything.\\nIn two lines, with \\e]0;a title\\a."
include:
  - thing
  - { state: events, when: ne pillar.etcd_image "" }
`,
  'states/events.yaml': `description: Once for the cluster, and what interrupts it.
resources:
  marker:
    file.managed: { path: /etc/marker, content: "{{ cluster.name }}" }
    scope: cluster
  flag:
    each: cluster.members as member
    command.run:
      command: touch {{sh (concat "/run/" member.name)}}
      creates: "{{ concat '/run/' member.name }}"
    when: eq facts.os "debian"
    onfail: [marker]
  etcd:
    service.running: { name: etcd }
    disrupts: etcd
    require: [marker]
`,
};

/** By whether the JSON is short enough to be read in the snapshot too. */
const COMMANDS: [command: string, json: boolean][] = [
  ['states list', true],
  ['states show all', true],
  ['inventory list', true],
  ['inventory list -t workers', false],
  ['pillar show m1', true],
  ['pillar show m1 --explain', false],
  ['validate all thing -t masters', true],
  ['validate thing -t m1', false],
  ['runs list', true],
  ['runs show ab12', false],
  ['runs show cd34', false],
];

/** Two runs of this controller: one that failed, one whose controller was killed. */
function recordRuns({ folder }: Rig): void {
  const lines = exampleEvents().map((event) => `${toJournalLine(event)}\n`);
  const runs = { '20300102T030405Z-ab12': lines, '20300102T040506Z-cd34': [...lines.slice(0, 3), '{"at": "half'] };
  for (const [run, journal] of Object.entries(runs)) {
    const directory = join(folder, 'state/quorate/runs', run);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'journal.jsonl'), journal.join(''));
    if (journal === lines) {
      const document = toJson(exampleReport(), examplePlan());
      writeFileSync(join(directory, 'result.json'), JSON.stringify(document));
    }
  }
}

it.each(COMMANDS)(
  '%s prints what its snapshot shows, as text and as JSON, and touches nothing',
  async (command, withJson) => {
    const rig = await createRig(FILES);
    recordRuns(rig);
    const before = rig.listing();
    const text = await rig.quorate(...command.split(' '));
    const json = await rig.quorate(...command.split(' '), '--json');

    expect({ code: text.code, stderr: text.stderr }).toEqual({ code: 0, stderr: '' });
    expect({ code: json.code, stderr: json.stderr }).toEqual({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/[^\n]\n$/);
    JSON.parse(json.stdout);
    for (const printed of [text.stdout, json.stdout]) {
      expect(printed).not.toMatch(/[\u001b\u0007\u202e]|hunter2/);
    }
    const name = command.replaceAll(/[^a-z0-9]+/g, '-');
    const shown = [`$ quorate ${command}\n${text.stdout}`];
    if (withJson) shown.push(`$ quorate ${command} --json\n${json.stdout}`);
    // Where the shipped schema has a default is its own business.
    const stable = shown.join('\n').replaceAll(/(pillar\.schema\.json):\d+:\d+/g, '$1:LINE:COLUMN');
    await expect(stable).toMatchFileSnapshot(`snapshots/${name}.txt`);
    expect(rig.listing()).toEqual(before);
  },
);

it('a damaged result does not hide the other runs', async () => {
  const rig = await createRig();
  recordRuns(rig);
  writeFileSync(join(rig.folder, 'state/quorate/runs/20300102T030405Z-ab12/result.json'), '{"outcome": ');
  expect(await rig.quorate('runs', 'list')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^20300102T040506Z-cd34 {2}did not end .*\n20300102T030405Z-ab12 {2}did not end .*\n$/,
    ),
  });
});

it('runs list says what each run was, and that a restore was taken back', async () => {
  const begun = (command: string) =>
    `${JSON.stringify({ at: 'now', type: 'run-started', command, states: ['kubernetes.running'], targets: ['m1', 'm2'] })}\n`;
  const rig = await createRig({
    'state/quorate/runs/20300102T030405Z-ab12/journal.jsonl': begun('restore') + begun('undo'),
    'state/quorate/runs/20300102T030405Z-ab12/result.json': '{"outcome":"refused"}',
    'state/quorate/runs/20300102T040506Z-cd34/journal.jsonl': begun('apply'),
  });
  expect((await rig.quorate('runs', 'list')).stdout.split('\n')).toEqual([
    '20300102T040506Z-cd34  did not end  apply kubernetes.running on m1 m2',
    '20300102T030405Z-ab12  refused      restore, undo on m1 m2',
    '',
  ]);
});
