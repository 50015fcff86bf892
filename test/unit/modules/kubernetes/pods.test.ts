// Static pods that end or begin anew, with processes of this machine whose parent is called as a runtime's is.
import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kubernetesPodsEnded } from '../../../../src/modules/kubernetes/pods_ended.ts';
import { kubernetesPodsRestarted } from '../../../../src/modules/kubernetes/pods_restarted.ts';
import { Host, SHELLS } from '../host.ts';

/** Names that nothing else on this machine has; the second one is longer than the kernel keeps. */
const PODS = [`qa-${process.pid}`, `qb-${process.pid}-has-a-long-name`];
const CONTEXT = { run: 'r1', react: false };

describe.each(SHELLS)('on a host with %s', (shell) => {
  let host: Host;
  let children: ReturnType<typeof spawn>[];
  beforeEach(() => {
    host = new Host(shell);
    children = [];
    for (const name of PODS) copyFileSync('/bin/sleep', join(host.root, name));
    // What really restarts a kubelet stays out of this machine's reach.
    writeFileSync(join(host.binaries, 'systemctl'), `#!/bin/sh\necho "$*" >>${host.root}/units\n`, { mode: 0o755 });
  });
  afterEach(() => {
    for (const { pid } of children) {
      try {
        process.kill(-pid!, 'SIGKILL');
      } catch {
        // It has ended.
      }
    }
    host.remove();
  });

  /** Starts the pods below a process of this name, which starts each again when it ends, if told so. */
  function start(parent: string, { again = false, deaf = false } = {}): void {
    const file = join(host.root, parent);
    const trap = deaf ? `trap '' TERM\n` : '';
    const one = (name: string) => (again ? `(while :; do ./${name} 600; done) &` : `./${name} 600 &`);
    writeFileSync(file, `#!/bin/bash\n${trap}${PODS.map(one).join('\n')}\nwait\n`, { mode: 0o755 });
    children.push(spawn(file, { cwd: host.root, detached: true, stdio: 'ignore' }));
  }

  const running = () => kubernetesPodsEnded.parse(host.run(kubernetesPodsEnded.read({ components: PODS })));
  const end = (timeout = 20) =>
    host.run(kubernetesPodsEnded.write({ components: PODS, timeout }, [], CONTEXT).script).status;

  it('sees what a container runtime has started, by its whole name, and nothing else of that name', async () => {
    expect(running()).toEqual([]);
    start('someone');
    start('containerd-shim');
    await expect.poll(running, { timeout: 60_000 }).toEqual(PODS);
  });

  it('ends them all, and is then converged', async () => {
    start('containerd-shim');
    await expect.poll(running, { timeout: 60_000 }).toEqual(PODS);
    expect(kubernetesPodsEnded.diff({ components: PODS, timeout: 20 }, running(), undefined)).toEqual(
      PODS.map((path) => ({ path, before: 'runs', after: null })),
    );
    expect([end(), running(), end()]).toEqual([0, [], 0]);
  });

  it('kills what does not end by itself', async () => {
    start('conmon', { deaf: true });
    await expect.poll(running, { timeout: 60_000 }).toEqual(PODS);
    expect([end(1), running()]).toEqual([0, []]);
  });

  it('asks the runtime to clear away what held the pods together', () => {
    const calls = join(host.root, 'calls');
    writeFileSync(
      join(host.binaries, 'crictl'),
      `#!/bin/sh\necho "$*" >>${calls}\ncase $1 in pods) echo pod1 ;; *) exit 1 ;; esac\n`,
      { mode: 0o755 },
    );
    expect(end()).toBe(0);
    expect(
      readFileSync(calls, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('stopp')),
    ).toEqual(['stopp pod1', 'stopp pod1']);
  });

  it('begins them anew, and waits until they are others than before', async () => {
    writeFileSync(
      join(host.root, 'kubelet'),
      `#!/bin/bash\ncd ${host.root}\nwhile :; do ./containerd-shim; sleep 0.1; done\n`,
      { mode: 0o755 },
    );
    writeFileSync(
      join(host.root, 'containerd-shim'),
      `#!/bin/bash\n${PODS.map((name) => `./${name} 600 &`).join('\n')}\nwait\n`,
      { mode: 0o755 },
    );
    children.push(spawn(join(host.root, 'kubelet'), { cwd: host.root, detached: true, stdio: 'ignore' }));
    await expect.poll(running, { timeout: 60_000 }).toEqual(PODS);
    const want = { components: PODS, kubelet: 'kubelet', timeout: 20 };
    const { script } = kubernetesPodsRestarted.write(want, [], CONTEXT);
    const see = () => kubernetesPodsRestarted.parse(host.run(kubernetesPodsRestarted.read(want)));
    expect(see().done).toBe(false);
    expect([host.run(script).status, running()]).toEqual([0, PODS]);
    // In the proof of the same run it is done; a plan, which has no run, begins them anew once more.
    expect(kubernetesPodsRestarted.diff(want, see(), undefined)).toEqual([]);
    const plan = kubernetesPodsRestarted.parse(host.run(`unset Q_RUN\n${kubernetesPodsRestarted.read(want)}`));
    expect(kubernetesPodsRestarted.diff(want, plan, undefined)).toHaveLength(2);
    expect(readFileSync(join(host.root, 'units'), 'utf8')).toBe('restart --no-ask-password -- kubelet\n');
  });

  it('says where to look when nobody begins them anew', async () => {
    start('containerd-shim');
    await expect.poll(running, { timeout: 60_000 }).toEqual(PODS);
    const want = { components: PODS, kubelet: 'kubelet', timeout: 1 };
    const { script } = kubernetesPodsRestarted.write(want, [], CONTEXT);
    expect(host.run(script)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('journalctl -u kubelet says why'),
    });
  });
});
