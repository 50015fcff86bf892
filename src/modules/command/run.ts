// command.run: a command that runs when its guards say that it is due, or when something that it watches changes.
import { isSensitive, reveal, Sensitive } from '../../sensitive.ts';
import { PATH_PATTERN } from '../file/path.ts';
import type { Module, ParameterProperty } from '../module.ts';
import { type Execution, execute } from './execute.ts';
import { askGuards, type Guards, hasGuard } from './guards.ts';

type Want = Guards & Execution & { stdin?: string | Sensitive<string>; reports_change: boolean };
type Seen = { due: boolean; because: string };

/** No shell can hold a NUL. */
const NO_NUL = '^[^\\u0000]*$';

const NOT_DUE = 'changed=no comment=no longer due';

export const commandRun: Module<Guards, Want, Seen> = {
  name: 'command.run',
  schema: {
    type: 'object',
    description:
      'A command for sh, for what no other module does. It runs when creates, unless and onlyif say that it is due, or when something that it watches (watch, onchanges) changes; with guards, these have the last word in either case. Its guards must say that it is done afterwards, else the run reports it as unproven. Commands are shown in plans: a secret belongs in stdin.',
    properties: {
      command: {
        type: 'string',
        minLength: 1,
        pattern: NO_NUL,
        description: 'What to run, by sh; it may have several lines',
        examples: ['update-ca-certificates'],
        'x-shell': true,
      },
      cwd: {
        type: 'string',
        pattern: `^/$|${PATH_PATTERN}`,
        description: 'The directory to run it in. Absolute',
        default: '/',
        examples: ['/var/lib/etcd'],
      },
      env: {
        type: 'object',
        propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$' },
        additionalProperties: { type: 'string', pattern: NO_NUL, description: 'Any text without NUL' },
        description: 'Environment variables, name: value. Not for secrets',
        default: {},
        examples: [{ ETCDCTL_API: '3' }],
      },
      user: {
        type: 'string',
        pattern: '^[A-Za-z_][A-Za-z0-9_.-]*\\$?$',
        description: 'The user of the host to run it as. Left out: the one that Quorate works as, usually root',
        examples: ['etcd'],
      },
      stdin: {
        type: 'string',
        description: 'What the command reads on its standard input, byte for byte as UTF-8. Left out: nothing',
        examples: ['yes\n'],
        'x-sensitive': true,
      },
      creates: {
        type: 'string',
        pattern: PATH_PATTERN,
        description: 'A path that the command makes: if something is there, the command is done. Absolute',
        examples: ['/etc/etcd/pki/ca.crt'],
        'x-identity': true,
      },
      unless: guardProperty(
        'A read-only command, or a list of them: if all succeed, the command is done',
        'etcdctl user get root',
      ),
      onlyif: guardProperty(
        'A read-only command, or a list of them: if one fails, the command is not for this host',
        'test -d /etc/ssl/certs',
      ),
      timeout: {
        type: 'integer',
        minimum: 1,
        maximum: 3600,
        description: 'How long the command may take before it is ended. Seconds',
        default: 60,
        examples: [300],
      },
      success_codes: {
        type: 'array',
        items: { type: 'integer', minimum: 0, maximum: 255 },
        minItems: 1,
        description: 'The exit statuses that mean success',
        default: [0],
        examples: [[0, 3]],
      },
      reports_change: {
        type: 'boolean',
        description:
          'The last line that the command prints says whether it changed anything: changed=yes or changed=no, with comment=TEXT after it if there is more to say. Left out: whenever it ran, it has changed something',
        default: false,
        examples: [true],
      },
    },
    required: ['command'],
    additionalProperties: false,
    examples: [
      { command: 'etcdctl user add root --interactive=false', unless: 'etcdctl user get root' },
      { command: 'mkfs.ext4 -q /dev/vdb', unless: 'blkid /dev/vdb', timeout: 300 },
    ],
  },
  reacts: true,
  needsGuard: true,
  claims: () => undefined,
  // The fingerprint is constant: what a guard says may rightly change with what the same run did before the command,
  // so the write asks the guards again itself.
  read: (id) => `${askGuards(id)}\necho command\necho "${hasGuard(id) ? '$because' : 'reaction'}"`,
  parse(reading) {
    const [, because] = new TextDecoder().decode(reading.stdout).split('\n');
    return { due: because === '', because: because === '' ? 'due' : `done: ${because}` };
  },
  diff: (want, seen) => (seen.due ? [{ path: 'run', before: null, after: want.command }] : []),
  expect: (_want, seen) => ({ due: false, because: seen.due ? 'done: run' : seen.because }),
  fingerprint: () => 'command',
  write(want) {
    const { stdin } = want;
    const script = hasGuard(want)
      ? `${askGuards(want)}\nif [ -n "$because" ]; then\n  echo '${NOT_DUE}'\n  exit 0\nfi\n${execute(want, stdin !== undefined)}`
      : execute(want, stdin !== undefined);
    if (stdin === undefined) return { script };
    const bytes = new TextEncoder().encode(reveal(stdin));
    // In memory, not on a disk: it may be a secret, and nothing renames it.
    return { script, inputs: [{ directory: '/run', content: isSensitive(stdin) ? new Sensitive(bytes) : bytes }] };
  },
  saysChange(want, output) {
    const text = output.trimEnd();
    if (text === NOT_DUE) return false;
    if (!want.reports_change) return true;
    return /^changed=yes(\s|$)/.test(text.slice(text.lastIndexOf('\n') + 1));
  },
};

function guardProperty(description: string, example: string): ParameterProperty {
  return {
    type: ['string', 'array'],
    minLength: 1,
    pattern: NO_NUL,
    items: { type: 'string', minLength: 1, pattern: NO_NUL },
    minItems: 1,
    description: `${description}. Run by sh for at most 10 seconds, in every plan too`,
    examples: [example],
    'x-identity': true,
    'x-shell': true,
  };
}
