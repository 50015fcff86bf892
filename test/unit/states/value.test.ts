import { describe, expect, it } from 'vitest';
import { isSensitive, Sensitive } from '../../../src/sensitive.ts';
import type { Value, ValueMap } from '../../../src/value.ts';
import { complain, contextWith, state, want } from './rig.ts';

function leaf(text: string, parameter = 'value'): { [path: string]: string } {
  const value = parameter === 'value' ? '' : 'value: 1, ';
  return { 's.yaml': state(`  x:\n    test.any: { ${value}${parameter}: ${JSON.stringify(text)} }\n`) };
}

async function render(text: string, pillar: ValueMap = {}, facts: ValueMap = {}): Promise<Value | undefined> {
  return (await want(leaf(text), contextWith(pillar), facts)).value;
}

describe('a leaf that is one expression keeps its type', () => {
  it.each<[string, Value]>([
    ['{{ pillar.port }}', 2379],
    ['{{pillar.flag}}', true],
    ['{{ pillar.things }}', ['a', 'b']],
    ['{{ host.vars }}', { rack: 'r1' }],
    ['{{ pillar.nothing }}', null],
    ['{{ pillar.things.[1] }}', 'b'],
    ['{{ "text" }}', 'text'],
    ['{{ length cluster.members }}', 2],
    ['{{ list }}', []],
  ])('%s', async (text, value) => expect(await render(text)).toEqual(value));
});

describe('a longer string is text', () => {
  it.each([
    ['http://{{ host.address }}:{{ pillar.port }}', 'http://10.0.0.1:2379'],
    [' {{ pillar.flag }}', ' true'],
    ['{{#if pillar.flag}}on{{else}}off{{/if}}', 'on'],
    ['{{#unless pillar.flag}}on{{else if pillar.off}}x{{else}}off{{/unless}}', 'off'],
    ['{{#each cluster.members as |m i|}}{{#unless @first}},{{/unless}}{{i}}{{m.name}}{{/each}}', '0m1,1m2'],
    ['{{#each pillar.things}}{{this}}{{host.name}}{{/each}}', 'am1bm1'],
    ['{{#each host.vars}}{{@key}}={{this}}{{/each}}', 'rack=r1'],
    ['{{#each (list)}}x{{else}}none{{/each}}', 'none'],
    ['{{#with cluster as |c|}}{{c.name}}{{this.name}}{{/with}}', 'mainmain'],
    ['\\{{ not this }}', '{{ not this }}'],
    ['a{{! a comment }}b', 'ab'],
  ])('%s', async (text, expected) => expect(await render(text)).toBe(expected));
});

describe('helpers', () => {
  it.each<[string, Value]>([
    ['{{ eq pillar.name "etcd" }}', true],
    ['{{ ne pillar.name "etcd" }}', false],
    ['{{ eq pillar.things (list "a" "b") }}', true],
    ['{{ eq pillar.nothing "x" }}', false],
    ['{{ and pillar.flag (not pillar.off) }}', true],
    ['{{ and pillar.off pillar.absent }}', false],
    ['{{ or pillar.flag pillar.absent }}', true],
    ['{{ in "b" pillar.things }}', true],
    ['{{ semver "3.5.21" ">=3.5.0 <3.6" }}', true],
    ['{{ semver "3.6.0-rc.1" ">=3.5.0" }}', true],
    ['{{ default pillar.absent.deep "y" }}', 'y'],
    ['{{ default pillar.nothing 1 }}', 1],
    ['{{ default pillar.off true }}', false],
    ['{{ defined pillar.absent }}', false],
    ['{{ defined cluster }}', true],
    ['{{ join (pluck cluster.members "address") "," }}', '10.0.0.1,10.0.0.2'],
    ['{{ concat pillar.name "-" pillar.port }}', 'etcd-2379'],
    ['{{ lower "ABC" }}', 'abc'],
    ['{{ json pillar.things }}', '["a","b"]'],
    ['{{ choose pillar.off pillar.absent "y" }}', 'y'],
    ['{{ choose (defined pillar.name) pillar.name pillar.absent }}', 'etcd'],
    ['{{ needed pillar.port "all need one" }}', 2379],
    ['{{ map "a" pillar.port "b" (list) }}', { a: 2379, b: [] }],
    ['{{ map }}', {}],
    ['{{ merge (map "a" 1 "b" 2) (map "b" 3) host.vars }}', { a: 1, b: 3, rack: 'r1' }],
    ['{{ flags (map "log-level" "warn" "pre-vote" true) }}', ['--log-level=warn', '--pre-vote=true']],
    [
      '{{ variables (map "A" "b" "C" "1") }}',
      [
        { name: 'A', value: 'b' },
        { name: 'C', value: '1' },
      ],
    ],
    ['{{ unite pillar.things (list "c" "a") (list) }}', ['a', 'b', 'c']],
    ['{{ list (cpus "100m") (cpus "2") (cpus "1.1") }}', [1, 2, 2]],
    ['{{ list (cpupercent "100m") (cpupercent "1.1") (cpupercent "3m") }}', [10, 110, 1]],
    ['{{ list (bytes "1.5Gi") (bytes "2k") }}', [1610612736, 2000]],
    ['{{ hostport host.address pillar.port }}', '10.0.0.1:2379'],
    ['{{ hostport "fd00::1" 2380 }}', '[fd00::1]:2380'],
    ['{{ hostport "m1.example.com" 2380 }}', 'm1.example.com:2380'],
    ['{{ list (ip host.address) (ip "fd00::1") (ip "m1.example.com") }}', [true, true, false]],
  ])('%s', async (text, value) => expect(await render(text)).toEqual(value));
});

describe('splice', () => {
  const items = (list: string, pillar: ValueMap = {}) =>
    want({ 's.yaml': state(`  x:\n    test.any: { value: ${list} }\n`) }, contextWith(pillar));

  it('gives several items, or none, to the list around it', async () => {
    const list = `[first, "{{ splice pillar.things }}", "{{ splice (choose pillar.off (list 1) (list)) }}", "{{ list 1 }}"]`;
    expect((await items(list)).value).toEqual(['first', 'a', 'b', [1]]);
  });

  it('takes a list alone', async () => {
    const files = { 's.yaml': state('  x:\n    test.any: { value: ["{{ splice pillar.port }}"] }\n') };
    expect(await complain(files)).toEqual(['s.yaml:4:36: splice wants a list, but pillar.port is a number']);
  });
});

describe('some', () => {
  const document = async (text: string, pillar: ValueMap = {}) =>
    (await want({ 's.yaml': state(`  x:\n    test.any: { value: ${text} }\n`) }, contextWith(pillar))).value;

  it('gives a value to its key, or leaves the key out', async () => {
    const text = `{ a: "{{ some pillar.things }}", b: "{{ some (list) }}", c: "{{ some (map) }}", d: { e: "{{ some (list) }}" } }`;
    expect(await document(text)).toEqual({ a: ['a', 'b'], d: {} });
    expect(await document('{ a: "{{ some pillar.off }}", b: "{{ some pillar.nothing }}" }')).toEqual({
      a: false,
      b: null,
    });
  });

  it('keeps a secret one', async () => {
    const text = '{ password: "{{ some pillar.password }}" }';
    const files = { 's.yaml': state(`  x:\n    file.managed: { path: /x, document: ${text} }\n`) };
    const { document: given } = await want(files, contextWith({ password: new Sensitive('hunter2') }));
    expect(isSensitive((given as ValueMap).password!)).toBe(true);
  });
});

describe('nothing undefined or unfit is rendered', () => {
  it.each([
    ['x{{ pillar.prot }}', '5: pillar.prot is not set for m1 (did you mean pillar.port?)'],
    [
      '{{ needed pillar.prot "the port of everything depends on it" }}',
      '4: pillar.prot is not set, but the port of everything depends on it (set it in the pillar: defaults.yaml, clusters/, groups/ or hosts/)',
    ],
    ['{{ choose pillar.flag pillar.prot 1 }}', '23: pillar.prot is not set for m1 (did you mean pillar.port?)'],
    ['{{ map "a" }}', '4: map has a key without a value (write map KEY A KEY B …)'],
    ['{{ map 1 2 }}', '4: map wants a key, not a number, as value 1 (write map KEY A KEY B …)'],
    ['{{ merge host.vars pillar.things }}', '4: merge wants maps, not a list (write merge MAP MAP …)'],
    ['{{ flags pillar.things }}', '4: flags wants a map, not a list (write flags MAP)'],
    ['{{ hostport host.address "2379" }}', '4: hostport wants a port, not a string (write hostport HOST PORT)'],
    ['{{ variables pillar.things }}', '4: variables wants a map, not a list (write variables MAP)'],
    ['{{ unite pillar.things pillar.port }}', '4: unite wants lists, not a number (write unite LIST LIST …)'],
    ['{{ bytes "2 GB" }}', '4: bytes wants a quantity, such as 1500m or 2Gi (write bytes QUANTITY)'],
    [
      'x{{ some pillar.things }}',
      '5: some gives its value to a key of a document, and here is none (write KEY: "{{ some A }}", with nothing else in the value)',
    ],
    [
      '{{ splice pillar.things }}',
      '4: splice gives items to the list around it, and here is none (write - "{{ splice LIST }}", with nothing else in the item)',
    ],
    ['{{ pillar.prot }}', '4: pillar.prot is not set for m1 (did you mean pillar.port?)'],
    ['{{ pillar.name.x }}', '4: pillar.name.x is not set: pillar.name is a string'],
    ['{{ pillar.things.[7] }}', '4: pillar.things.[7] is not set: pillar.things is a list of 2'],
    ['{{#if pillar.prot}}{{/if}}', '7: pillar.prot is not set for m1 (did you mean pillar.port?)'],
    ['{{#each pillar.prot}}{{/each}}', '9: pillar.prot is not set for m1 (did you mean pillar.port?)'],
    ['{{#each pillar.port}}{{/each}}', '9: {{#each}} wants a list or a map, but pillar.port is a number'],
    ['{{ concat pillar.prot }}', '11: pillar.prot is not set for m1 (did you mean pillar.port?)'],
    ['{{ or pillar.prot true }}', '7: pillar.prot is not set for m1 (did you mean pillar.port?)'],
    ['{{ host.vars.rak }}', '4: host.vars.rak is not set for m1 (did you mean host.vars.rack?)'],
    [
      '{{ host.constructor }}',
      '4: host.constructor is not set for m1 (known are: host.name, host.address, host.groups, host.vars)',
    ],
    ['{{ with.name }}', '4: with.name is not set (give it where the state is included: with: { name: … })'],
    ['x{{ pillar.nothing }}', '5: pillar.nothing is null, which has no text (set it, or use (default …))'],
    [
      'x{{ pillar.things }}',
      '5: pillar.things is a list and cannot stand inside a string (let the expression stand alone to keep its type, or use join, json or {{#each}})',
    ],
    [
      'x{{ host }}',
      '5: host is a map and cannot stand inside a string (let the expression stand alone to keep its type, or use join, json or {{#each}})',
    ],
    ['{{ eq pillar.port "2379" }}', '4: eq compares a number with a string (quote both, or none)'],
    [
      '{{ semver "3.5" ">=3.5.0" }}',
      '4: semver wants a version of three numbers, such as "3.5.21", as its first argument (write semver VERSION RANGE)',
    ],
  ])('%s', async (text, told) => {
    const before = "  x: { test.any: { value: '";
    const column = before.length + Number.parseInt(told, 10);
    const files = { 's.yaml': state(`${before}${text}' } }\n`) };
    expect(await complain(files)).toEqual([`s.yaml:3:${column}${told.replace(/^\d+/, '')}`]);
  });
});
