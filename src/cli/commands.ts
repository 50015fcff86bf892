// Every command, in the order of the list that `quorate --help` prints. What it takes is in the file of its name, loaded
// for a command line that names it: all of them together are most of what a start would cost.
import type { Command } from 'commander';
import type { Shell } from './io.ts';

export interface CommandEntry {
  name: string;
  about: string;
  /** As commander writes it, and what it means. */
  argument?: readonly [syntax: string, about: string];
  /** Loads what gives the command its options, its action or its own commands. */
  load(): Promise<(command: Command, shell: Shell) => void>;
}

const STATES = 'states, such as kubernetes.etcd.configured';
const RESTORE = ['<run>', 'the restore, as it was called'] as const;

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'status',
    about: 'how each cluster and its members are, and what to do about it; changes nothing (docs/status.md)',
    load: async () => (await import('./status.ts')).declareStatus,
  },
  {
    name: 'plan',
    about: 'show what an apply would do; changes nothing',
    argument: ['<states...>', STATES],
    load: async () => (await import('./plan.ts')).declarePlan,
  },
  {
    name: 'apply',
    about: 'make it so: plan, ask, change what differs, prove it',
    argument: ['[states...]', `${STATES}; with --plan: those of the plan`],
    load: async () => (await import('./apply.ts')).declareApply,
  },
  {
    name: 'facts',
    about: 'ask hosts what they are; changes nothing',
    load: async () => (await import('./facts.ts')).declareFacts,
  },
  {
    name: 'pillar',
    about: 'the data that parametrises states',
    load: async () => (await import('./pillar.ts')).declarePillar,
  },
  {
    name: 'states',
    about: 'what can be applied',
    load: async () => (await import('./states.ts')).declareStates,
  },
  {
    name: 'inventory',
    about: 'the hosts, groups and clusters',
    load: async () => (await import('./inventory.ts')).declareInventory,
  },
  {
    name: 'validate',
    about: 'check inventory, pillar and states; connects to nothing',
    argument: ['[states...]', 'only these states (default: all)'],
    load: async () => (await import('./validate.ts')).declareValidate,
  },
  {
    name: 'runs',
    about: 'what earlier applies did',
    load: async () => (await import('./runs.ts')).declareRuns,
  },
  {
    name: 'lock',
    about: 'the locks of a cluster: show them, or break one that was left behind',
    load: async () => (await import('./lock.ts')).declareLock,
  },
  {
    name: 'snapshot',
    about: "snapshots of a cluster's data (docs/snapshots.md)",
    load: async () => (await import('./snapshot.ts')).declareSnapshot,
  },
  {
    name: 'restore',
    about:
      'a whole cluster goes back to one snapshot: proved, rehearsed, then everything stops, what there was is kept beside, and the new cluster is proved before API servers begin again',
    load: async () => (await import('./restore.ts')).declareRestore,
  },
  {
    name: 'resume',
    about:
      'go on with a restore that was interrupted: what is left to do is seen on the hosts, and they have what it needs',
    argument: RESTORE,
    load: async () => (await import('./resume.ts')).declareResume,
  },
  {
    name: 'undo',
    about: 'take a restore back: what was restored is kept beside, and what was kept from before is in its place again',
    argument: RESTORE,
    load: async () => (await import('./undo.ts')).declareUndo,
  },
];
