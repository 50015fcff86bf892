import { expect, it } from 'vitest';
import type { Host } from '../../../src/inventory/inventory.ts';
import { Sensitive } from '../../../src/sensitive.ts';
import { BOOTSTRAP } from '../../../src/shell/loader.ts';
import { explainSilence, planBootstrap } from '../../../src/transport/become.ts';

const host = (more: Partial<Host>): Host => ({
  name: 'm1',
  address: 'm1',
  become: true,
  becomeUser: 'root',
  vars: {},
  groups: [],
  place: { file: 'hosts.yaml', line: 3, column: 5 },
  ...more,
});

it('goes through sudo only where it becomes somebody else', () => {
  expect(planBootstrap(host({ become: false }), 'ops')).toEqual({ command: BOOTSTRAP, become: false });
  expect(planBootstrap(host({}), 'root')).toEqual({ command: BOOTSTRAP, become: false });
  expect(planBootstrap(host({}), 'ops')).toMatchObject({ command: `sudo -n -u 'root' -- ${BOOTSTRAP}` });
});

it('never has the password in the command, and another prompt each time', () => {
  const commands = [1, 2].map(() => {
    const plan = planBootstrap(host({ becomePassword: new Sensitive('hunter2') }), 'ops');
    return 'command' in plan ? plan.command : '';
  });
  expect(commands[0]).toMatch(/^sudo -k -S -p [0-9a-f]{32} -u 'root' -- sh -c 'echo [0-9a-f]{32}; IFS= read/);
  expect(commands.join()).not.toContain('hunter2');
  expect(commands[0]).not.toBe(commands[1]);
});

it.each(["x'; reboot; '", '-i', '', 'a b', '$(id)', 'a\nb'])('refuses the user name %j', (becomeUser) => {
  expect(planBootstrap(host({ becomeUser }), 'ops')).toMatchObject({
    reason: 'become',
    host: 'm1',
    place: { line: 3 },
  });
});

it.each([
  ['sudo: a password is required\n', /asks for a password/, /ansible_become_password/],
  ['Sorry, user ops is not allowed to execute sh as root on m1.\nsudo: nope\n', /sudo denies: sudo: nope/, /allow/],
  ['bash: line 1: sudo: command not found\n', /sudo is missing/, /install/],
])('says why sudo denied: %j', (said, message, next) => {
  expect(explainSilence(said, { status: 1 }, true)).toMatchObject({
    reason: 'become',
    message: expect.stringMatching(message),
    next: expect.stringMatching(next),
  });
});
