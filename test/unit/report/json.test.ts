import { readFile } from 'node:fs/promises';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import type { Failure } from '../../../src/failure.ts';
import { toJournalLine } from '../../../src/report/journal-lines.ts';
import { toJson } from '../../../src/report/json.ts';
import { exampleEvents, examplePlan, exampleReport } from './example.ts';

/** The compiler keeps this list whole. */
const REASONS: Record<Failure['reason'], true> = {
  unreadable: true,
  syntax: true,
  schema: true,
  unknown: true,
  duplicate: true,
  cycle: true,
  template: true,
  usage: true,
  unreachable: true,
  'host-key': true,
  become: true,
  timeout: true,
  protocol: true,
  lost: true,
  moved: true,
  script: true,
  unproven: true,
  interrupted: true,
  storage: true,
  locked: true,
  quorum: true,
  'plan-differs': true,
  'not-confirmed': true,
  snapshot: true,
  guard: true,
};

interface Schema {
  description?: string;
  type?: string;
  enum?: string[];
  const?: unknown;
  $ref?: string;
  properties?: { [name: string]: Schema };
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  $defs?: { [name: string]: Schema };
}

const schema = JSON.parse(
  await readFile(new URL('../../../schemas/result.schema.json', import.meta.url), 'utf8'),
) as Schema;
const validate = new Ajv2020({ allErrors: true, strict: true }).compile(schema);

/** As a reader gets it. */
function printed(): ReturnType<typeof toJson> {
  return JSON.parse(JSON.stringify(toJson(exampleReport(), examplePlan())));
}

test('the document has exactly the fields that are promised, in this order', () => {
  const document = printed();
  expect(Object.keys(document)).toEqual(['schema', 'run', 'outcome', 'hosts', 'results', 'notes', 'failures']);
  expect(document.hosts.m1).toEqual({
    ok: 38,
    changed: 1,
    failed: 1,
    blocked: 1,
    skipped: 0,
    refused: 0,
    unreachable: 0,
    programs: 4,
  });
  expect(document.results[0]).toEqual({
    host: 'm1',
    resource: 'kubernetes.etcd.configured/environment',
    module: 'file.managed',
    outcome: 'changed',
    stage: 1,
    predicted: [{ path: 'mode', before: '0644', after: '0600' }],
    actual: [{ path: 'mode', before: '0644', after: '0600' }],
    ms: 3,
  });
});

test('documents are what the schema says', () => {
  expect(validate(printed())).toBe(true);
  expect(validate({ ...printed(), hosts: {}, results: [], failures: [] })).toBe(true);
});

test('the schema knows every reason of failure', () => {
  expect(schema.$defs!.failure!.properties!.reason!.enum!.toSorted()).toEqual(Object.keys(REASONS).toSorted());
});

test('the schema is not so wide that anything fits', () => {
  const { failures: _failures, ...incomplete } = printed();
  expect(validate(incomplete)).toBe(false);
  expect(validate({ ...printed(), extra: 1 })).toBe(false);
  expect(validate({ ...printed(), outcome: 'fine' })).toBe(false);
  expect(validate({ ...printed(), failures: [{ reason: 'x', message: 'y' }] })).toBe(false);
});

test('every field is described, and docs/json.md is made of these descriptions', async () => {
  for (const part of [schema, ...Object.values(schema.$defs!)]) {
    expect(part.description).toBeTruthy();
    for (const [name, property] of Object.entries(part.properties!)) expect(property.description, name).toBeTruthy();
  }
  await expect(renderPage(schema)).toMatchFileSnapshot('../../../docs/json.md');
});

function renderPage(root: Schema): string {
  const table = (part: Schema) => [
    '| field | type | meaning |',
    '| --- | --- | --- |',
    ...Object.entries(part.properties!).map(([name, property]) => {
      const optional = part.required!.includes(name) ? '' : ' (optional)';
      return `| \`${name}\`${optional} | ${typeOf(property)} | ${property.description} |`;
    }),
  ];
  const sections = Object.entries(root.$defs!).flatMap(([name, part]) => [
    '',
    `## ${name}`,
    '',
    part.description!,
    '',
    ...table(part),
  ]);
  return [
    '# The JSON document of a run',
    '',
    '<!-- Made from schemas/result.schema.json by test/unit/report/json.test.ts; `npx vitest run --project unit test/unit/report/json -u` writes it. -->',
    '',
    `${root.description} Its schema is [result.schema.json](../schemas/result.schema.json).`,
    '',
    ...table(root),
    ...sections,
    '',
  ].join('\n');
}

function typeOf(part: Schema): string {
  const name = part.$ref?.split('/').at(-1);
  if (name) return `[${name}](#${name})`;
  if (part.items) return `list of ${typeOf(part.items)}`;
  if (typeof part.additionalProperties === 'object') return `map of ${typeOf(part.additionalProperties)}`;
  if (part.enum) return part.enum.map((value) => `\`${value}\``).join(', ');
  if (part.const !== undefined) return `\`${part.const}\``;
  return part.type ?? 'any';
}

test('every event is one journal line of JSON with its time and type', () => {
  for (const event of exampleEvents()) {
    const line = toJournalLine(event);
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toMatchObject({ at: '2030-01-02T03:04:05.678Z', type: event.type });
  }
});

test('a journal tells what was planned, step by step, without facts', () => {
  const line = JSON.parse(toJournalLine(exampleEvents().find((event) => event.type === 'planned')!));
  expect(line.plan.entries[0]).toMatchObject({
    host: 'm1',
    verdict: 'change',
    stage: 1,
    changes: [{ path: 'mode' }, { path: 'owner' }],
  });
  expect(line.plan.stages[1]).toEqual({
    number: 2,
    steps: {},
    disrupts: [{ host: 'm2', cluster: 'main', what: 'etcd' }],
  });
  expect(JSON.stringify(line)).not.toContain('debian');
});

test('a journal keeps no more than 4 KiB of a content', () => {
  const report = exampleReport();
  report.results[0]!.actual = [{ path: 'content', before: 'a'.repeat(4000), after: 'é'.repeat(4000) }];
  const line = exampleEvents(examplePlan(), report)
    .map(toJournalLine)
    .find((text) => text.includes('aaaa'))!;
  expect(JSON.parse(line).result.actual).toEqual([
    { path: 'content', before: 'a'.repeat(4000), after: '(8002 bytes, not kept in the journal)' },
  ]);
});
