// Hosts in every kind of trouble, in one run beside healthy ones: each gets what an operator would expect, and the others finish.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRig, type Rig, type RunDocument } from './rig.ts';

let rig: Rig;
let run: Awaited<ReturnType<Rig['json']>>;

const OLD = 'as it was\n';
const STATE = `
description: A file, and a command that takes its time when asked to.
resources:
  directory:
    file.directory: { path: /srv/trouble }
  file:
    file.managed: { path: /srv/trouble/file, content: "{{ pillar.text }}" }
    require: [directory]
  slow:
    command.run: { command: "sleep {{plain pillar.seconds}}; date > /srv/trouble/slow", creates: /srv/trouble/slow }
    require: [file]
`;

/** How each host differs from a plain one: what is done to it, and what its inventory entry says. */
const HOSTS: Record<string, { make?: string; entry?: string }> = {
  m1: {},
  m2: {},
  m3: {
    make: 'rm /etc/ssh/ssh_host_ed25519_key*; ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key; systemctl restart ssh',
  },
  m4: { make: 'rm /etc/sudoers.d/ops', entry: 'ansible_user: ops, ansible_become: true' },
  m5: {
    make: 'echo "ops ALL=(ALL) ALL" > /etc/sudoers.d/ops; echo ops:right-one | chpasswd',
    entry: 'ansible_user: ops, ansible_become: true, ansible_become_password: !sensitive-file password',
  },
  m6: {
    make: 'echo "ops ALL=(ALL) ALL" > /etc/sudoers.d/ops; echo ops:another-one | chpasswd',
    entry: 'ansible_user: ops, ansible_become: true, ansible_become_password: !sensitive-file password',
  },
  m7: {
    make: 'echo "ops ALL=(ALL) ALL" > /etc/sudoers.d/ops; echo ops:right-one | chpasswd',
    entry: 'ansible_user: ops, ansible_become: true',
  },
  m8: {
    make: `printf 'echo hello from the shell\\nprintf "\\\\033[31mred"\\nsleep 2\\n' > /root/.bashrc; cp /root/.bashrc /root/.profile`,
  },
  m9: { make: 'chsh -s /bin/csh root' },
  m10: { make: 'ln -sf /bin/busybox /bin/sh' },
  m11: { make: 'ln -sf /bin/bash /bin/sh' },
  m12: {
    make: `mkdir -p /srv/trouble; printf '${OLD.trim()}\\n' > /srv/trouble/file; mkfs.ext4 -q /dev/xvdb; mount /dev/xvdb /mnt; cp -a /srv/trouble/file /mnt; mount --bind /mnt /srv/trouble; dd if=/dev/zero of=/mnt/fill bs=64k 2>/dev/null; true`,
  },
  m13: { make: 'echo "MaxSessions 1" > /etc/ssh/sshd_config.d/one.conf; systemctl restart ssh' },
};

beforeAll(async () => {
  rig = await openRig('ttrouble', '10.213.64', Object.keys(HOSTS).length);
  rig.write({
    'states/trouble.yaml': STATE,
    'pillar/schema.yaml':
      'type: object\nproperties:\n  text: { type: string, description: What the file says }\n  seconds: { type: integer, description: How long }\n',
    'pillar/defaults.yaml': `text: "${'x'.repeat(64 * 1024)}"\nseconds: 0\n`,
    'inventory/hosts.yaml': inventory(),
    'inventory/password': 'right-one\n',
  });
  chmodSync(join(rig.folder, 'inventory/password'), 0o600);
  await rig.lab.disk('m12', 'xvdb', '16M');
  for (const [host, { make }] of Object.entries(HOSTS)) if (make) await rig.lab.run(host, make);
  await rig.lab.crash('m2');
  run = await rig.json('apply', 'trouble', '-t', 'all', '--yes', '-i', 'inventory/hosts.yaml', '--connect-limit', '15');
});
afterAll(() => rig.close());

function inventory(): string {
  const { keyPath, knownHostsPath } = rig.lab;
  const hosts = Object.entries(HOSTS).map(
    ([name, { entry }]) => `    ${name}: { ansible_host: ${rig.lab.address(name)}${entry ? `, ${entry}` : ''} }`,
  );
  return `all:
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: "${keyPath}"
    ansible_ssh_common_args: "-o UserKnownHostsFile=${knownHostsPath}"
  hosts:
${hosts.join('\n')}
`;
}

function failureOf(host: string, document: RunDocument = run.document) {
  return document.failures.find((failure) => failure.host === host);
}

describe('in one run over all of them', () => {
  test.each(['m1', 'm5', 'm8', 'm9', 'm10', 'm11', 'm13'])('%s, which can be worked with, is done', async (host) => {
    expect(run.document.hosts[host]).toMatchObject({ changed: 3, failed: 0, unreachable: 0, programs: 3 });
    expect(await rig.lab.run(host, 'wc -c < /srv/trouble/file')).toBe(String(64 * 1024));
  });

  test.each([
    ['m2', 'a host that is down', 'unreachable', /no route|timed out|not answer|after/i],
    ['m3', 'a host whose key has changed', 'host-key', /key/i],
    ['m4', 'a host that denies sudo', 'become', /sudo/i],
    ['m6', 'a host whose sudo takes another password', 'become', /password/i],
    ['m7', 'a host whose sudo asks where no password is given', 'become', /password/i],
  ])('%s, %s, is a result with the reason and the next step', (host, _what, reason, says) => {
    expect(run.document.hosts[host]).toMatchObject({ unreachable: 3, changed: 0, failed: 0 });
    const failure = failureOf(host);
    expect(failure).toMatchObject({ reason, message: expect.stringMatching(says) });
    expect(failure!.next).toBeTruthy();
  });

  test('a full disk fails what it must, with the reason, and the old file is whole', async () => {
    const file = run.document.results.find((result) => result.host === 'm12' && result.resource === 'trouble/file');
    expect(file).toMatchObject({ outcome: 'failed', why: { message: expect.stringMatching(/space/i) } });
    expect(run.document.hosts.m12).toMatchObject({ failed: 1, blocked: 1 });
    expect(`${await rig.lab.run('m12', 'cat /srv/trouble/file')}\n`).toBe(OLD);
    expect(await rig.lab.run('m12', 'ls -A /srv/trouble | grep quorate- || true')).toBe('');
  });

  test('a failed resource wins over unreachable hosts in the exit code', () => expect(run.status).toBe(2));

  test('no password is shown', () => expect(run.stdout + run.stderr).not.toMatch(/right-one|another-one/));
});

test('a host that hangs in the middle, or is cut off, is told so; the others finish, and the next run mends it', async () => {
  await rig.lab.start('m2');
  rig.write({ 'pillar/defaults.yaml': 'text: "second"\nseconds: 4\n' });
  await Promise.all(['m1', 'm2', 'm13'].map((host) => rig.lab.run(host, 'rm -f /srv/trouble/slow')));
  const going = rig.start(
    'apply',
    'trouble',
    '-t',
    'm1,m2,m13',
    '--yes',
    '--json',
    '-i',
    'inventory/hosts.yaml',
    '--program-limit',
    '25',
  );
  await until(async () => (await rig.lab.exec('m2', 'pgrep -fx "sleep 4"')).status === 0);
  await until(async () => (await rig.lab.exec('m13', 'pgrep -fx "sleep 4"')).status === 0);
  await rig.lab.freeze('m2');
  await rig.lab.cut('m13');
  const ended = await going.ended;
  const document: RunDocument = JSON.parse(ended.stdout);
  await rig.lab.thaw('m2');
  await rig.lab.heal('m13');

  expect(ended.status).toBe(2);
  expect(document.hosts.m1).toMatchObject({ changed: 2, failed: 0 });
  for (const host of ['m2', 'm13']) {
    const slow = document.results.find((result) => result.host === host && result.resource === 'trouble/slow');
    expect(slow, host).toMatchObject({ outcome: 'failed', why: { reason: expect.stringMatching(/lost|timeout/) } });
    expect(slow!.why!.next).toBeTruthy();
  }
  const again = await rig.json(
    'apply',
    'trouble',
    '-t',
    'm1,m2,m13',
    '--yes',
    '-i',
    'inventory/hosts.yaml',
    '--lock-wait',
    '90',
  );
  expect(again.status, again.stdout).toBe(0);
  for (const host of ['m1', 'm2', 'm13']) expect(await rig.lab.run(host, 'cat /srv/trouble/file')).toBe('second');
});

test('an unreachable member never lets the others take a step that needs it', async () => {
  rig.write({
    'states/together.yaml': `
description: Something on every member, then something once.
resources:
  each:
    file.managed: { path: /srv/each, content: here }
  once:
    file.managed: { path: /srv/once, content: all are here }
    scope: cluster
    require: [each]
`,
    'inventory/cluster.yaml': inventory().replace(
      'all:',
      'all:\n  children:\n    three:\n      hosts: { m1: {}, m2: {}, m13: {} }\n      vars: { etcd_cluster: trio }',
    ),
  });
  await rig.lab.crash('m2');
  const together = await rig.json('apply', 'together', '-t', 'three', '--yes', '-i', 'inventory/cluster.yaml');
  expect(together.status).toBe(4);
  expect(together.document.hosts.m13).toMatchObject({ changed: 1 });
  const once = together.document.results.find((result) => result.resource === 'together/once');
  expect(once).toMatchObject({ outcome: 'blocked', why: { message: expect.stringContaining('m2') } });
  expect((await rig.lab.exec('m1', 'test -e /srv/once')).status).toBe(1);
});

async function until(is: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await is()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it never happened');
}
