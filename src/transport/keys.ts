// Which keys to log in with, in which order, and what to say when none was taken.
import { readFile } from 'node:fs/promises';
import type { AnyAuthMethod, BaseAgent, IdentityCallback, ParsedKey } from 'ssh2';
import type { Failure } from '../failure.ts';
import type { Endpoint } from './openssh.ts';

export interface Login {
  attempts: AnyAuthMethod[];
  /** The attempts in words, for the message when all were denied. */
  tried: string[];
  /** Key files that need a passphrase, so only an agent could use them. */
  locked: string[];
}

/** The inventory's key, else the configured ones, then the agent's: as ssh does, but never asking for a passphrase. */
export async function planLogin(endpoint: Endpoint): Promise<Login | Failure> {
  const { OpenSSHAgent, parseKey } = await import('./ssh2.ts');
  const login: Login = { attempts: [], tried: [], locked: [] };
  const username = endpoint.user;
  const named = endpoint.identityFile;
  const allowed: Buffer[] = [];

  for (const file of named === undefined ? endpoint.identityFiles : [named]) {
    const text = await readFile(file).catch((error: NodeJS.ErrnoException) => error);
    if (text instanceof Error) {
      if (named === undefined) continue;
      return {
        reason: 'unreachable',
        message: `the private key file ${file} cannot be read: ${text.code === 'ENOENT' ? 'it does not exist' : text.message}`,
        next: 'correct ansible_ssh_private_key_file',
      };
    }
    const key = parseKey(text);
    const open = key instanceof Error ? undefined : [key].flat().find((one) => one.isPrivateKey());
    if (open !== undefined) {
      login.attempts.push({ type: 'publickey', username, key: open as unknown as Buffer });
      login.tried.push(file);
      allowed.push(open.getPublicSSH());
    } else {
      if (key instanceof Error && /passphrase|encrypted/i.test(key.message)) login.locked.push(file);
      else login.tried.push(`${file} (not a private key that can be read)`);
      const pub = parseKey(await readFile(`${file}.pub`).catch(() => ''));
      if (!(pub instanceof Error)) allowed.push(...[pub].flat().map((one) => one.getPublicSSH()));
    }
  }
  if (endpoint.agent === undefined) return login;

  const agent = new OpenSSHAgent(endpoint.agent);
  const attempt: AnyAuthMethod = {
    type: 'agent',
    username,
    agent: endpoint.identitiesOnly ? limitAgent(agent, allowed) : agent,
  };
  login.attempts.push(attempt);
  login.tried.push('the keys of the ssh agent');
  return login;
}

/** The same agent, showing only some of its keys. */
function limitAgent(agent: BaseAgent, allowed: readonly Buffer[]): BaseAgent {
  const all = agent.getIdentities.bind(agent);
  agent.getIdentities = (done: IdentityCallback<string | Buffer | ParsedKey>) =>
    all((error, keys) => {
      if (error) done(error);
      else done(null, (keys ?? []).filter((key) => allowed.some((one) => one.equals(publicPart(key)))) as ParsedKey[]);
    });
  return agent;
}

function publicPart(key: unknown): Buffer {
  if (Buffer.isBuffer(key)) return key;
  const parsed = key as Partial<ParsedKey> & { pubKey?: unknown };
  if (typeof parsed.getPublicSSH === 'function') return parsed.getPublicSSH();
  return Buffer.isBuffer(parsed.pubKey) ? parsed.pubKey : Buffer.alloc(0);
}

/** Login was denied: whom the host did not let in, with which keys, and what to do. */
export function explainDenied(endpoint: Endpoint, login: Login): Failure {
  const { user, hostname } = endpoint;
  const tried = login.tried.length === 0 ? 'there was no key to try' : `tried ${login.tried.join(', ')}`;
  const locked = login.locked.length === 0 ? '' : `; ${login.locked.join(', ')} needs a passphrase and was left out`;
  return {
    reason: 'unreachable',
    message: `${hostname} denies login as ${user}: ${tried}${locked}`,
    next:
      login.locked.length > 0
        ? `load the key into an agent: ssh-add ${login.locked[0]}`
        : `add the public key to ${user}'s authorized_keys, or set ansible_user or ansible_ssh_private_key_file`,
  };
}
