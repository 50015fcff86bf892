// The gate behind a turn: it asks nobody before the process that was to be replaced is gone.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memberGateScript, memberProcessScript } from '../../../src/engine/member.ts';
import type { ValueMap } from '../../../src/value.ts';
import { Host, SHELLS } from '../modules/host.ts';

let host: Host;
let pillar: ValueMap;
let etcd: ChildProcess;

describe.each(SHELLS)('with %s', (shell) => {
  beforeEach(async () => {
    host = new Host(shell);
    pillar = { etcd_bin_dir: host.root, etcd_data_dir: join(host.root, 'data'), etcd_client_port: 1 };
    put(
      'etcdctl',
      `#!/bin/sh\necho "$*" >>'${host.root}/calls'\n[ ! -e '${host.root}/ill' ] || { echo ill; exit 1; }\n`,
    );
    // The kernel names a process that a script runs in after the script.
    put('etcd', '#!/bin/sh\nread -r line\n');
    etcd = spawn(join(host.root, 'etcd'), [`--data-dir=${host.root}/data`], { stdio: ['pipe', 'ignore', 'ignore'] });
    await new Promise((resolve) => etcd.once('spawn', resolve));
  });
  afterEach(() => {
    etcd.kill();
    host.remove();
  });

  function put(name: string, text: string): void {
    writeFileSync(join(host.root, name), text);
    chmodSync(join(host.root, name), 0o755);
  }

  function processes(): string[] {
    return host.run(memberProcessScript(pillar)!).stdout.toString().split('\n').filter(Boolean);
  }

  function gate(former: string[], seconds = 1) {
    const { status, stderr } = host.run(memberGateScript(pillar, seconds, former)!);
    return { status, stderr: stderr.trim(), asked: existsSync(join(host.root, 'calls')) };
  }

  it('knows the process of the member, and of no other data', () => {
    expect(processes()).toEqual([expect.stringMatching(new RegExp(`^${etcd.pid}:\\d+$`))]);
    pillar = { ...pillar, etcd_data_dir: '/elsewhere' };
    expect(processes()).toEqual([]);
  });

  it('asks nobody while that process still runs, and says which', () => {
    const why = `the process ${etcd.pid}, which was to be replaced, still runs`;
    expect(gate(processes())).toEqual({ status: 1, stderr: why, asked: false });
  });

  it('asks as soon as it has ended, reaped or not, or its number is another one’s', () => {
    const [former] = processes();
    expect(gate([`${etcd.pid}:1`])).toEqual({ status: 0, stderr: '', asked: true });
    // Nobody reaps it while this thread waits for the gate.
    etcd.kill('SIGKILL');
    expect(gate([former!], 5)).toEqual({ status: 0, stderr: '', asked: true });
    expect(readFileSync(join(host.root, 'calls'), 'utf8')).toContain('endpoint health');
  });

  it('waits for a member that is ill, and then says what it said', () => {
    put('ill', '');
    expect(gate([])).toEqual({ status: 1, stderr: 'ill', asked: true });
  });
});
