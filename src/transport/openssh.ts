// Where a host is and how to log in there: the inventory first, then what the ssh client itself would do.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Host } from '../inventory/inventory.ts';

/** What an inventory, or a ProxyJump, says of one machine. */
export type Asked = Pick<Host, 'address' | 'port' | 'user' | 'identityFile' | 'knownHostsFile' | 'proxyJump'>;

export interface Endpoint {
  hostname: string;
  port: number;
  user: string;
  /** Named by the inventory: it must be there. */
  identityFile?: string;
  /** From ~/.ssh/config, else the client's defaults: those that exist are tried. */
  identityFiles: string[];
  /** No other keys of the agent than those of the identity files. */
  identitiesOnly: boolean;
  /** The agent's socket. */
  agent?: string;
  knownHostsFiles: string[];
  hostKeyAlias?: string;
  /** Machines to go through, the first to be connected first. */
  jumps: Asked[];
  /** Settings that cannot be followed and must not be ignored. */
  unsupported: string[];
}

/** What `ssh -G` prints: keys in lower case, each with all its values. */
export type ClientConfig = Map<string, string[]>;

export function parseClientConfig(text: string): ClientConfig {
  const config: ClientConfig = new Map();
  for (const line of text.split('\n')) {
    const [, key, value] = /^(\S+)\s+(.*)$/.exec(line.trim()) ?? [];
    if (key !== undefined && value !== undefined) config.set(key, [...(config.get(key) ?? []), value]);
  }
  return config;
}

/** Runs `ssh -G`, which is the only one to know ~/.ssh/config's rules; empty where there is no client or no config. */
export async function readClientConfig(asked: Asked): Promise<ClientConfig> {
  const configs = [join(homedir(), '.ssh/config'), '/etc/ssh/ssh_config'];
  const installed = (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'ssh')));
  if (!installed || !configs.some((file) => existsSync(file))) return new Map();
  const args = ['-G'];
  if (asked.port !== undefined) args.push('-p', String(asked.port));
  if (asked.user !== undefined) args.push('-l', asked.user);
  return new Promise((resolve) => {
    execFile('ssh', [...args, '--', asked.address], { timeout: 5000 }, (error, stdout) =>
      resolve(error === null ? parseClientConfig(stdout) : new Map()),
    );
  });
}

/** The inventory's word, else the client configuration's, else ssh's default. Pure. */
export function settleEndpoint(asked: Asked, config: ClientConfig, environment: NodeJS.ProcessEnv): Endpoint {
  const one = (key: string) => config.get(key)?.[0];
  const user = asked.user ?? one('user') ?? userInfo().username;
  const hostname = (one('hostname') ?? asked.address).toLowerCase();
  const port = asked.port ?? Number(one('port') ?? 22);
  const expand = (path: string) => expandPath(path, { h: hostname, p: String(port), r: user, n: asked.address });
  const known = [
    ...(one('userknownhostsfile') ?? DEFAULT_KNOWN).split(' '),
    ...(one('globalknownhostsfile') ?? GLOBAL_KNOWN).split(' '),
  ];
  const alias = one('hostkeyalias');
  const agent = findAgent(one('identityagent'), environment);
  const jump = asked.proxyJump ?? one('proxyjump');
  const command = asked.proxyJump === undefined ? one('proxycommand') : undefined;
  return {
    hostname,
    port,
    user,
    ...(asked.identityFile === undefined ? {} : { identityFile: expand(asked.identityFile) }),
    identityFiles: (config.get('identityfile') ?? DEFAULT_KEYS).map(expand),
    identitiesOnly: one('identitiesonly') === 'yes',
    ...(agent === undefined ? {} : { agent: expand(agent) }),
    knownHostsFiles:
      asked.knownHostsFile === undefined
        ? known.filter((file) => file !== 'none').map(expand)
        : [expand(asked.knownHostsFile)],
    ...(alias === undefined ? {} : { hostKeyAlias: alias }),
    jumps: jump === undefined || jump === 'none' ? [] : jump.split(',').map(parseJump),
    unsupported: command === undefined || command === 'none' ? [] : [`ProxyCommand ${command}`],
  };
}

const DEFAULT_KEYS = ['~/.ssh/id_rsa', '~/.ssh/id_ecdsa', '~/.ssh/id_ed25519'];
const DEFAULT_KNOWN = '~/.ssh/known_hosts ~/.ssh/known_hosts2';
const GLOBAL_KNOWN = '/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2';

/** `[user@]host[:port]`, with an IPv6 address in brackets, or the same as `ssh://` address. */
export function parseJump(text: string): Asked {
  const [, user, bracketed, plain, port] =
    /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\]|([^:]+|.*:.*:.*?))(?::(\d+))?$/.exec(text.trim()) ?? [];
  return {
    address: bracketed ?? plain ?? text.trim(),
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: Number(port) }),
  };
}

function findAgent(setting: string | undefined, environment: NodeJS.ProcessEnv): string | undefined {
  if (setting === 'none') return undefined;
  if (setting === undefined || setting === 'SSH_AUTH_SOCK') return environment.SSH_AUTH_SOCK || undefined;
  return setting.startsWith('$') ? environment[setting.slice(1)] : setting;
}

/** `~` and the tokens of ssh_config(5) that may stand in paths. */
function expandPath(path: string, tokens: Record<string, string>): string {
  const all: Record<string, string> = { ...tokens, d: homedir(), u: userInfo().username, '%': '%' };
  const home = path.startsWith('~/') ? join(homedir(), path.slice(2)) : path;
  return home.replace(/%([a-zA-Z%])/g, (token, letter: string) => all[letter] ?? token);
}
