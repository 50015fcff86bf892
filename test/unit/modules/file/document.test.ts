import fc from 'fast-check';
import { CORE_SCHEMA, load, YAML11_SCHEMA } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { dumpDocument, saysTheSame } from '../../../../src/modules/file/document.ts';
import { HOSTILE_VALUES } from '../hostile.ts';

const TRICKY = [
  'no',
  'y',
  '0644',
  '0o17',
  '1_000',
  '1e3',
  '.5',
  '12:30:45',
  '2024-01-01',
  '~',
  '<<',
  '=',
  'null',
  '# x',
  '- x',
];
const text = fc.oneof(fc.string(), fc.constantFrom(...TRICKY, ...HOSTILE_VALUES.filter((value) => value.length < 100)));
const data = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('tree'),
      { maxKeys: 4 },
    ),
  ),
})).tree;

describe('a document', () => {
  it('is read back as it was by YAML 1.1, YAML 1.2 and JSON, whatever is in it', () => {
    fc.assert(
      fc.property(data, (value) => {
        const yaml = dumpDocument(value, 'yaml');
        expect(load(yaml, { schema: CORE_SCHEMA })).toEqual({ value }.value);
        expect(load(yaml, { schema: YAML11_SCHEMA })).toEqual({ value }.value);
        expect(saysTheSame(yaml, value, 'yaml')).toBe(true);
        expect(saysTheSame(dumpDocument(value, 'json'), value, 'json')).toBe(true);
      }),
    );
  });

  it('is not the same when any value differs', () => {
    expect(saysTheSame('a: 1\n', { a: '1' }, 'yaml')).toBe(false);
    expect(saysTheSame('a: [1, 2]\n', { a: [2, 1] }, 'yaml')).toBe(false);
    expect(saysTheSame('a: 1\nb: 2\n', { a: 1 }, 'yaml')).toBe(false);
    expect(saysTheSame('a: {}\n', { a: [] }, 'yaml')).toBe(false);
    expect(saysTheSame('not: [yaml', {}, 'yaml')).toBe(false);
    expect(saysTheSame('', null, 'yaml')).toBe(false);
    expect(saysTheSame('a: 1\n---\na: 1\n', { a: 1 }, 'yaml')).toBe(false);
  });

  it('keeps the order of keys and folds no lines', () => {
    const long = 'word '.repeat(60).trim();
    expect(dumpDocument({ z: long, a: 1 }, 'yaml')).toBe(`z: ${long}\na: 1\n`);
  });
});
