// A data directory that is a mount: it cannot be renamed, so what etcd has is kept within it, and comes back from there.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HOSTS } from './cluster.ts';
import { mountDisks, openRestoring, type Restoring, WAYS } from './restoring.ts';

const DATA = '/var/lib/etcd';
const UNTOUCHED = `${DATA}/lost+found`;
let restoring: Restoring;
let run: string;
/** So many entries does a journal have by then. */
let untilStep5: number;

beforeAll(async () => {
  restoring = await openRestoring('tbmount', '10.213.106', { prepare: (cluster) => mountDisks(cluster, DATA) });
  const whole = await restoring.restore().ended;
  expect(whole.status, whole.stdout + whole.stderr).toBe(0);
  untilStep5 = 1 + restoring.lastRun().entries.findIndex(({ step }) => step === 5);
  expect(untilStep5).toBeGreaterThan(1);
});
afterAll(() => restoring?.close());

const onEach = (command: string) => restoring.cluster.onEach(command);
const all = (said: string) => Array(HOSTS.length).fill(said);

it.each(WAYS)(
  'is restored like any other, also when the controller is killed in the midst of it, then %s',
  async (way) => {
    const mount = await onEach(`stat -c %d ${DATA} ${UNTOUCHED}`);
    // All have set aside what they had, and none has its new member.
    const outcome = await restoring.expectMended(way, async () => {
      run = await restoring.restoreKilledAfter(untilStep5);
      expect(await onEach(`ls ${DATA}/.pre-${run}; ls -d ${DATA}/member 2>/dev/null || :`)).toEqual(all('member'));
      return run;
    });
    expect(outcome).toBe(way === 'resume' ? 'finished' : 'taken back');
    expect(await onEach(`stat -c %d ${DATA} ${UNTOUCHED}`)).toEqual(mount);
    expect(await onEach(`stat -c '%U %a' ${DATA}`)).toEqual(all('etcd 700'));
  },
);

it('is taken back whole when all of it was done, and keeps what was restored within it too', async () => {
  const outcome = await restoring.expectMended('undo', async () => {
    const ended = await restoring.restore().ended;
    expect(ended.status, ended.stdout + ended.stderr).toBe(0);
    run = restoring.lastRun().run;
    return run;
  });
  expect(outcome).toBe('taken back');
  expect(await onEach(`ls ${DATA}/.restored-${run}; ls -d ${DATA}/.pre-* 2>/dev/null || :`)).toEqual(all('member'));
});
