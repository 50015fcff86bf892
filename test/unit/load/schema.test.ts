import { describe, expect, test } from 'vitest';
import { type Failure, formatPlace } from '../../../src/failure.ts';
import { type Document, parseDocument } from '../../../src/load/document.ts';
import { findNearest, suggest } from '../../../src/load/nearest.ts';
import { checkSchema, createSchemaChecker } from '../../../src/load/schema.ts';

function parse(text: string): Document {
  const parsed = parseDocument('f.yaml', text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.failures));
  return parsed.value;
}

function show({ place, reason, message, next }: Failure): string {
  return `${place ? formatPlace(place) : '-'} ${reason}: ${message}${next === undefined ? '' : ` → ${next}`}`;
}

const SCHEMA = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', description: 'What it is called.', examples: ['m1'] },
    mode: { type: 'string', pattern: '^0[0-7]{3}$', description: 'The mode, in octal.', examples: ['0644'] },
    port: { type: 'integer', minimum: 1, maximum: 65535, description: 'A port' },
    state: { enum: ['new', 'existing'] },
    items: {
      type: 'array',
      items: { type: 'object', properties: { id: { type: 'string' } }, additionalProperties: false },
    },
    one: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    shape: { oneOf: [{ type: 'object', required: ['a'] }, { $ref: '#/$defs/number' }] },
    token: { type: 'string', minLength: 5, 'x-sensitive': true, description: 'A token of 5 letters' },
    choice: { enum: ['red', 'blue'], 'x-sensitive': true },
    flags: { type: 'object', propertyNames: { pattern: '^[a-z]+$', description: 'Lower-case letters' } },
  },
  additionalProperties: false,
  $defs: { number: { type: 'number' } },
};

describe('each fault is one useful sentence at its exact place', () => {
  const table: [text: string, failures: string[]][] = [
    ['name: x\nmode: "0644"\nport: 22\none: [a]\nshape: 3\n', []],
    ['mode: "0644"', ['f.yaml:1:1 schema: the document has no "name" → add name: What it is called; for example "m1"']],
    [
      'name: x\nmode: 0644\n',
      ['f.yaml:2:7 schema: mode must be a string, not the number 0644 → write it in quotes: "0644"'],
    ],
    ['name: 3.10\n', ['f.yaml:1:7 schema: name must be a string, not the number 3.10 → write it in quotes: "3.10"']],
    ['name: true\n', ['f.yaml:1:7 schema: name must be a string, not the boolean true → write it in quotes: "true"']],
    [
      'name: x\nport: "22"\n',
      ['f.yaml:2:7 schema: port must be a whole number, not the string "22" → write it without quotes: 22'],
    ],
    ['name: x\nport: 0\n', ['f.yaml:2:7 schema: port must be at least 1, not 0 → A port']],
    ['name: x\nport: 65536\n', ['f.yaml:2:7 schema: port must be at most 65535, not 65536 → A port']],
    [
      'name: x\nmode: "644"\n',
      ['f.yaml:2:7 schema: mode has not the right form: "644" → The mode, in octal; for example "0644"'],
    ],
    [
      'name: x\nstate: nwe\n',
      ['f.yaml:2:8 schema: state must be one of "new", "existing", not "nwe" → did you mean new?'],
    ],
    ['nme: x\nname: y\n', ['f.yaml:1:1 unknown: unknown key "nme" → did you mean name?']],
    [
      'name: x\nitems:\n  - {id: a}\n  - idd: b\n',
      ['f.yaml:4:5 unknown: unknown key "idd" in items[1] → did you mean id?'],
    ],
    [
      'name: x\none: 3\n',
      ['f.yaml:2:6 schema: one must be a string or a list, not the number 3 → write it in quotes: "3"'],
    ],
    ['name: x\none: [3]\n', ['f.yaml:2:7 schema: one[0] must be a string, not the number 3 → write it in quotes: "3"']],
    ['name: x\nshape: y\n', ['f.yaml:2:8 schema: shape must be a map or a number, not the string "y"']],
    ['name: x\nshape: {}\n', ['f.yaml:2:1 schema: shape has no "a" → add a']],
    ['name: x\nflags: {Aa: 1}\n', ['f.yaml:2:9 schema: the key "Aa" has not the right form → Lower-case letters']],
    [
      'name: 1\nport: x\nmod: y\n',
      [
        'f.yaml:1:7 schema: name must be a string, not the number 1 → write it in quotes: "1"',
        'f.yaml:2:7 schema: port must be a whole number, not the string "x" → A port',
        'f.yaml:3:1 unknown: unknown key "mod" → did you mean mode?',
      ],
    ],
    ['- a\n', ['f.yaml:1:1 schema: the document must be a map, not a list']],
    ['', ['f.yaml:1:1 schema: the document has no "name" → add name: What it is called; for example "m1"']],
  ];
  test.each(table)('%j', async (text, failures) => {
    expect(checkSchema(parse(text), SCHEMA).map(show)).toEqual(failures);
  });
});

describe('a secret is checked but never printed', () => {
  test.each([
    [
      'name: x\ntoken: !sensitive abc\n',
      'f.yaml:2:8 schema: the secret token is not as it should be → A token of 5 letters',
    ],
    ['name: x\ntoken: abc\n', 'f.yaml:2:8 schema: the secret token is not as it should be → A token of 5 letters'],
    ['name: x\ntoken: 777\n', 'f.yaml:2:8 schema: the secret token must be a string → A token of 5 letters'],
    ['name: x\nchoice: rde\n', 'f.yaml:2:9 schema: the secret choice is not as it should be'],
    ['name: x\nport: !sensitive 777\n', 'f.yaml:2:7 schema: the secret port must be a whole number → A port'],
    [
      'name: x\nmode: !sensitive 777\n',
      'f.yaml:2:7 schema: the secret mode is not as it should be → The mode, in octal; for example "0644"',
    ],
  ])('%j', async (text, failure) => {
    expect(checkSchema(parse(text), SCHEMA).map(show)).toEqual([failure]);
  });

  test('a good secret passes', async () => {
    expect(checkSchema(parse('name: !sensitive x\ntoken: !sensitive abcde\n'), SCHEMA)).toEqual([]);
  });
});

test("an operator's own schema that is none is refused where it is wrong", async () => {
  const { checkSchemaItself } = createSchemaChecker();
  const wrong = checkSchemaItself(parse('type: object\nproperties:\n  a: {type: strin}\n'));
  expect(wrong.map((failure) => failure.place && formatPlace(failure.place))).toEqual(['f.yaml:3:13']);
  expect(wrong[0]?.message).toMatch(/^properties\.a\.type must be one of .*"string".* not "strin"$/);
  expect(wrong[0]?.next).toBe('did you mean string?');
  expect(checkSchemaItself(parse('$ref: "#/$defs/x"')).map(show)[0]).toMatch(
    /^f\.yaml:1:1 schema: not a usable JSON Schema: /,
  );
  expect(checkSchemaItself(parse('type: object'))).toEqual([]);
});

test('the nearest spelling is offered only where it is near', () => {
  const known = ['masters', 'workers', 'm1', 'm2'];
  expect(findNearest('master', known)).toBe('masters');
  expect(findNearest('Masters', known)).toBe('masters');
  expect(findNearest('databases', known)).toBeUndefined();
  expect(suggest('databases', known)).toBe('known are: masters, workers, m1, m2');
  expect(suggest('x', [])).toBe('none is known here');
});
