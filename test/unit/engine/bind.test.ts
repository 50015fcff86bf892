// bind_interface against what a host says of its interfaces.
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { refuseBinding } from '../../../src/engine/bind.ts';
import { FACTS_SCRIPT, parseFacts } from '../../../src/engine/facts.ts';

const facts = { interfaces: { eth0: ['198.51.100.7'], eth1: ['fd00::11', '192.0.2.11'] } };
const place = { file: 'pillar/hosts/m1.yaml', line: 3, column: 17 };
const judge = (address: string, name?: string, said = facts) =>
  refuseBinding({ name: 'm1', address }, name === undefined ? {} : { bind_interface: name }, said, place);

describe('a member', () => {
  test('listens on an interface that has its address in the inventory, or that is all its name is known for', () => {
    expect(judge('192.0.2.11', 'eth1')).toBeUndefined();
    expect(judge('fd00::11', 'eth1')).toBeUndefined();
    expect(judge('m1.example.com', 'eth0')).toBeUndefined();
    expect(judge('203.0.113.1')).toBeUndefined();
  });

  test('is refused where the others would look for it elsewhere', () => {
    expect(judge('192.0.2.11', 'eth0')).toEqual({
      refused: 'bind_interface of m1 is eth0, which has 198.51.100.7, but the inventory has the host at 192.0.2.11',
      next: 'correct bind_interface (pillar/hosts/m1.yaml:3:17), or ansible_host in the inventory: peers and API servers go to that address',
    });
  });

  test('is refused where there is no such interface, or no way to know', () => {
    expect(judge('192.0.2.11', 'eth9')!.refused).toBe(
      'bind_interface of m1 is eth9, which the host does not have with an address: it has eth0 (198.51.100.7), eth1 (fd00::11, 192.0.2.11)',
    );
    expect(judge('m1.example.com', 'eth9', { interfaces: {} } as never)!.refused).toMatch(/it has none$/);
  });
});

test('a host says which interface has which addresses', () => {
  const ip = `ip() { cat <<'END'
2: eth0    inet 192.0.2.11/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever preferred_lft forever
2: eth0    inet6 fd00::11/64 scope global \\       valid_lft forever preferred_lft forever
3: veth7@if2    inet 10.1.0.1/16 scope global veth7\\       valid_lft forever preferred_lft forever
END
}
`;
  const { stdout } = spawnSync('bash', ['--norc', '-c', ip + FACTS_SCRIPT]);
  expect(parseFacts(stdout)).toMatchObject({
    addresses: ['192.0.2.11', 'fd00::11', '10.1.0.1'],
    interfaces: { eth0: ['192.0.2.11', 'fd00::11'], veth7: ['10.1.0.1'] },
  });
});
