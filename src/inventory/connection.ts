// Ansible's connection variables: what Quorate takes from them, what it may ignore, and what it must refuse.
import type { Failure, Place } from '../failure.ts';
import { suggest } from '../load/nearest.ts';
import { isSensitive, reveal, Sensitive } from '../sensitive.ts';
import type { Value } from '../value.ts';
import type { Variable } from './draft.ts';
import type { Host } from './inventory.ts';

export type Connection = Omit<Host, 'name' | 'vars' | 'groups' | 'cluster' | 'place'>;

/** The variables that mean something here, with Ansible's other spellings of each; a later spelling wins. */
const SPELLINGS = {
  host: ['ansible_host', 'ansible_ssh_host'],
  port: ['ansible_port', 'ansible_ssh_port'],
  user: ['ansible_user', 'ansible_ssh_user'],
  connection: ['ansible_connection'],
  become: ['ansible_become', 'ansible_sudo'],
  becomeMethod: ['ansible_become_method'],
  becomeUser: ['ansible_become_user', 'ansible_sudo_user'],
  becomePassword: ['ansible_become_password', 'ansible_become_pass', 'ansible_sudo_pass'],
  identityFile: ['ansible_ssh_private_key_file', 'ansible_private_key_file'],
  commonArgs: ['ansible_ssh_common_args'],
} as const;

/** They steer Ansible itself and change nothing about where or as whom a host is reached. */
const HARMLESS =
  /^ansible_(\w+_interpreter|group_priority|(ssh_)?pipelining|(ssh_)?timeout|ssh_retries|ssh_transfer_method|scp_if_ssh|(sftp|scp)_extra_args|shell_type|shell_executable|remote_tmp|async_dir|control_path(_dir)?|facts?_\w+|interpreter_discovery\w*)$/;

/** Others that people have, and what to do instead. */
const REFUSED: { [name: string]: string } = {
  ansible_password: 'log in with a key: ansible_ssh_private_key_file, or ssh-agent',
  ansible_ssh_pass: 'log in with a key: ansible_ssh_private_key_file, or ssh-agent',
  ansible_ssh_password: 'log in with a key: ansible_ssh_private_key_file, or ssh-agent',
  ansible_ssh_args: 'put it into ~/.ssh/config',
  ansible_ssh_extra_args: 'put it into ~/.ssh/config',
  ansible_ssh_executable: 'remove it: Quorate speaks SSH itself',
  ansible_host_key_checking: 'remove it: host keys are always checked; add the key to known_hosts',
  ansible_ssh_host_key_checking: 'remove it: host keys are always checked; add the key to known_hosts',
  ansible_become_exe: 'remove it: sudo is taken from PATH',
  ansible_become_flags: 'remove it: Quorate chooses the flags of sudo',
};

const KNOWN = Object.values(SPELLINGS).flat() as string[];

/** Variables that {@link readConnection} deals with; all others are for templates. */
export function isConnectionVariable(name: string): boolean {
  return name.startsWith('ansible_');
}

/** How to reach `name`, from its merged variables; what is wrong with them goes into `failures`. */
export function readConnection(name: string, vars: ReadonlyMap<string, Variable>, failures: Failure[]): Connection {
  for (const [variable, { key }] of vars) refuseUnknown(variable, key);
  checkWord('connection', ['ssh', 'smart', 'ansible.builtin.ssh'], 'Quorate reaches hosts over ssh only');
  checkWord('becomeMethod', ['sudo', 'ansible.builtin.sudo'], 'Quorate becomes another user through sudo only');
  const port = readPort(pick('port'));
  const user = readText('user');
  const password = pick('becomePassword');
  const identityFile = readText('identityFile');
  return {
    address: readText('host') ?? name,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    become: readSwitch(pick('become')),
    becomeUser: readText('becomeUser') ?? 'root',
    ...(password === undefined ? {} : { becomePassword: new Sensitive(readPassword(password)) }),
    ...(identityFile === undefined ? {} : { identityFile }),
    ...readCommonArgs(pick('commonArgs')),
  };

  function refuse(place: Place, message: string, next: string, reason: Failure['reason'] = 'schema'): void {
    failures.push({ reason, message, place, next });
  }

  function refuseUnknown(variable: string, place: Place): void {
    if (!isConnectionVariable(variable) || KNOWN.includes(variable) || HARMLESS.test(variable)) return;
    const instead = REFUSED[variable];
    const why = instead === undefined ? 'is not a variable that Quorate knows' : 'is not supported';
    refuse(place, `${variable} ${why}`, instead ?? suggest(variable, KNOWN), 'unknown');
  }

  function pick(key: keyof typeof SPELLINGS): (Variable & { name: string }) | undefined {
    const spelling = SPELLINGS[key].findLast((each) => vars.has(each));
    return spelling === undefined ? undefined : { name: spelling, ...vars.get(spelling)! };
  }

  function readText(key: keyof typeof SPELLINGS): string | undefined {
    const variable = pick(key);
    if (variable === undefined) return undefined;
    const value = reveal(variable.value as Value);
    // It reaches ssh and sudo: a leading dash would be an option there, a control character a line of its own.
    if (typeof value === 'string' && /^[^-\s\p{Cc}][^\p{Cc}]*$/u.test(value)) return value;
    const shown = isSensitive(variable.value) ? 'it' : JSON.stringify(value);
    refuse(variable.place, `${variable.name} must be plain text, and ${shown} is not`, 'write a name, address or path');
    return undefined;
  }

  function readPassword({ name, value, place }: Variable & { name: string }): string {
    const text = reveal(value);
    // sudo reads one line; a second would be read by whatever comes after it.
    if (typeof text === 'string' && !/[\0\r\n]/.test(text)) return text;
    refuse(place, `the secret ${name} must be one line of text`, 'write it in quotes, or use !sensitive-file PATH');
    return '';
  }

  function readPort(variable: ReturnType<typeof pick>): number | undefined {
    if (variable === undefined) return undefined;
    const { value, place } = variable;
    const port = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65535) return port;
    refuse(place, `${variable.name} must be a port from 1 to 65535, not ${JSON.stringify(value)}`, 'for example 22');
    return undefined;
  }

  function readSwitch(variable: ReturnType<typeof pick>): boolean {
    if (variable === undefined) return false;
    const { value, place } = variable;
    if (typeof value === 'boolean') return value;
    // Ansible reads YAML 1.1, where these words are booleans.
    const word = typeof value === 'string' ? value.toLowerCase() : '';
    if (['yes', 'true', 'on', '1'].includes(word)) return true;
    if (['no', 'false', 'off', '0'].includes(word)) return false;
    refuse(place, `${variable.name} must be true or false, not ${JSON.stringify(value)}`, 'write true or false');
    return false;
  }

  function checkWord(key: keyof typeof SPELLINGS, allowed: string[], next: string): void {
    const variable = pick(key);
    if (variable === undefined || allowed.includes(String(variable.value))) return;
    refuse(variable.place, `${variable.name} must be ${allowed[0]}, not ${JSON.stringify(variable.value)}`, next);
  }

  function readCommonArgs(variable: ReturnType<typeof pick>): Pick<Connection, 'knownHostsFile' | 'proxyJump'> {
    const taken: Pick<Connection, 'knownHostsFile' | 'proxyJump'> = {};
    if (variable === undefined) return taken;
    const words = String(variable.value)
      .split(/\s+/)
      .filter((word) => word !== '')
      .map(unquote);
    while (words.length > 0) {
      const word = words.shift()!;
      const [, flag, attached] = /^(-[oJ])(.*)$/.exec(word) ?? [];
      const argument = attached === '' ? words.shift() : attached;
      const [, option, value] =
        flag === '-J' ? ['', 'proxyjump', argument] : (/^(\w+)=(.+)$/.exec(argument ?? '') ?? []);
      if (option?.toLowerCase() === 'userknownhostsfile' && value && !value.startsWith('-'))
        taken.knownHostsFile = unquote(value);
      else if (option?.toLowerCase() === 'proxyjump' && value && !value.startsWith('-'))
        taken.proxyJump = unquote(value);
      else {
        const shown = [word, ...(attached === '' && argument !== undefined ? [argument] : [])].join(' ');
        refuse(
          variable.place,
          `${variable.name} holds "${shown}"; only -o UserKnownHostsFile=, -o ProxyJump= and -J are taken from it`,
          'put it into ~/.ssh/config',
        );
        return taken;
      }
    }
    return taken;
  }
}

function unquote(word: string): string {
  return word.replace(/^(["'])(.*)\1$/, '$2');
}
