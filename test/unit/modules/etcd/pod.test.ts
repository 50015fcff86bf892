// The turn of a member that a kubelet runs, with real processes: whose etcd serves behind it, and whose is ended by whom.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etcdPod } from '../../../../src/modules/etcd/pod.ts';
import { complete, describeCases } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';

const PATHS = {
  manifest: '/etc/kubernetes/manifests/etcd.yaml',
  ca: '/etc/kubernetes/pki/etcd/ca.crt',
  data_dir: '/var/lib/etcd',
};
describeCases(etcdPod, [{ it: 'nothing is due by itself', want: PATHS, observed: 'asked\n' }]);

describe.each(SHELLS)('a turn with %s', (shell) => {
  let host: Host;
  const started: ChildProcess[] = [];
  beforeEach(() => {
    host = new Host(shell);
    // The kernel names a process that a script runs in after the script.
    put('etcd', '#!/bin/sh\n[ ! -e pod ] || cp pod mountinfo-$$\necho $$ >>began\nread -r line\n');
    put('etcd.yaml', '');
    put('ca.crt', '');
  });
  afterEach(() => {
    for (const each of started.splice(0)) each.kill('SIGKILL');
    host.remove();
  });

  function put(name: string, text: string): void {
    writeFileSync(join(host.root, name), text);
    chmodSync(join(host.root, name), 0o755);
  }

  const written = (name: string, secondsAgo: number) => {
    const at = Date.now() / 1000 - secondsAgo;
    utimesSync(join(host.root, name), at, at);
  };

  async function etcd(data = join(host.root, 'data')): Promise<ChildProcess> {
    const options = { cwd: host.root, stdio: ['pipe', 'ignore', 'ignore'] as ['pipe', 'ignore', 'ignore'] };
    const child = spawn(join(host.root, 'etcd'), [`--data-dir=${data}`], options);
    started.push(child);
    await expect.poll(() => existsSync(join(host.root, 'began'))).toBe(true);
    return child;
  }

  /** Starts an etcd whenever none runs, until the test ends: what a kubelet does. */
  function kubelet(): void {
    put(
      'kubelet',
      `#!/bin/sh
while [ -d '${host.root}' ]; do
  '${host.root}/etcd' '--data-dir=${host.root}/data' <'${host.root}/fifo'
  sleep 0.1
done
`,
    );
    host.run(`mkfifo '${host.root}/fifo'`);
    const child = spawn('sh', ['-c', `exec 3<>fifo; exec ./kubelet 2>/dev/null`], {
      cwd: host.root,
      stdio: 'ignore',
      detached: true,
    });
    started.push({ kill: () => process.kill(-child.pid!, 'SIGKILL') } as never);
  }

  function turn(more: object = {}) {
    const paths = { manifest: join(host.root, 'etcd.yaml'), ca: join(host.root, 'ca.crt') };
    const want = complete(etcdPod, { ...paths, data_dir: join(host.root, 'data'), timeout: 2, ...more });
    const { script } = etcdPod.write(want as never, [], { run: 'r1', react: true });
    const { status, stderr } = host.run(script.replaceAll('/proc/$1/mountinfo', 'mountinfo-$1'));
    return { status, stderr: stderr.trim().replaceAll(host.root, '') };
  }

  it('is over at once where the etcd of the manifest runs, whatever else is called etcd', async () => {
    written('etcd.yaml', 100);
    written('ca.crt', 100);
    await etcd();
    await etcd('/elsewhere');
    expect(turn()).toEqual({ status: 0, stderr: '' });
  });

  it('waits for the kubelet, and says in the end what it has not done', async () => {
    const why = 'within 2 s the kubelet has not started the etcd of /etcd.yaml';
    expect(turn()).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(`^${why}: journalctl -u kubelet says why`),
    });
    const former = await etcd();
    written('etcd.yaml', -5);
    expect(turn()).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(`^${why}, and the one from before still runs \\(pid ${former.pid}\\): `),
    });
    expect(former.exitCode ?? former.signalCode).toBeNull();
  });

  it('ends what is older than the manifest once the patience is over, and is done by the one that comes then', async () => {
    const former = await etcd();
    const ended = new Promise((resolve) => former.once('exit', resolve));
    await sleep(3000);
    written('etcd.yaml', 0);
    written('ca.crt', 100);
    kubelet();
    expect(turn({ patience: 0, timeout: 10 })).toEqual({ status: 0, stderr: '' });
    await ended;
  });

  it('ends what is older than the CA at once', async () => {
    written('etcd.yaml', 100);
    const former = await etcd();
    const ended = new Promise((resolve) => former.once('exit', resolve));
    await sleep(2000);
    written('ca.crt', 0);
    kubelet();
    expect(turn({ timeout: 10 })).toEqual({ status: 0, stderr: '' });
    await ended;
  });

  it('does not take a former pod that is started once more for the one of the manifest', async () => {
    put('pod', '700 1 8:1 /var/lib/kubelet/pods/aa11/containers/etcd/1 /dev/termination-log rw - ext4 /dev/sda rw\n');
    await etcd();
    await sleep(3000);
    written('etcd.yaml', 0);
    written('ca.crt', 100);
    kubelet();
    const why = /^within 3 s the kubelet has not started the etcd of \/etcd.yaml/;
    expect(turn({ patience: 0, timeout: 3 })).toEqual({ status: 1, stderr: expect.stringMatching(why) });
  });
});
