// quorate pillar init, before it has seen a host.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRig } from './rig.ts';

const OTHER = `a:
  vars: { etcd_cluster: one }
  hosts: { a1: { ansible_host: 127.0.0.1, ansible_port: PORT } }
b:
  vars: { etcd_cluster: two }
  hosts: { b1: { ansible_host: 127.0.0.1, ansible_port: PORT } }
w:
  hosts: { w1: { ansible_host: 127.0.0.1, ansible_port: PORT } }
`;

describe('quorate pillar init', () => {
  it.each([
    [['pillar', 'init'], 'no target: which hosts are meant?'],
    [['pillar', 'init', 'root@192.0.2.11', '-t', 'all'], 'hosts are given as addresses, and with -i or -t besides'],
    [['pillar', 'init', 'm1/x'], '"m1/x" is no [USER@]HOST[:PORT]'],
    [['pillar', 'init', 'm1:99999'], '"m1:99999" is no [USER@]HOST[:PORT]'],
    [['pillar', 'init', '-t', 'all', '-i', 'other.yaml'], 'the target has hosts of more than the cluster one'],
    [['pillar', 'init', '-t', 'a1,w1', '-i', 'other.yaml'], 'the target has hosts of more than the cluster one'],
    [['pillar', 'init', '-t', 'nobody'], 'nobody'],
    [['pillar', 'init', '-t', 'all', '--cluster', 'a/b', '-i', 'other.yaml'], 'cluster'],
  ])('%j is refused before anybody is asked', async (argv, message) => {
    const rig = await createRig({ 'other.yaml': OTHER });
    const before = rig.listing();
    const { code, stderr, stdout } = await rig.quorate(...argv);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('next: ');
    expect(rig.knocks()).toBe(0);
    expect(rig.listing()).toEqual(before);
  });

  it('takes addresses in place of an inventory, with user and port', async () => {
    const rig = await createRig();
    const port = /ansible_port: (\d+)/.exec(readFileSync('inventory.yaml', 'utf8'))![1];
    const address = `nobody@127.0.0.1:${port}`;
    const { code, stderr } = await rig.quorate('pillar', 'init', address, '--connect-limit', '1');
    expect(code).toBe(4);
    expect(stderr).toMatch(/^127\.0\.0\.1: /);
    expect(rig.knocks()).toBeGreaterThan(0);
  });

  it('writes nothing where a host cannot be reached', async () => {
    const rig = await createRig();
    const before = rig.listing();
    const { code, stderr } = await rig.quorate('pillar', 'init', '-t', 'masters', '--connect-limit', '1');
    expect(code).toBe(4);
    expect(stderr).toContain('m1');
    expect(rig.listing()).toEqual(before);
  });
});
