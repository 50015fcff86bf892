// Which hosts a restore may leave out: refused before a snapshot is looked for or a host is asked.
import { expect, it } from 'vitest';
import { createRig } from './rig.ts';

async function restore(...args: string[]) {
  const rig = await createRig();
  const ended = await rig.quorate('restore', '--from', 'kept/a.db', '--confirm', 'main', ...args);
  return { ...ended, knocks: rig.knocks() };
}
const refused = (message: string | RegExp) => ({
  code: 5,
  stderr: expect.stringMatching(message),
  knocks: 0,
});

it.each([
  ['is unknown', 'm9', 'masters'],
  ['is no member', 'w1', 'masters'],
  ['is outside the target', 'm3', 'masters:!m3'],
])('is refused for a host that %s', async (_what, host, target) => {
  const message = new RegExp(`--without ${host}: it is no member of cluster main that the target has`);
  expect(await restore('-t', target, '--without', host)).toMatchObject(refused(message));
  expect(await restore('-t', target, '--without', 'm1', '--without', host)).toMatchObject(refused(message));
});

it('names the hosts that may be left out', async () => {
  expect((await restore('-t', 'masters:!m3', '--without', 'm3')).stderr).toMatch(/name hosts of m1, m2, and let/);
});

it('is refused where nobody would be left', async () => {
  const all = ['m1', 'm2', 'm3'].flatMap((host) => ['--without', host]);
  expect(await restore('-t', 'masters', ...all)).toMatchObject(
    refused(/without m1, m2, m3 nothing is left of cluster main to restore/),
  );
});

it('goes on to the snapshot for a member of the target', async () => {
  expect((await restore('-t', 'masters', '--without', 'm3')).stderr).toMatch(/kept\/a\.db/);
});
