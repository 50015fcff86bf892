// Sessions with real hosts: each test changes one thing of m1, as an administrator might have, and puts it back.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLab } from '../../lab/lab.ts';
import type { Host } from '../../src/inventory/inventory.ts';
import { Sensitive } from '../../src/sensitive.ts';
import { createConnector } from '../../src/transport/connect.ts';
import type { ApplySession, Connected, ConnectOptions, ProgramResult } from '../../src/transport/session.ts';

const lab = openLab({ id: 'transport', subnet: '10.213.51' });
const connector = createConnector();
const signal = new AbortController().signal;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-test-'));
  await lab.up(2, { fresh: true });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await lab.down();
});

function host(more: Partial<Host> = {}): Host {
  return {
    name: 'm1',
    address: lab.address('m1'),
    user: 'root',
    become: false,
    becomeUser: 'root',
    identityFile: lab.keyPath,
    knownHostsFile: lab.knownHostsPath,
    vars: {},
    groups: [],
    place: { file: 'hosts.yaml', line: 1, column: 1 },
    ...more,
  };
}
const ops = { user: 'ops', become: true };

function connect(more: Partial<Host> = {}, options: Partial<ConnectOptions> = {}): Promise<Connected> {
  return connector.connect(host(more), { signal, connectTimeoutMs: 10_000, ...options });
}

async function open(more: Partial<Host> = {}, options: Partial<ConnectOptions> = {}): Promise<ApplySession> {
  const connected = await connect(more, options);
  if (!connected.ok) throw new Error(`${connected.failure.message}; ${connected.failure.next}`);
  return connected.session;
}

const run = (session: ApplySession, script: string, limitMs = 20_000) =>
  session.read({ kind: 'read', parts: [{ id: 'a', script }] }, { signal, limitMs });

/** What a script says first that `begun` waits for. What follows it runs longer than any test may. */
const BEGINS = 'echo >/run/begun';
async function begun(): Promise<void> {
  await expect
    .poll(() => lab.run('m1', 'ls /run/begun; rm -f /run/begun').catch(() => ''), { timeout: 60_000 })
    .not.toBe('');
}

const said = ({ answers, failure }: ProgramResult) => failure?.message ?? String(answers[0]?.stdout);

/** What a session of its own says to one script. */
async function ask(script: string, more: Partial<Host> = {}): Promise<string> {
  const session = await open(more);
  const result = await run(session, script);
  await session.close();
  return said(result);
}

/** Changes m1 for as long as `body` takes. */
async function altered(change: string, restore: string, body: () => Promise<void>): Promise<void> {
  await lab.run('m1', change);
  try {
    await body();
  } finally {
    await lab.run('m1', restore);
  }
}

const withSshd = (setting: string, body: () => Promise<void>) =>
  altered(
    `echo '${setting}' >/etc/ssh/sshd_config.d/00-test.conf && systemctl restart ssh`,
    'rm -f /etc/ssh/sshd_config.d/00-test.conf && systemctl reset-failed ssh && systemctl restart ssh',
    body,
  );

describe('a session', () => {
  it('runs as root, logged in or through sudo', async () => {
    expect(await ask('id -un')).toBe('root\n');
    expect(await ask('id -un; pwd', ops)).toBe('root\n/home/ops\n');
    expect(await ask('id -un', { ...ops, become: false })).toBe('ops\n');
    expect(await ask('id -un', { become: true, becomeUser: 'ops' })).toBe('ops\n');
  });

  it('carries files and programs whole, also through sudo', async () => {
    const session = await open(ops);
    const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7919) % 256));
    const inputs = [{ directory: '/root', content: new Sensitive(content) }];
    const { answers, failure } = await session.write(
      {
        kind: 'write',
        parts: [
          { id: 'long', script: `echo '${'x'.repeat(300_000)}' | wc -c` },
          { id: 'file', script: 'cat "$1"', inputs },
        ],
      },
      { signal, limitMs: 30_000 },
    );
    await session.close();
    expect(failure).toBeUndefined();
    expect(String(answers[0]?.stdout)).toBe('300001\n');
    expect(Buffer.compare(content, answers[1]?.stdout ?? Buffer.alloc(0))).toBe(0);
    expect(await lab.run('m1', 'ls -A /root | grep quorate || :')).toBe('');
  });

  it('leaves nothing running, and runs its last script', async () => {
    const session = await open(ops);
    session.atExit('echo bye >>/run/last');
    expect(said(await run(session, 'echo $$'))).toMatch(/^\d+\n$/);
    await session.close();
    expect(await lab.run('m1', 'cat /run/last; rm /run/last; ps -ef | grep -c "[q]_nonce\\|[s]leep" || :')).toBe(
      'bye\n0',
    );
  });

  it('needs one channel alone', () =>
    withSshd('MaxSessions 1', async () => {
      expect(await ask('echo fine', ops)).toBe('fine\n');
    }));

  it('comes back where sshd drops the many that come at once', () =>
    withSshd('MaxStartups 2', async () => {
      const sessions = await Promise.all(Array.from({ length: 6 }, () => open({}, { connectTimeoutMs: 30_000 })));
      const answers = await Promise.all(sessions.map(async (session) => said(await run(session, 'echo fine'))));
      await Promise.all(sessions.map((session) => session.close()));
      expect(answers).toEqual(Array(6).fill('fine\n'));
    }));

  it.each(['dash', 'bash', 'busybox'])('works where sh is %s', async (shell) => {
    await altered(`ln -sf ${shell} /bin/sh`, 'ln -sf dash /bin/sh', async () => {
      expect(await ask('echo "$((6 * 7))"; readlink -f /proc/$$/exe', ops)).toMatch(new RegExp(`^42\n.*/${shell}\n$`));
    });
  });

  it('works under csh as login shell', async () => {
    await altered(
      'usermod -s /bin/tcsh ops; usermod -s /bin/tcsh root',
      'usermod -s /bin/bash ops; usermod -s /bin/bash root',
      async () => {
        expect(await ask('echo "$((6 * 7))"', ops)).toBe('42\n');
        expect(await ask('echo "$((6 * 7))"')).toBe('42\n');
      },
    );
  });

  it('works under a login shell that prints and sleeps', async () => {
    const rc = '/home/ops/.bashrc';
    await altered(
      `cp ${rc} ${rc}.was; printf 'echo hello; echo warning >&2; sleep 1\\n' >${rc}`,
      `mv ${rc}.was ${rc}`,
      async () => {
        expect(await ask('echo fine', ops)).toBe('fine\n');
      },
    );
  });

  it('goes through jump hosts', async () => {
    const config = new Map([
      ['identityfile', [lab.keyPath]],
      ['userknownhostsfile', [lab.knownHostsPath]],
    ]);
    const through = createConnector({ readConfig: async () => config });
    const [m1, m2] = [`ops@${lab.address('m1')}`, `root@${lab.address('m2')}`];
    const options = { signal, connectTimeoutMs: 10_000 };
    for (const [proxyJump, from] of [
      [m2, 'm2'],
      [`${m1},${m2}`, 'm2'],
    ] as const) {
      const connected = await through.connect(host({ proxyJump }), options);
      if (!connected.ok) throw new Error(connected.failure.message);
      const result = said(await run(connected.session, 'echo "$SSH_CONNECTION"; hostname'));
      await connected.session.close();
      expect(result).toMatch(new RegExp(`^${lab.address(from)} .*\nm1\n$`));
    }
    const dead = await through.connect(host({ proxyJump: m2, port: 2 }), options);
    expect(dead).toMatchObject({
      ok: false,
      failure: { reason: 'unreachable', message: expect.stringContaining('cannot reach') },
    });
  });
});

describe('sudo that asks', () => {
  const asking = (body: () => Promise<void>) =>
    altered(
      "echo 'ops ALL=(ALL) ALL' >/etc/sudoers.d/ops; echo ops:right | chpasswd",
      "echo 'ops ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/ops; usermod -p '*' ops",
      body,
    );
  const password = (text: string) => ({ ...ops, becomePassword: new Sensitive(text) });

  it('gets the password, and only sudo does', () =>
    asking(async () => {
      expect(await ask('id -un; cat /proc/*/cmdline | tr "\\0" " "', password('right'))).toMatch(/^root\n(?!.*right)/s);
    }));

  it('is reported when the password is wrong', () =>
    asking(async () => {
      const connected = await connect(password('wrong'));
      expect(connected).toMatchObject({ ok: false, failure: { reason: 'become', host: 'm1' } });
      expect(JSON.stringify(connected)).not.toContain('wrong');
    }));

  it('is reported when there is no password', () =>
    asking(async () => {
      const session = await open(ops);
      const { failure } = await run(session, 'true');
      expect(failure).toMatchObject({ reason: 'become', message: 'sudo asks for a password and none is given' });
    }));

  it('is reported when it waits for something else', () =>
    altered(
      'mv /usr/bin/sudo /root/sudo; printf "#!/bin/sh\nsleep 5\n" >/usr/bin/sudo; chmod +x /usr/bin/sudo',
      'mv /root/sudo /usr/bin/sudo',
      async () => {
        const connected = await connect(password('right'), { connectTimeoutMs: 1500 });
        expect(connected).toMatchObject({
          ok: false,
          failure: { reason: 'timeout', message: expect.stringContaining('sudo') },
        });
      },
    ));

  it('does not get a password that it does not ask for', async () => {
    expect(await ask('id -un', password('unasked'))).toBe('root\n');
  });

  it('is reported when it denies or is missing', async () => {
    const denied = async () => (await run(await open(ops), 'true')).failure;
    await altered('mv /etc/sudoers.d/ops /root/ops', 'mv /root/ops /etc/sudoers.d/ops', async () => {
      expect(await denied()).toMatchObject({ reason: 'become' });
    });
    await altered('mv /usr/bin/sudo /root/sudo', 'mv /root/sudo /usr/bin/sudo', async () => {
      expect(await denied()).toMatchObject({ reason: 'become', message: expect.stringContaining('sudo is missing') });
    });
  });
});

describe('a host that is not trusted or does not trust', () => {
  it('is refused with an unknown key, and told how to know it', async () => {
    const { stdout } = await lab.exec('m1', 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub');
    const connected = await connect({ knownHostsFile: '/dev/null' });
    expect(connected).toMatchObject({ ok: false, failure: { reason: 'host-key', host: 'm1' } });
    expect(JSON.stringify(connected)).toContain(stdout.split(' ')[1]);
  });

  it('is refused with a changed key, and the known one is named', async () => {
    const known = join(folder, 'known_hosts');
    const other = readFileSync(lab.knownHostsPath, 'utf8')
      .split('\n')
      .find((line) => line.startsWith(lab.address('m2')));
    writeFileSync(known, `# one\n${lab.address('m1')} ${other?.split(' ').slice(1).join(' ')}\n`);
    const connected = await connect({ knownHostsFile: known });
    expect(connected).toMatchObject({
      ok: false,
      failure: { reason: 'host-key', message: expect.stringMatching(new RegExp(`HAS CHANGED.*${known}:2`)) },
    });
  });

  it('denies a login, and the user and the keys are named', async () => {
    const key = join(folder, 'other');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const connected = await connector.connect(host({ identityFile: key }), { signal, connectTimeoutMs: 10_000 });
    expect(connected).toMatchObject({
      ok: false,
      failure: {
        reason: 'unreachable',
        message: expect.stringMatching(new RegExp(`denies login as root: tried ${key}`)),
      },
    });
  });

  it('is not asked with a key that needs a passphrase', async () => {
    const key = join(folder, 'locked');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', key]);
    const connected = await connect({ identityFile: key });
    expect(connected).toMatchObject({
      ok: false,
      failure: { reason: 'unreachable', next: expect.stringContaining(`ssh-add ${key}`) },
    });
  });
});

describe('a host that fails', () => {
  it('in mid-program, frozen, is reported within the limit', async () => {
    const session = await open();
    const running = run(session, `${BEGINS}; sleep 1000`, 5000);
    await begun();
    await lab.freeze('m1');
    try {
      expect((await running).failure).toMatchObject({ reason: 'timeout', resource: 'a', host: 'm1' });
      await session.close();
    } finally {
      await lab.thaw('m1');
    }
  });

  it.each(['freeze', 'cut'] as const)('(%s) is noticed by its silence, long before the limit', async (fault) => {
    const session = await open({}, { keepalive: 1 });
    const running = run(session, `${BEGINS}; sleep 1001`, 3_600_000);
    await begun();
    await lab[fault]('m1');
    try {
      expect((await running).failure).toMatchObject({ reason: 'timeout', resource: 'a' });
    } finally {
      await lab.thaw('m1');
      await lab.heal('m1');
    }
  });

  it('frozen before, or without its cable, is reported within the connect timeout', async () => {
    for (const fault of ['freeze', 'cut'] as const) {
      await lab[fault]('m1');
      try {
        expect(await connect({}, { connectTimeoutMs: 1500 })).toMatchObject({
          ok: false,
          failure: { reason: 'unreachable', message: expect.stringContaining('(after 1.5 s)') },
        });
      } finally {
        await lab.thaw('m1');
        await lab.heal('m1');
      }
    }
  });

  it('ends by itself what outlives its limit, through sudo too', async () => {
    const session = await open(ops);
    expect((await run(session, 'sleep 1002 & sleep 1003', 1000)).failure?.reason).toBe('timeout');
    await expect
      .poll(() => lab.run('m1', 'ps -ef | grep "[s]leep 100[23]" || :'), { timeout: 60_000, interval: 200 })
      .toBe('');
  });

  it('is one that refuses, or has no such name', async () => {
    expect(await connect({ port: 2 })).toMatchObject({
      failure: { message: expect.stringContaining('refuses connections') },
    });
    expect(await connect({ address: 'no.such.invalid' })).toMatchObject({
      failure: { message: expect.stringContaining('cannot be resolved') },
    });
  });

  it('lets go at once when the run is interrupted', async () => {
    const interrupt = new AbortController();
    const session = await open();
    const running = session.read(
      { kind: 'read', parts: [{ id: 'a', script: `${BEGINS}; sleep 1004` }] },
      { signal: interrupt.signal, limitMs: 3_600_000 },
    );
    await begun();
    interrupt.abort();
    expect((await running).failure?.reason).toBe('interrupted');
    expect(await connect({}, { signal: interrupt.signal })).toMatchObject({
      ok: false,
      failure: { reason: 'interrupted' },
    });
  });
});
