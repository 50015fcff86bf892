// What a client needs of ssh2: its server, its makers of keys and its agents for http take half as long again to load.
import { createRequire } from 'node:module';
import type ssh2 from 'ssh2';

const require = createRequire(import.meta.url);

export const Client: typeof ssh2.Client = require('ssh2/lib/client.js');
export const { OpenSSHAgent }: Pick<typeof ssh2, 'OpenSSHAgent'> = require('ssh2/lib/agent.js');
export const { parseKey }: Pick<typeof ssh2.utils, 'parseKey'> = require('ssh2/lib/protocol/keyParser.js');
