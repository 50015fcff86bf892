import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeLayers } from '../../../src/pillar/merge.ts';
import { Sensitive } from '../../../src/sensitive.ts';
import type { Value, ValueMap } from '../../../src/value.ts';

const keys = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'toString');
const leaf = fc.oneof(
  fc.integer(),
  fc.string(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 3 }),
);

/** Any map; the same key may be a map in one and a leaf in another. */
const anyMap = fc.letrec<{ map: ValueMap; value: Value }>((tie) => ({
  map: fc.dictionary(keys, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  value: fc.oneof({ depthSize: 'small' }, leaf as fc.Arbitrary<Value>, tie('map')),
})).map;

const leaves = fc.dictionary(keys, leaf as fc.Arbitrary<Value>, { maxKeys: 4, noNullPrototype: true });

/** Maps where a key is a map everywhere (m1, m2) or nowhere: what a schema makes of layers. */
const shapedMap = fc.letrec<{ map: ValueMap; nested: ValueMap }>((tie) => ({
  map: fc.oneof({ maxDepth: 3 }, leaves, tie('nested')),
  nested: fc
    .tuple(leaves, fc.dictionary(fc.constantFrom('m1', 'm2'), tie('map'), { maxKeys: 2 }))
    .map(([own, maps]): ValueMap => Object.fromEntries([...Object.entries(own), ...Object.entries(maps)])),
})).map;

/** `toEqual` looks at `constructor` and `__proto__`, which are plain keys here. */
function show(map: ValueMap): string {
  return JSON.stringify(map, null, 1);
}

describe('the merge', () => {
  test('maps merge, lists replace, null is a value', () => {
    const lower = { a: { x: 1, y: [1, 2] }, b: { c: 1 }, d: 1 };
    const higher = { a: { y: [3], z: null }, b: null, e: 2 };
    expect(mergeLayers([lower, higher])).toEqual({ a: { x: 1, y: [3], z: null }, b: null, d: 1, e: 2 });
    expect(mergeLayers([lower, { b: null }, { b: { n: 1 } }])).toMatchObject({ b: { n: 1 } });
  });

  test('a secret replaces as a whole', () => {
    const secret = new Sensitive('s');
    expect(mergeLayers([{ a: 'plain' }, { a: secret }]).a).toBe(secret);
    expect(mergeLayers([{ a: secret }, { a: 'plain' }]).a).toBe('plain');
  });

  test('merging in steps is merging at once', () => {
    fc.assert(
      fc.property(fc.array(anyMap, { maxLength: 4 }), fc.array(anyMap, { maxLength: 4 }), (lower, higher) => {
        expect(show(mergeLayers([mergeLayers(lower), ...higher]))).toBe(show(mergeLayers([...lower, ...higher])));
      }),
    );
  });

  test('it is associative where layers agree on what is a map, as their schema makes them', () => {
    fc.assert(
      fc.property(shapedMap, shapedMap, shapedMap, (a, b, c) => {
        expect(show(mergeLayers([a, mergeLayers([b, c])]))).toBe(show(mergeLayers([mergeLayers([a, b]), c])));
      }),
    );
  });

  test('the empty layer changes nothing, and a layer merged with itself is itself', () => {
    fc.assert(
      fc.property(anyMap, (map) => {
        for (const layers of [[map], [{}, map, {}], [map, map]]) expect(show(mergeLayers(layers))).toBe(show(map));
      }),
    );
  });

  test('the higher list stands, whatever the lower one', () => {
    const list = fc.array(leaf as fc.Arbitrary<Value>);
    fc.assert(
      fc.property(anyMap, list, list, (map, lower, higher) => {
        expect(mergeLayers([{ ...map, l: lower }, { l: higher }]).l).toEqual(higher);
      }),
    );
  });

  test('no key reaches a prototype, and no layer is changed or shared', () => {
    fc.assert(
      fc.property(anyMap, anyMap, (lower, higher) => {
        const before = JSON.stringify([lower, higher]);
        const merged = mergeLayers([lower, higher]);
        expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
        expect(Object.keys(merged).sort()).toEqual(
          [...new Set([...Object.keys(lower), ...Object.keys(higher)])].sort(),
        );
        for (const value of Object.values(merged))
          if (typeof value === 'object' && value) Object.assign(value, { zz: 1 });
        expect(JSON.stringify([lower, higher])).toBe(before);
        expect(({} as ValueMap).a).toBeUndefined();
      }),
    );
    expect(mergeLayers([JSON.parse('{"__proto__": {"polluted": 1}}')])).not.toHaveProperty('polluted');
    expect(Object.prototype).not.toHaveProperty('polluted');
  });
});
