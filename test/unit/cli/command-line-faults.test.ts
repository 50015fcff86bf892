// What a person can type wrongly.
import { expect, it } from 'vitest';
import { checkFault, type Fault } from './fault.ts';
import { createRig } from './rig.ts';

const PLAN = 'plan thing -t all';

const FAULTS: { [what: string]: Fault } = {
  'an unknown command': {
    argv: 'pln',
    says: ["unknown command 'pln'", '  next: did you mean plan? `quorate --help` shows what it takes'],
  },
  'an unknown command within a command': {
    argv: 'states shw',
    says: ["unknown command 'shw'", '  next: did you mean show? `quorate states --help` shows what it takes'],
  },
  'an unknown option': {
    argv: 'plan thing --paralel 3',
    says: ["unknown option '--paralel'", '  next: did you mean --parallel? `quorate plan --help` shows what it takes'],
  },
  'a word too many': {
    argv: 'facts masters',
    says: ["too many arguments for 'facts'. Expected 0 arguments but got 1.", '  next: `quorate facts --help` shows'],
  },
  'a missing argument': { argv: 'plan', says: ["missing required argument 'states'", '  next: `quorate plan --help`'] },
  'a missing required option': {
    argv: 'lock break -t all',
    says: ["required option '--confirm <run>' not specified", '  next: `quorate lock break --help`'],
  },
  'no target': {
    argv: 'plan thing',
    says: ['no target: which hosts are meant?', '  next: pass -t masters, or -t all'],
  },
  'no state': { argv: 'apply -t all', says: ['no state: what is to be applied?', '  next: name one (`quorate states'] },
  'an unknown state': {
    argv: 'plan thng -t all',
    says: ['unknown state thng (searched: states, ROOT/states)', '  next: did you mean thing?'],
  },
  'an unknown group': {
    argv: 'plan thing -t mastres',
    says: ['no host or group of the inventory is called "mastres"', '  next: did you mean masters?'],
  },
  'a target that selects nobody': {
    argv: 'facts -t masters:!masters',
    says: [
      'the target "masters:!masters" selects no host: nothing is left after !masters',
      '  next: quorate inventory',
    ],
  },
  'half a target': {
    argv: 'facts -t masters:!',
    says: ['the target has a "!" or "&" without a name', '  next: use names'],
  },
  'an unknown host': { argv: 'pillar show m4', says: ['no host is called m4', '  next: did you mean m1?'] },
  'an unknown run': { argv: 'runs show x', says: ['no run is called x', '  next: `quorate runs list` shows them all'] },
  'a run that nobody can have made, to go on with': {
    argv: 'resume ../../x -t masters',
    says: ['no run is called ../../x', '  next: `quorate runs list` shows which runs were a restore'],
  },
  'a run that nobody can have made, to take back': {
    argv: 'undo ab12 -t masters --confirm main',
    says: ['no run is called ab12', '  next: `quorate runs list` shows which runs were a restore'],
  },
  'an apply that is taken back as if it were a restore': {
    files: {
      'state/quorate/runs/20300102T030405Z-ab12/journal.jsonl':
        '{"at":"2030-01-02T03:04:05Z","type":"run-started","command":"apply","states":["a"],"targets":["m1"]}\n',
      'state/quorate/runs/20300102T030405Z-ab12/result.json': '{"outcome":"changed"}\n',
    },
    argv: 'undo 20300102T030405Z-ab12 -t masters --confirm main',
    says: ['the run 20300102T030405Z-ab12 was an apply, not a restore', '  next: `quorate runs list` shows which'],
  },
  'no parallel hosts': {
    argv: `${PLAN} --parallel 0`,
    says: ["option '--parallel <hosts>' argument '0' is invalid: a whole number of at least 1 is expected"],
  },
  'parallel that is no number': {
    argv: `${PLAN} --parallel many`,
    says: ["option '--parallel <hosts>' argument 'many' is invalid: a whole number of at least 1 is expected"],
  },
  'a limit of nothing': {
    argv: `${PLAN} --program-limit 0`,
    says: ["option '--program-limit <seconds>' argument '0' is invalid: a number of seconds above 0 is expected"],
  },
  'a limit without end': {
    argv: `${PLAN} --run-limit 1e999`,
    says: ["option '--run-limit <seconds>' argument '1e999' is invalid: a number of seconds above 0 is expected"],
  },
  'a missing inventory': {
    argv: 'facts -t all -i nope.yaml',
    says: ['nope.yaml does not exist', '  next: check the path'],
  },
  'a missing directory of states': {
    argv: `${PLAN} --states nope`,
    says: ['there is no directory of states nope', '  next: check the path: every word after --states is one'],
  },
  'a missing directory of pillar': {
    argv: `${PLAN} --pillar nope`,
    says: ['the pillar directory nope does not exist', '  next: check the path'],
  },
  'a missing saved plan': {
    argv: 'apply --plan nope.json',
    says: ['the plan nope.json does not exist', '  next: give a file that `quorate plan -o FILE` wrote'],
  },
  'a saved plan that is none': {
    argv: 'apply --plan inventory.yaml',
    says: ['inventory.yaml:1:1: inventory.yaml is not a saved plan', '  next: give a file that `quorate plan -o'],
  },
  'a saved plan that was cut': {
    files: { 'p.json': '{"quorate":"plan","schema":1,"steps":[null]}' },
    argv: 'apply --plan p.json',
    says: ['the plan p.json has been altered or cut', '  next: give a file that'],
  },
  'a saved plan of another version': {
    files: { 'p.json': '{"quorate":"plan","schema":2}' },
    argv: 'apply --plan p.json',
    says: ['p.json is a plan of schema 2, and this version reads 1', '  next: make a new plan'],
  },
  'a password asked for without a terminal': {
    argv: 'facts -t all -K',
    says: ['there is no terminal to ask for the password', '  next: set ansible_become_password with !sensitive-file'],
  },
  'a journal that cannot be begun': {
    files: { state: 'a file' },
    argv: 'apply thing -t all --yes',
    says: ['FOLDER/state/quorate/runs/', '  next: check the path'],
  },
};

it.each(Object.entries(FAULTS))('%s is told with the next step, and nothing is touched', (_what, fault) =>
  checkFault(fault),
);

it('a plan that cannot be saved is shown all the same, and says why it was not saved', async () => {
  const rig = await createRig();
  const { code, stdout, stderr } = await rig.quorate('plan', 'thing', '-t', 'm1', '-o', 'nowhere/plan.json');
  expect(code).toBe(1);
  expect(stdout).toContain('Unreachable');
  expect(stderr).toContain('nowhere/plan.json cannot be written: its directory does not exist\n  next: make');
});
