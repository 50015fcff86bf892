import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Host, Inventory } from '../../../src/inventory/inventory.ts';
import { selectHosts } from '../../../src/inventory/target.ts';

const GROUPS: { [group: string]: string[] } = {
  masters: ['m1', 'm2', 'm3'],
  workers: ['w1', 'w2'],
  zone_a: ['m1', 'w1'],
  empty: [],
};

function createInventory(): Inventory {
  const names = ['m1', 'm2', 'm3', 'w1', 'w2', 'spare.example'];
  const hosts = new Map(names.map((name) => [name, { name } as Host]));
  const groups = new Map([['all', names], ...Object.entries(GROUPS), ['ungrouped', ['spare.example']]] as [
    string,
    string[],
  ][]);
  return { hosts, groups, clusters: new Map(), sources: [] };
}

describe("a target selects what Ansible's pattern would, in inventory order", () => {
  test.each([
    ['all', ['m1', 'm2', 'm3', 'w1', 'w2', 'spare.example']],
    ['*', ['m1', 'm2', 'm3', 'w1', 'w2', 'spare.example']],
    ['masters', ['m1', 'm2', 'm3']],
    ['m1', ['m1']],
    ['m3,m1', ['m1', 'm3']],
    ['m3:m1', ['m1', 'm3']],
    ['m3, m1', ['m1', 'm3']],
    ['m?', ['m1', 'm2', 'm3']],
    ['w*', ['w1', 'w2']],
    ['master*', ['m1', 'm2', 'm3']],
    ['*.example', ['spare.example']],
    ['masters:!m3', ['m1', 'm2']],
    ['!m3:masters', ['m1', 'm2']],
    ['!masters', ['w1', 'w2', 'spare.example']],
    ['masters:&zone_a', ['m1']],
    ['&zone_a', ['m1', 'w1']],
    ['masters:workers:&zone_a:!w*', ['m1']],
    ['ungrouped', ['spare.example']],
  ])('%s', (expression, names) => {
    expect(selectHosts(createInventory(), expression)).toEqual({ ok: true, value: names });
  });
});

describe('a target that cannot be meant is refused', () => {
  const inventory = 'quorate inventory list shows all hosts and groups';
  const language = 'use names, globs (*, ?), lists (a,b), !exclusions and &intersections';
  test.each([
    ['master', 'no host or group of the inventory is called "master"', 'did you mean masters?'],
    ['masters:!m33', 'no host or group of the inventory is called "m33"', 'did you mean m3?'],
    [
      'databases',
      'no host or group of the inventory is called "databases"',
      'groups are: all, masters, workers, zone_a, empty',
    ],
    ['x*', 'no host or group of the inventory matches "x*"', 'groups are: all, masters, workers, zone_a, empty'],
    ['', 'the target "" is empty', 'for example -t masters'],
    [' , ', 'the target " , " is empty', 'for example -t masters'],
    ['empty', 'the target "empty" selects no host: empty has no hosts', inventory],
    ['m1:!masters', 'the target "m1:!masters" selects no host: nothing is left after !masters', inventory],
    [
      'masters:&workers:!m1',
      'the target "masters:&workers:!m1" selects no host: nothing is left after &workers',
      inventory,
    ],
    ['!', 'the target has a "!" or "&" without a name', language],
    ['~m.*', 'the target ~m.* is a regular expression, which is not supported', language],
    ['masters[0]', 'the target masters[0] selects by position or letters, which is not supported', language],
    ['@retry', 'the target @retry names a file of hosts, which is not supported', language],
  ])('%j', (expression, message, next) => {
    const selected = selectHosts(createInventory(), expression);
    expect(selected.ok ? [] : selected.failures.map((each) => [each.message, each.next])).toEqual([[message, next]]);
  });

  test('every unknown name is told at once', () => {
    const selected = selectHosts(createInventory(), 'mastres:wokers');
    expect(selected.ok ? [] : selected.failures.map((each) => each.next)).toEqual([
      'did you mean masters?',
      'did you mean workers?',
    ]);
  });
});

test('selection is set arithmetic, whatever the order of the parts', () => {
  const name = fc.constantFrom('all', 'masters', 'workers', 'zone_a', 'm1', 'm2', 'w1', 'w2');
  const terms = fc.array(fc.tuple(fc.constantFrom('', '!', '&'), name), { minLength: 1, maxLength: 5 });
  const inventory = createInventory();
  const hostsOf = (each: string) => new Set(inventory.groups.get(each) ?? [each]);
  fc.assert(
    fc.property(terms, (parts) => {
      const named = parts.filter(([operator]) => operator === '');
      const expected = [...inventory.hosts.keys()].filter(
        (host) =>
          (named.length === 0 || named.some(([, each]) => hostsOf(each).has(host))) &&
          parts.every(([operator, each]) => operator !== '&' || hostsOf(each).has(host)) &&
          parts.every(([operator, each]) => operator !== '!' || !hostsOf(each).has(host)),
      );
      const selected = selectHosts(inventory, parts.map((part) => part.join('')).join(':'));
      expect(selected.ok ? selected.value : []).toEqual(expected);
    }),
  );
});
