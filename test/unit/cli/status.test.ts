// `quorate status` where no host answers: that is an answer too.
import { expect, it } from 'vitest';
import { createRig } from './rig.ts';

it('says that nothing is known, why of each host, and leaves nothing behind', async () => {
  const rig = await createRig();
  const before = rig.listing();
  const { code, stdout, stderr } = await rig.quorate('status', '--connect-limit', '1');
  expect({ code, stderr }).toEqual({ code: 4, stderr: '' });
  expect(stdout).toMatch(/^main may not serve: 3 voters, m1, m2, m3 not asked: quorum 2, 0 seen to serve\n/);
  expect(stdout).toContain('\nCRITICAL nothing-known\n');
  expect(stdout.match(/^WARNING host-unreachable$/gm)).toHaveLength(3);
  expect(rig.knocks()).toBeGreaterThanOrEqual(3);
  expect(rig.listing()).toEqual(before);
});

it('asks a cluster whole, whatever part of it is named', async () => {
  const rig = await createRig();
  const { code, stdout } = await rig.quorate('status', '-t', 'm2', '--connect-limit', '1', '--json');
  const document = JSON.parse(stdout);
  expect({ code, verdict: document.verdict }).toEqual({ code: 4, verdict: 'unreachable' });
  expect(document.clusters[0].members.map(({ host }: { host: string }) => host)).toEqual(['m1', 'm2', 'm3']);
});

it('refuses what has no cluster, and knocks nowhere', async () => {
  const rig = await createRig();
  const { code, stderr } = await rig.quorate('status', '-t', 'workers');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^no cluster: none of these hosts is in a group with etcd_cluster\n {2}next: /);
  expect((await rig.quorate('status', '--watch', 'soon')).stderr).toMatch(/a number of seconds above 0 is expected/);
  const both = await rig.quorate('status', '--watch', '--hashkv');
  expect(both.stderr).toMatch(/--hashkv.*cannot be used with.*--watch/);
  expect(rig.knocks()).toBe(0);
});
