// The program that looks at a host, under every shell that a host may have: on one with nothing on it, and what it would print.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseMaster } from '../../../../src/engine/adoption/parse.ts';
import { ADOPTION_PROGRAM } from '../../../../src/engine/adoption/program.sh.ts';
import type { Answer } from '../../../../src/shell/program.ts';
import { Host, SHELLS } from '../../modules/host.ts';

describe.each(SHELLS)('with %s', (shell) => {
  let host: Host;
  beforeEach(() => {
    host = new Host(shell);
  });
  afterEach(() => host.remove());

  function look() {
    // Whoever runs the tests need not be root.
    const parts = ADOPTION_PROGRAM.parts.filter(({ id }) => id !== 'rights');
    const answers = parts.map(({ id, script }): Answer => {
      const { status, stdout, stderr } = host.run(`${ADOPTION_PROGRAM.prelude}\n(${script}\n)`);
      expect([id, status, stderr]).toEqual([id, 0, '']);
      expect(String(stdout)).not.toContain('hunter2');
      return { id, state: 'ran', status, stdout: Buffer.from(stdout), stderr, truncated: false, ms: 0 };
    });
    return parseMaster(answers);
  }

  it('sees how an etcd was started, its unit, and no password of its environment', async () => {
    mkdirSync(join(host.root, 'pki'));
    // The kernel names a process that a script runs in after the script.
    writeFileSync(join(host.root, 'etcd'), '#!/bin/sh\necho up\nread -r line\n', { mode: 0o755 });
    const flags = ['--name', 'x', `--cert-file=${host.root}/pki/server.crt`, '--pre-vote', '--data-dir=/d'];
    const env = { ...process.env, ETCD_MAX_WALS: '3', ETCD_ROOT_PASSWORD: 'hunter2', ETCD_NAME: 'y', OTHER: 'z' };
    const etcd = spawn(join(host.root, 'etcd'), flags, { env, stdio: ['pipe', 'pipe', 'ignore'] });
    try {
      await new Promise((resolve) => etcd.stdout.once('data', resolve));
      const seen = look();
      const own = seen?.processes.find(({ pid }) => pid === etcd.pid);
      expect(own).toMatchObject({ lack: expect.stringMatching(/etcdctl|crt/) });
      expect(own?.pod).toBeUndefined();
      // What the interpreter was given comes first: the script is its argument.
      expect(Object.fromEntries(own!.flags)).toEqual({
        'max-wals': '3',
        name: 'x',
        'cert-file': `${host.root}/pki/server.crt`,
        'pre-vote': 'true',
        'data-dir': '/d',
      });
    } finally {
      etcd.kill('SIGKILL');
    }
  });

  it('finds a host of which there is nothing to say', () => {
    expect(look()).toMatchObject({ manifestDir: expect.stringMatching(/^\//), unit: expect.any(Array) });
  });
});

it('does not take half an answer for a host', () => {
  expect(parseMaster([])).toBeUndefined();
});
