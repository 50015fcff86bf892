// What is allowed and seldom meant: told with its place by validate, and at the top of a plan.
import { describe, expect, it } from 'vitest';
import { createRig, INVENTORY } from './rig.ts';

const FOUR = `${INVENTORY.replace('    m3:\n', '    m3:\n    m4:\n')}`;
const WARNING =
  '! cluster main has 4 members, which tolerate no more failures than 3: an odd number costs one host less (inventory.yaml:2:25)\n';

describe('an even number of members', () => {
  it('is told by validate, which says that all is valid nevertheless', async () => {
    const rig = await createRig({ 'inventory.yaml': FOUR });
    expect(await rig.quorate('validate', 'thing', '-t', 'm1')).toEqual({
      code: 0,
      stdout: 'thing: valid, 2 resources on 1 host\n',
      stderr: WARNING,
    });
    const { code, stdout } = await rig.quorate('validate', 'thing', '--json');
    expect([code, JSON.parse(stdout).warnings]).toEqual([
      0,
      [
        {
          message:
            'cluster main has 4 members, which tolerate no more failures than 3: an odd number costs one host less',
          place: { file: 'inventory.yaml', line: 2, column: 25 },
        },
      ],
    ]);
    expect(rig.knocks()).toBe(0);
  });

  it('is not told where the run has nothing to do with the cluster, or the number is odd', async () => {
    const rig = await createRig({ 'inventory.yaml': FOUR });
    expect((await rig.quorate('validate', 'thing', '-t', 'w1')).stderr).toBe('');
    const odd = await createRig();
    expect((await odd.quorate('validate', 'thing')).stderr).toBe('');
  });
});
