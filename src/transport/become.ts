// From the login user to the one that commands run as: sudo, its prompt and its refusals.
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Failure } from '../failure.ts';
import type { Host } from '../inventory/inventory.ts';
import { BOOTSTRAP } from '../shell/loader.ts';
import type { Channel, Ending } from './channel.ts';

/** A command for the login shell, and how to answer it before the loader may be sent. */
export interface Bootstrap {
  command: string;
  become: boolean;
  /** Absent where sudo does not ask. */
  conversation?: (channel: Channel) => Promise<Failure | undefined>;
}

/** A user's name, or `#` and a number, as sudo takes it: nothing that any login shell would read as more than a word. */
const USER = /^(?:[A-Za-z_][A-Za-z0-9_.-]*|#[0-9]+)$/;

/** As Ansible does, sudo is left out where the login user is already the wanted one. */
export function planBootstrap(host: Host, loginUser: string): Bootstrap | Failure {
  if (!host.become || host.becomeUser === loginUser) return { command: BOOTSTRAP, become: false };
  if (!USER.test(host.becomeUser)) {
    return {
      reason: 'become',
      message: `ansible_become_user is ${JSON.stringify(host.becomeUser)}, which is no user name`,
      host: host.name,
      place: host.place,
      next: 'give a name such as root, or #0',
    };
  }
  const user = `-u '${host.becomeUser}'`;
  const password = host.becomePassword;
  if (password === undefined) return { command: `sudo -n ${user} -- ${BOOTSTRAP}`, become: true };
  // Nothing is sent before one of these is seen: the prompt may be another program's, or never come.
  const prompt = randomBytes(16).toString('hex');
  const ready = randomBytes(16).toString('hex');
  const shell = BOOTSTRAP.replace('IFS=', `echo ${ready}; IFS=`);
  return {
    command: `sudo -k -S -p ${prompt} ${user} -- ${shell}`,
    become: true,
    conversation: async (channel) => {
      const failure = await answerPrompt(channel, { prompt, ready, password: () => password.reveal() });
      return failure === undefined ? undefined : { ...failure, host: host.name };
    },
  };
}

interface PromptOptions {
  prompt: string;
  ready: string;
  password(): string;
}

/** Gives sudo the password once. A second prompt means that it was wrong; no prompt, that none was wanted. */
async function answerPrompt(channel: Channel, options: PromptOptions): Promise<Failure | undefined> {
  const stdout = watchFor(channel.stdout, options.ready);
  const first = watchFor(channel.stderr, options.prompt);
  const gone = channel.ended.then((ending) => ({ ending }));
  try {
    const begin = await Promise.race([stdout.seen.then(() => 'ready'), first.seen.then(() => 'prompt'), gone]);
    if (begin === 'ready') return undefined;
    if (typeof begin === 'object') return explainSilence(first.text() + stdout.text(), begin.ending, true);
    const second = watchFor(channel.stderr, options.prompt);
    channel.stdin.write(`${options.password()}\n`);
    const then = await Promise.race([stdout.seen.then(() => 'ready'), second.seen.then(() => 'prompt'), gone]);
    second.stop();
    if (then === 'ready') return undefined;
    return {
      reason: 'become',
      message: `sudo did not take the password${typeof then === 'object' ? `: ${lastLine(second.text())}` : ''}`,
      next: 'give the right ansible_become_password, or let sudo run without one (NOPASSWD)',
    };
  } finally {
    stdout.stop();
    first.stop();
  }
}

/** Resolves `seen` when `word` has come. What else comes before the loader is sent is of no use to anybody. */
function watchFor(stream: Readable, word: string): { seen: Promise<void>; text(): string; stop(): void } {
  const found = Promise.withResolvers<void>();
  let text = '';
  const take = (chunk: Buffer) => {
    text = (text + chunk.toString('latin1')).slice(-4000);
    if (text.includes(word)) found.resolve();
  };
  stream.on('data', take);
  return { seen: found.promise, text: () => text, stop: () => void stream.off('data', take) };
}

/** Why a channel ended before the loader answered. */
export function explainSilence(preamble: string, ending: Ending, become: boolean): Failure {
  const said = lastLine(preamble);
  const how = ending.signal === undefined ? `status ${ending.status ?? 'unknown'}` : `signal ${ending.signal}`;
  if (become && /sudo|Sorry, user/.test(preamble)) return { reason: 'become', ...explainSudo(preamble) };
  return {
    reason: 'protocol',
    message: `the login shell ended with ${how} before it took a program${said === '' ? '' : `: ${said}`}`,
    next: 'check with `ssh HOST true` that the user may run commands there, and that sh, dd and sha256sum exist',
  };
}

function explainSudo(said: string): Pick<Failure, 'message' | 'next'> {
  if (/not found|no such file/i.test(said)) {
    return { message: `sudo is missing: ${lastLine(said)}`, next: 'install sudo there, or log in as the wanted user' };
  }
  if (/password is required|terminal is required/.test(said)) {
    return {
      message: 'sudo asks for a password and none is given',
      next: 'set ansible_become_password, or let sudo run without one (NOPASSWD)',
    };
  }
  return {
    message: `sudo denies: ${lastLine(said)}`,
    next: 'allow the login user to run sh as ansible_become_user',
  };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
