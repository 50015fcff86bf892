import { homedir, userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { parseClientConfig, parseJump, settleEndpoint } from '../../../src/transport/openssh.ts';

const config = parseClientConfig(`
user alice
hostname 10.0.0.9
port 2200
identityfile ~/.ssh/work
identityfile /keys/%h-%r
userknownhostsfile ~/.ssh/known /other
globalknownhostsfile none
hostkeyalias alias
identityagent $MY_AGENT
identitiesonly yes
proxyjump bob@[::1]:2222,gate
`);

describe('an endpoint', () => {
  it('follows the client configuration', () => {
    expect(settleEndpoint({ address: 'm1' }, config, { MY_AGENT: '/agent' })).toEqual({
      hostname: '10.0.0.9',
      port: 2200,
      user: 'alice',
      identityFiles: [`${homedir()}/.ssh/work`, '/keys/10.0.0.9-alice'],
      identitiesOnly: true,
      agent: '/agent',
      knownHostsFiles: [`${homedir()}/.ssh/known`, '/other'],
      hostKeyAlias: 'alias',
      jumps: [{ user: 'bob', address: '::1', port: 2222 }, { address: 'gate' }],
      unsupported: [],
    });
  });

  it('follows the inventory first', () => {
    const asked = {
      address: 'm1',
      port: 22,
      user: 'root',
      identityFile: '~/k',
      knownHostsFile: '~/known',
      proxyJump: 'none',
    };
    expect(settleEndpoint(asked, config, {})).toMatchObject({
      port: 22,
      user: 'root',
      identityFile: `${homedir()}/k`,
      knownHostsFiles: [`${homedir()}/known`],
      jumps: [],
    });
  });

  it('has the defaults of ssh where nothing is configured', () => {
    expect(settleEndpoint({ address: 'M1' }, new Map(), { SSH_AUTH_SOCK: '/agent' })).toMatchObject({
      hostname: 'm1',
      port: 22,
      user: userInfo().username,
      identitiesOnly: false,
      agent: '/agent',
      jumps: [],
    });
  });

  it('does not ignore a ProxyCommand', () => {
    const { unsupported } = settleEndpoint({ address: 'm1' }, parseClientConfig('proxycommand nc %h %p'), {});
    expect(unsupported).toEqual(['ProxyCommand nc %h %p']);
  });
});

it.each([
  ['gate', { address: 'gate' }],
  ['bob@gate', { user: 'bob', address: 'gate' }],
  ['gate:2222', { address: 'gate', port: 2222 }],
  ['ssh://bob@gate:2222', { user: 'bob', address: 'gate', port: 2222 }],
  ['[fe80::1]:2222', { address: 'fe80::1', port: 2222 }],
  ['fe80::1', { address: 'fe80::1' }],
  ['me@corp@gate', { user: 'me@corp', address: 'gate' }],
])('reads the jump host %s', (text, jump) => {
  expect(parseJump(text)).toEqual(jump);
});
