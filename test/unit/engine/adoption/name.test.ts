import { describe, expect, it } from 'vitest';
import { nameMembers } from '../../../../src/engine/adoption/name.ts';

const member = (host: string, name: string, address: string) => ({ host, name, address, pillar: {} });
const reachedAt = (addresses: { [host: string]: string }) => ({
  hosts: new Map(Object.entries(addresses).map(([name, address]) => [name, { name, address } as never])),
});

function called(members: ReturnType<typeof member>[], addresses: { [host: string]: string }, group?: string) {
  const named = nameMembers(members, { inventory: reachedAt(addresses), ...(group ? { group } : {}) });
  return named.ok
    ? { names: named.value.members.map((each) => each.called), notes: named.value.notes }
    : { refused: named.failures.map(({ host, message, next }) => `${host}: ${message} → ${next}`) };
}

describe('a host of an adopted cluster', () => {
  it('is called as its member is where only its address was known, and keeps a name that it has', () => {
    const members = [member('192.0.2.11', 'etcd-1', '192.0.2.11'), member('master2', 'etcd-2', '192.0.2.12')];
    const addresses = { '192.0.2.11': '192.0.2.11', master2: '192.0.2.12' };
    expect(called(members, addresses, 'masters')).toEqual({ names: ['etcd-1', 'master2'], notes: [] });
  });

  it('keeps its address where its member has no name that is its own, or none for a file', () => {
    const members = [
      member('192.0.2.11', 'a', '192.0.2.11'),
      member('192.0.2.12', 'a', '192.0.2.12'),
      member('192.0.2.13', 'b/c', '192.0.2.13'),
    ];
    const addresses = { '192.0.2.11': '192.0.2.11', '192.0.2.12': '192.0.2.12', '192.0.2.13': '192.0.2.13' };
    expect(called(members, addresses, 'masters')).toEqual({ names: Object.keys(addresses), notes: [] });
  });

  it('is where its peers reach it, which is told', () => {
    expect(called([member('m1', 'm1', '10.0.0.1')], { m1: '192.0.2.11' }, 'masters')).toEqual({
      names: ['m1'],
      notes: [
        'm1: it is reached as 192.0.2.11, and its peers know it as 10.0.0.1, which the inventory now has; ~/.ssh/config may say how to get there',
      ],
    });
  });

  it('is refused where the inventory stays and has another address', () => {
    expect(called([member('m1', 'm1', '10.0.0.1')], { m1: '192.0.2.11' })).toEqual({
      refused: [
        'm1: it is reached as 192.0.2.11, and its peers know it as 10.0.0.1 → set ansible_host: 10.0.0.1 in the inventory; ~/.ssh/config may say how to get there',
      ],
    });
  });
});
