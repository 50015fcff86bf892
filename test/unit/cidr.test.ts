import { expect, test } from 'vitest';
import { addressIn, overlap, parseCidr } from '../../src/cidr.ts';

test.each([
  ['10.96.0.0/12', 1, '10.96.0.1'],
  ['10.96.0.0/12', 10, '10.96.0.10'],
  ['10.255.255.254/31', 1, '10.255.255.255'],
  ['10.96.0.0/32', 1, undefined],
  ['fd00:10:96::/112', 10, 'fd00:10:96::a'],
  ['::/0', 0, '::'],
  ['fd00:0:0:1:0:0:0:0/64', 65536, 'fd00::1:0:0:1:0'],
])('%s has %i at %s', (network, index, address) => {
  expect(addressIn(parseCidr(network)!, index)).toBe(address);
});

test.each(['10.96.0.1/12', '10.96.0.0/33', '10.96.0/12', '10.96.0.0', 'fd00::1/64', 'a/8'])(
  '%s is no network',
  (text) => {
    expect(parseCidr(text)).toBeUndefined();
  },
);

test.each([
  ['10.96.0.0/12', '10.244.0.0/16', false],
  ['10.96.0.0/12', '10.100.0.0/16', true],
  ['10.0.0.0/8', '10.96.0.0/12', true],
  ['10.0.0.0/8', '::/0', false],
  ['10.0.0.0/24', '10.0.1.0/24', false],
])('%s and %s overlap: %s', (one, other, expected) => {
  expect(overlap(parseCidr(one)!, parseCidr(other)!)).toBe(expected);
});
