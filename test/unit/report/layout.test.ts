import { expect, test } from 'vitest';
import { formatDuration, indent, listHosts } from '../../../src/report/layout.ts';

test.each([
  [0.4, '0 ms'],
  [999, '999 ms'],
  [4230, '4.2 s'],
  [185_000, '3 min 5 s'],
])('%d ms is %s', (ms, shown) => {
  expect(formatDuration(ms)).toBe(shown);
});

test('hosts that do not fit are counted, and their names cannot steer the terminal', () => {
  const hosts = Array.from({ length: 30 }, (_, n) => `host-${n}`);
  expect(listHosts(hosts, 1000)).toBe(hosts.join(' '));
  expect(listHosts(hosts, 40)).toBe('host-0 host-1 host-2 and 27 more');
  expect(listHosts(['a\x1b'], 40)).toBe('a\\x1b');
});

test('empty lines are not indented', () => {
  expect(indent('a\n\nb', 2)).toBe('  a\n\n  b');
});
