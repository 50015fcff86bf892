// Every bad input: what is said, and where.
import { describe, expect, it } from 'vitest';
import { complain, contextWith, createRig, failuresOf, state } from './rig.ts';

const one = (body: string) => state(`  x:\n${body.replace(/^/gm, '    ')}\n`);

describe('a state file that is not as it should be is refused with the place', () => {
  it.each<[name: string, text: string, told: string[]]>([
    [
      'no description',
      'resources: {}\n',
      ['s.yaml:1:1: the document has no "description" (add description: One sentence for `quorate states list`)'],
    ],
    ['unknown key', 'description: a\nresource: {}\n', ['s.yaml:2:1: unknown key "resource" (did you mean resources?)']],
    [
      'unquoted braces',
      one('test.any: { value: {{ pillar.x }} }'),
      ['s.yaml:4:24: a value that begins with {{ must be quoted, else YAML reads a map (quote it: "{{ … }}")'],
    ],
    [
      'no module',
      one('require: [y]'),
      ['s.yaml:3:3: the resource x has no module (add one of: file.managed, service.running, command.run, test.any)'],
    ],
    [
      'two modules',
      one('test.any: { value: 1 }\nservice.running: { name: a }'),
      ['s.yaml:5:5: the resource x has two modules: test.any and service.running (make two resources of them)'],
    ],
    [
      'unknown module',
      one('file.manged: { path: /x }'),
      ['s.yaml:4:5: unknown module file.manged (did you mean file.managed?)'],
    ],
    [
      'unknown key of a resource',
      one('test.any: { value: 1 }\nrequires: [y]'),
      ['s.yaml:5:5: unknown key "requires" in resources.x (did you mean require?)'],
    ],
    [
      'a bad id',
      state('  x y:\n    test.any: { value: 1 }\n'),
      [
        's.yaml:3:3: "x y" is not an id: expected letters, digits, _ and -, the first a letter or digit (rename the resource)',
      ],
    ],
    [
      'the same id twice',
      state('  x:\n    test.any: { value: 1 }\n  x:\n    test.any: { value: 1 }\n'),
      ['s.yaml:5:3: the key "x" is already set at s.yaml:3:3 (keep one of the two)'],
    ],
    [
      'unknown parameter',
      one('file.managed: { path: /x, contents: a }'),
      ['s.yaml:4:31: file.managed has no parameter "contents" (did you mean content?)'],
    ],
    [
      'missing parameter',
      one('file.managed: { content: a }'),
      ['s.yaml:4:5: file.managed needs "path" (add path: Where the file is)'],
    ],
    [
      'no parameters at all',
      one('service.running:'),
      ['s.yaml:4:5: service.running needs "name" (add name: The unit)'],
    ],
    [
      'a number for a mode',
      one('file.managed: { path: "{{ pillar.x }}", mode: 0644 }'),
      ['s.yaml:4:51: mode must be a string, not the number 0644 (write it in quotes: "0644")'],
    ],
    [
      'a form',
      one('file.managed: { path: etc/x }'),
      ['s.yaml:4:27: path has not the right form: "etc/x" (Where the file is)'],
    ],
    [
      'scope',
      one('test.any: { value: 1 }\nscope: hosts'),
      ['s.yaml:5:12: resources.x.scope must be one of "host", "cluster", not "hosts" (did you mean host?)'],
    ],
    [
      'a missing reference',
      one('test.any: { value: 1 }\nrequire: [y, xx]'),
      [
        's.yaml:5:15: y is neither a resource nor a state here (did you mean x?)',
        's.yaml:5:18: xx is neither a resource nor a state here (did you mean x?)',
      ],
    ],
    [
      'a command without guard',
      one('command.run: { command: ls }'),
      [
        's.yaml:4:5: command.run needs creates, unless, onlyif or onchanges: otherwise nobody can say when it is done (add one of them)',
      ],
    ],
    [
      'an unknown included state',
      'description: a\ninclude: [other]\n',
      ['s.yaml:2:11: unknown state other (searched: STATES) (known are: s)'],
    ],
  ])('%s', async (_, text, told) => expect(await complain({ 's.yaml': text })).toEqual(told));
});

describe('a template that could not work for any host is refused at load', () => {
  it.each<[text: string, column: number, told: string]>([
    ['{{ piller.x }}', 4, 'unknown name piller in piller.x (did you mean pillar?)'],
    ['{{ constructor }}', 4, 'unknown name constructor in constructor (known are: pillar, host, cluster, with, facts)'],
    ['{{ eqq pillar.x 1 }}', 4, 'unknown helper eqq (did you mean eq?)'],
    ['{{ eq pillar.x }}', 4, 'eq is called with 1 value (write eq A B)'],
    [
      '{{ default (eq 1 1) 2 }}',
      4,
      'default asks whether a path is set, but its first value is none (write default PATH B)',
    ],
    [
      '{{ concat (sh pillar.x) }}',
      12,
      'sh gives text for the file itself and cannot be a value for another helper (write {{sh A}})',
    ],
    ['{{ eq undefined 1 }}', 7, 'undefined is not a value (use (defined PATH) to ask whether something is set)'],
    [
      '{{ this.x }}',
      4,
      'this means nothing outside of {{#each}} and {{#with}} (known are: pillar, host, cluster, with)',
    ],
    [
      '{{#each pillar.x}}{{ name }}{{/each}}',
      22,
      'unknown name name in name (in a block, write this.name for a key of the item)',
    ],
    [
      '{{#each pillar.x}}{{ ../pillar.y }}{{/each}}',
      22,
      '../pillar.y reaches out of its block (leave ../ away: pillar, host and all other names are visible everywhere)',
    ],
    [
      '{{#each pillar.x as |host|}}{{/each}}',
      1,
      'the name host already means something else here (choose another name)',
    ],
    ['{{#loop pillar.x}}{{/loop}}', 4, 'unknown block {{#loop}} (known are: if, unless, each, with)'],
    [
      '{{#if pillar.x pillar.y}}{{/if}}',
      1,
      '{{#if}} takes exactly one value (write {{#if pillar.key}} or {{#if (eq …)}})',
    ],
    [
      '{{#if pillar.x}}{{/each}}',
      4,
      'not a template: {{#if}} is closed by {{/each}} (write {{ pillar.key }}, or \\{{ for two braces that are meant as such)',
    ],
    [
      '{{ pillar.x',
      11,
      'not a template: this cannot be read; a quote, a parenthesis or }} may be missing (write {{ pillar.key }}, or \\{{ for two braces that are meant as such)',
    ],
    [
      '{{ pillar.x.0 }}',
      13,
      'not a template: a position in a list is written in brackets: pillar.list.[0] (write {{ pillar.key }}, or \\{{ for two braces that are meant as such)',
    ],
    ['{{> part }}', 1, 'partials and decorators are not available in templates (write the text out here)'],
    ['{{ eq pillar.x 1 a=2 }}', 18, 'KEY=VALUE is not available here (write the values one after the other)'],
  ])('%s', async (text, column, told) => {
    const before = "    test.any: { value: '";
    const [said] = await complain({ 's.yaml': state(`  x:\n${before}${text}' }\n`) });
    const place = /^s.yaml:4:(\d+): (.*)$/s.exec(said!);
    expect([Number(place?.[1]) - before.length, place?.[2]]).toEqual([column, told]);
  });

  it('names the line within a block of text', async () => {
    const text = one('test.any:\n  value: |\n    first\n      second {{ piller }}\n');
    expect(await complain({ 's.yaml': text })).toEqual([expect.stringMatching(/^s.yaml:7:21: unknown name piller/)]);
  });

  it('names the beginning of a string that is written with escapes', async () => {
    const text = one('test.any: { value: "\\u0061{{ piller }}" }');
    expect(await complain({ 's.yaml': text })).toEqual([expect.stringMatching(/^s.yaml:4:24: unknown name piller/)]);
  });

  it('refuses a template in a key', async () => {
    expect(await complain({ 's.yaml': one('test.any: { value: { "{{ pillar.x }}": 1 } }') })).toEqual([
      's.yaml:4:26: the key "{{ pillar.x }}" is a template, but templates may stand in values only (write the key out)',
    ]);
  });
});

describe('facts cannot be used before the host is asked', () => {
  const files = { 'included.yaml': 'description: b\n' };
  it.each<[name: string, text: string, told: string]>([
    [
      'identity',
      one('file.managed: { path: "/{{ facts.os }}" }'),
      's.yaml:4:32: facts.os cannot be used here: file.managed needs path to read the host, before it knows any facts',
    ],
    [
      'each',
      one('test.any: { value: 1 }\neach: facts.disks as disk'),
      's.yaml:5:11: facts.disks cannot be used here: how many resources there are is settled before the hosts are asked',
    ],
    [
      'onlyif',
      one('test.any: { value: 1 }\nonlyif: "test {{sh facts.os}}"'),
      's.yaml:5:24: facts.os cannot be used here: its commands run before anything is known of the host',
    ],
    [
      'a requisite',
      one('test.any: { value: 1 }\nrequire: ["{{ facts.os }}"]'),
      's.yaml:5:19: facts.os cannot be used here: the order is settled before the hosts are asked',
    ],
    [
      'with',
      'description: a\ninclude:\n  - state: included\n    with: { a: "{{ facts.os }}" }\n',
      's.yaml:4:20: facts.os cannot be used here: which states are included is settled before the hosts are asked',
    ],
    [
      'when of an include',
      'description: a\ninclude:\n  - state: included\n    when: not facts.os\n',
      's.yaml:4:15: facts.os cannot be used here: which states are included is settled before the hosts are asked',
    ],
  ])('%s', async (_, text, told) => {
    expect(await complain({ ...files, 's.yaml': text })).toEqual([`${told} (use pillar, host or cluster)`]);
  });
});

describe('an expression that is none is refused with what is expected', () => {
  const next = '(write for example: eq pillar.a "b", and (eq …) (not …), or a path such as pillar.flag)';
  it.each<[text: string, told: string]>([
    ["'{{ pillar.x }}'", `5:12: "{{ pillar.x }}" is an expression and is written without braces ${next}`],
    [
      'eq pillar.x "b',
      `5:23: not an expression: this cannot be read; a quote, a parenthesis or }} may be missing ${next}`,
    ],
    ['eq (pillar.x', `5:23: not an expression: }} was not expected ${next}`],
    ["''", `5:11: "" is not an expression ${next}`],
    ['a}} b', `5:11: "a}} b" is not an expression ${next}`],
    [
      'equal pillar.x 1',
      '5:11: unknown helper equal (known are: and, or, choose, default, defined, needed, splice, some, eq, ne, not, in, …)',
    ],
    ['piller.x', '5:11: unknown name piller in piller.x (did you mean pillar?)'],
  ])('%s', async (text, told) => {
    expect(await complain({ 's.yaml': one(`test.any: { value: 1 }\nwhen: ${text}`) })).toEqual([`s.yaml:${told}`]);
  });

  it.each<[text: string, told: string]>([
    [
      'pillar.x',
      '5:11: each must be LIST as NAME, not "pillar.x" (write for example: pillar.etcd_clusters as cluster)',
    ],
    ['pillar.x as pillar', '5:11: the name pillar already means something else (choose another name)'],
    ['pillar.x as eq', '5:11: the name eq already means something else (choose another name)'],
    [
      'pillar.x as a.b',
      '5:11: "a.b" is not a name for an item: expected letters, digits and _ (write for example: pillar.etcd_clusters as cluster)',
    ],
    ['pillar.name as a', '5:11: each wants a list, but pillar.name is a string'],
    ['pillar.twice as a', '5:11: two items of pillar.twice have the key b (give each item a name of its own)'],
  ])('each: %s', async (text, told) => {
    const files = { 's.yaml': one(`test.any: { value: 1 }\neach: ${text}`) };
    expect(await complain(files, contextWith({ twice: ['b', { name: 'b' }] }))).toEqual([`s.yaml:${told}`]);
  });
});

describe('what is rendered has the type that the module wants', () => {
  it.each<[name: string, text: string, told: string]>([
    [
      'a type',
      one('service.running: { name: a, enabled: "{{ pillar.port }}" }'),
      's.yaml:4:42: enabled must be true or false, not the number 2379',
    ],
    [
      'identity',
      one('file.managed: { path: "{{ pillar.name }}" }'),
      's.yaml:4:27: path has not the right form: "etcd" (Where the file is)',
    ],
  ])('%s', async (_, text, told) =>
    expect(await complain({ 's.yaml': text })).toEqual([expect.stringContaining(told)]),
  );
});

it('an unknown state names the nearest one and where it looked', async () => {
  const rig = createRig({ 'kubernetes/etcd/configured.yaml': 'description: a\n' });
  expect(rig.tell(failuresOf(await rig.load('kubernetes.etcd.configurd')))).toEqual([
    'unknown state kubernetes.etcd.configurd (searched: STATES) (did you mean kubernetes.etcd.configured?)',
  ]);
});

it('a state with two files is refused', async () => {
  const rig = createRig({ 'a.yaml': 'description: a\n', 'a/init.yaml': 'description: a\n' });
  expect(rig.tell(failuresOf(await rig.load('a')))[0]).toMatch('the state a has two files: a/init.yaml and a.yaml');
});

it('all faults of a file are told at once', async () => {
  const text = state(
    '  x:\n    test.any: { valu: 1 }\n  y:\n    file.manged: { path: /x }\n  z:\n    test.any: { value: "{{ piller }}" }\n',
  );
  expect((await complain({ 's.yaml': text })).map((each) => each.split(' ')[0])).toEqual([
    's.yaml:4:17:',
    's.yaml:4:5:',
    's.yaml:6:5:',
    's.yaml:8:28:',
  ]);
});
