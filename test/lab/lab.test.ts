import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { $ } from 'zx';
import { LabFailure, openLab } from '../../lab/lab.ts';

const named = { id: 'labtest', subnet: '10.213.99' };
const lab = openLab(named);
const cli = new URL('../../lab/cli.ts', import.meta.url).pathname;
const environment = { ...process.env, QUORATE_LAB_ID: named.id, QUORATE_LAB_SUBNET: named.subnet };
const quiet = $({ quiet: true, nothrow: true, env: environment });
const command = (...args: string[]) => quiet`${process.execPath} ${cli} ${args}`;

function ssh(host: string, login = 'root', known = lab.knownHostsPath) {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'ConnectTimeout=2',
    `UserKnownHostsFile=${known}`,
  ].flatMap((o) => ['-o', o]);
  return (said: string) => quiet`ssh -i ${lab.keyPath} ${options} ${login}@${lab.address(host)} ${said}`;
}

async function reaches(from: string, to: string): Promise<boolean> {
  const connect = `timeout 1 bash -c '</dev/tcp/${lab.address(to)}/22' 2>/dev/null`;
  return (await lab.exec(from, connect)).status === 0;
}

beforeAll(() => lab.up(3, { fresh: true }));
afterAll(() => lab.down());

describe('a host', () => {
  test('is booted by systemd, all of whose units work', async () => {
    expect(await lab.run('m1', 'cat /proc/1/comm')).toBe('systemd');
    expect(await lab.run('m1', 'systemctl is-system-running; systemctl --failed --plain --no-legend')).toBe('running');
  });

  test('lets root and ops log in with the lab key, under its own strictly known host key', async () => {
    expect((await ssh('m1')('id -un; hostname')).stdout).toBe('root\nm1\n');
    expect((await ssh('m2', 'ops')('id -un; sudo -n id -un')).stdout).toBe('ops\nroot\n');
    expect((await ssh('m1', 'root', '/dev/null')('true')).stderr).toContain('Host key verification failed');
    const keys = readFileSync(lab.knownHostsPath, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[2]);
    expect(new Set(keys).size).toBe(3);
  });

  test('has several etcd versions side by side that run', async () => {
    const versions = (await lab.run('m1', 'ls /opt/etcd')).split('\n');
    expect(versions.length).toBeGreaterThan(1);
    for (const version of versions)
      expect(await lab.run('m1', `/opt/etcd/${version}/etcd --version`)).toContain(`etcd Version: ${version}`);
  });

  test('runs commands with their input, status and both outputs, in its own cgroup', async () => {
    const result = await lab.exec('m1', ['sh', '-c', 'cat; echo "$1" >&2; exit 7', 'sh', 'two words'], 'in\n');
    expect(result).toEqual({ status: 7, stdout: 'in\n', stderr: 'two words\n' });
    expect(await lab.run('m1', 'tail -n 1 /proc/self/cgroup')).toBe('0::/init.scope');
  });

  test('reaches the others by name, and nothing outside the lab', async () => {
    expect(await lab.run('m1', 'getent hosts m3')).toContain(lab.address('m3'));
    expect(await reaches('m1', 'm3')).toBe(true);
    expect(await lab.run('m1', 'ip route')).not.toContain('default');
  });
});

describe('power', () => {
  test('a crash ends every process at once and silences the address; start brings back files, key and address', async () => {
    await lab.run('m2', 'echo kept > /root/kept; sleep 1000 >/dev/null 2>&1 &');
    await lab.crash('m2');
    expect(lab.hosts()[1]).toEqual({ name: 'm2', address: '10.213.99.12', state: 'down', cut: false });
    expect((await ssh('m2')('true')).stderr).toMatch(/timed out|No route to host/);
    await expect(lab.exec('m2', 'true')).rejects.toThrow('m2 is not running');

    await lab.start('m2');
    expect((await ssh('m2')('cat /root/kept; pgrep -c sleep')).stdout).toBe('kept\n0\n');
  });

  test('poweroff shuts down in order, a reboot from inside comes back by itself, whatever is run there meanwhile', async () => {
    await lab.poweroff('m3');
    expect(lab.hosts()[2]?.state).toBe('down');
    await lab.start('m3');

    const boot = await lab.run('m3', 'cat /proc/1/stat | cut -d" " -f22');
    const meanwhile = lab.exec('m3', 'sleep 100');
    await lab.run('m3', 'systemctl reboot');
    const again = () =>
      lab.run('m3', 'systemctl is-active --quiet ssh && cat /proc/1/stat | cut -d" " -f22').catch(() => boot);
    await expect.poll(again, { timeout: 60_000, interval: 250 }).not.toBe(boot);
    expect((await meanwhile).status).not.toBe(0);
  });

  test('a frozen host keeps its connections and answers nothing until it is thawed', async () => {
    await lab.freeze('m1');
    expect(lab.hosts()[0]?.state).toBe('frozen');
    await expect(lab.exec('m1', 'true')).rejects.toThrow('thaw m1');
    await expect(lab.start('m1')).rejects.toThrow('thaw m1');
    expect(await reaches('m2', 'm1')).toBe(true); // The kernel still takes the connection.
    const login = ssh('m1')('echo answered');
    expect(await Promise.race([login, sleep(700, 'silence')])).toBe('silence');
    await lab.thaw('m1');
    await login;
    expect((await ssh('m1')('echo answered')).stdout).toBe('answered\n');
  });
});

describe('cables', () => {
  test('a pulled cable takes a host from everybody, through a crash too, until it is healed', async () => {
    await lab.cut('m2');
    expect(lab.hosts()[1]?.cut).toBe(true);
    expect(await reaches('m1', 'm2')).toBe(false);
    await lab.crash('m2');
    await lab.start('m2');
    expect(await reaches('m1', 'm2')).toBe(false);
    await lab.heal('m2');
    expect(await reaches('m1', 'm2')).toBe(true);
  });

  test('a partition of two leaves both reachable for the third and for ssh', async () => {
    await lab.cut('m1', 'm2');
    await lab.cut('m1', 'm2');
    expect(
      await Promise.all([reaches('m1', 'm2'), reaches('m2', 'm1'), reaches('m1', 'm3'), reaches('m3', 'm2')]),
    ).toEqual([false, false, true, true]);
    expect((await ssh('m1')('true')).exitCode).toBe(0);
    await lab.heal('m1', 'm2');
    expect(await reaches('m1', 'm2')).toBe(true);
  });

  test('heal alone mends everything', async () => {
    await lab.cut('m1', 'm2');
    await lab.cut('m3');
    await lab.heal();
    expect(await Promise.all([reaches('m1', 'm2'), reaches('m1', 'm3')])).toEqual([true, true]);
  });
});

describe('disks', () => {
  test('a disk is seen, formatted, mounted and filled; it survives a crash; pulled, it is gone', async () => {
    await lab.disk('m1', 'xvdf', '16M');
    expect(await lab.run('m1', 'lsblk --noheadings --bytes --output SIZE,TYPE /dev/xvdf')).toMatch(
      /^\s*16777216 loop$/,
    );
    await lab.run(
      'm1',
      'mkfs.ext4 -q /dev/xvdf && mkdir -p /mnt/etcd && mount /dev/xvdf /mnt/etcd && echo data > /mnt/etcd/file',
    );
    expect((await lab.exec('m1', 'head -c 32M /dev/zero > /mnt/etcd/big')).stderr).toContain('No space left');

    await lab.crash('m1');
    await lab.start('m1');
    expect(await lab.run('m1', 'mount /dev/xvdf /mnt/etcd && cat /mnt/etcd/file && umount /mnt/etcd')).toBe('data');
    await lab.undisk('m1', 'xvdf');
    expect((await lab.exec('m1', 'test -e /dev/xvdf')).status).toBe(1);
    expect((await lab.remains()).filter((name) => name.startsWith('/dev/loop'))).toEqual([]);
  });
});

describe('the fingerprint', () => {
  test('stays the same on an idle host through logins and reads', async () => {
    const before = await lab.listing('m1');
    await ssh(
      'm1',
      'ops',
    )('sudo -n systemctl status ssh nothing.service; systemctl show etcd; echo x > /tmp/.x; rm /tmp/.x');
    expect(await lab.listing('m1')).toEqual(before);
    await sleep(12_000); // The user's own systemd leaves ten seconds after the last logout.
    expect(await lab.listing('m1')).toEqual(before);
  });

  const changes = {
    content: ['echo changed >> /etc/issue', 'sed -i /changed/d /etc/issue'],
    mode: ['chmod 600 /etc/issue', 'chmod 644 /etc/issue'],
    owner: ['chown ops /etc/issue', 'chown root /etc/issue'],
    'link target': ['ln -sfn /nowhere /etc/mtab', 'ln -sfn ../proc/self/mounts /etc/mtab'],
    'new file': ['touch "/srv/a b"', 'rm "/srv/a b"'],
    program: ['touch -d 2020-01-01 /usr/bin/jq', 'touch -d "$(stat -c %y /usr/bin/jq.was)" /usr/bin/jq'],
    unit: ['systemctl stop ssh', 'systemctl start ssh'],
    enablement: ['systemctl disable ssh 2>/dev/null', 'systemctl enable ssh 2>/dev/null'],
  };

  test.each(Object.entries(changes))(
    'changes with a change of %s, and comes back with it',
    async (name, [change, back]) => {
      const written = await lab.run('m2', 'stat -c %y /usr/bin/jq');
      const before = await lab.fingerprint('m2');
      await lab.run('m2', change ?? '');
      expect(await lab.fingerprint('m2')).not.toBe(before);
      await lab.run('m2', name === 'program' ? `touch -d '${written}' /usr/bin/jq` : (back ?? ''));
      expect(await lab.fingerprint('m2')).toBe(before);
    },
  );
});

describe('the lab', () => {
  test('is up already when asked again, grows when asked for more, refuses to shrink', async () => {
    expect((await command('up', '3')).stderr).toContain('was up already');
    await lab.run('m1', 'echo kept > /root/kept');
    await lab.up(4);
    expect(lab.hosts().map((host) => host.name)).toEqual(['m1', 'm2', 'm3', 'm4']);
    expect(await lab.run('m1', 'cat /root/kept')).toBe('kept');
    expect(await reaches('m4', 'm1')).toBe(true);
    await expect(lab.up(2)).rejects.toThrow(LabFailure);
  });

  test('lives side by side with another, and refuses a subnet in use', async () => {
    const other = openLab({ id: 'labtest-other-with-a-long-name', subnet: '10.213.98' });
    try {
      await other.up(1, { fresh: true });
      expect(await other.run('m1', 'hostname')).toBe('m1');
      expect(other.address('m1')).not.toBe(lab.address('m1'));
      await other.crash('m1');
      expect(lab.hosts()[0]?.state).toBe('up');
    } finally {
      await other.down();
    }
    expect(await other.remains()).toEqual([]);
    const clash = openLab({ id: 'labtest-clash', subnet: named.subnet });
    await expect(clash.up(1)).rejects.toThrow('is in use on this machine');
    await clash.down();
  });

  test('says what to do when a command cannot be done', async () => {
    const said = async (...args: string[]) => (await command(...args)).stderr;
    expect(await said('crash', 'm9')).toContain("has no host 'm9'; it has m1, m2, m3");
    expect(await said('disk', 'm1', 'xvdf', 'big')).toContain('write it like 64M');
    expect(await said('undisk', 'm1', 'xvdf')).toContain('has no lab disk xvdf');
    expect(await said('cut', 'm1', 'm1')).toContain('no link to itself');
    expect(await said('up', 'many')).toContain('1 to 64 hosts');
    expect(
      (await quiet({ env: { ...environment, QUORATE_LAB_ID: 'absent' } })`${process.execPath} ${cli} ls`).stderr,
    ).toContain('npm run lab -- up 3');
  });

  test('gives the command line what a person or a program asks for', async () => {
    expect((await command('inventory')).stdout).toBe(`${lab.inventoryPath}\n`);
    expect(JSON.parse((await command('ls', '--json')).stdout)).toEqual(lab.hosts());
    expect(await command('exec', 'm1', 'echo one; exit 3')).toMatchObject({ stdout: 'one\n', exitCode: 3 });
    expect((await command('exec', 'm1', '--', 'printf', '%s.', '-n', 'a b')).stdout).toBe('-n.a b.');
  });
});

describe('the base', () => {
  test('whose building is killed leaves no process, no mount and nothing that looks like a base', async () => {
    const cache = mkdtempSync(join(tmpdir(), 'quorate-base-'));
    const env = { ...environment, XDG_CACHE_HOME: cache };
    const build = spawn(process.execPath, [cli, 'base'], { env, stdio: 'ignore' });
    const names = () => readdirSync(join(cache, 'quorate/lab')).filter((name) => name.includes('base-'));
    const unpacked = () => names().some((name) => existsSync(join(cache, 'quorate/lab', name, 'usr/bin')));
    try {
      await expect.poll(unpacked, { timeout: 240_000 }).toBe(true);
      build.kill('SIGKILL');
      await expect.poll(async () => (await quiet`pgrep -f ${cache}`).stdout, { timeout: 30_000 }).toBe('');
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(cache);
      expect(names()).toEqual([expect.stringMatching(/^building-/)]);
    } finally {
      build.kill('SIGKILL');
      rmSync(cache, { recursive: true });
    }
  });
});

describe('down', () => {
  test('leaves nothing behind', async () => {
    await lab.disk('m1', 'xvdf', '16M');
    await lab.freeze('m2');
    await lab.down();
    expect(await lab.remains()).toEqual([]);
    expect((await quiet`pgrep -f ${`${named.id}/hosts`}`).stdout).toBe('');
    await lab.down();
  });

  test.each([20, 120, 250, 400, 700])('leaves nothing of an `up` killed %i ms after its start', async (delay) => {
    const up = spawn(process.execPath, [cli, 'up', '3'], { env: environment, stdio: 'ignore' });
    await expect.poll(() => existsSync(lab.keyPath), { timeout: 60_000, interval: 5 }).toBe(true);
    await sleep(delay);
    up.kill('SIGKILL');
    await lab.down();
    expect(await lab.remains()).toEqual([]);
    await sleep(300);
    expect(await lab.remains()).toEqual([]);
    expect((await quiet`pgrep -f ${`${named.id}/hosts`}`).stdout).toBe('');
  });

  test('an `up` after a killed one makes a lab that works', async () => {
    const up = spawn(process.execPath, [cli, 'up', '3'], { env: environment, stdio: 'ignore' });
    await expect.poll(() => existsSync(lab.keyPath), { timeout: 60_000, interval: 5 }).toBe(true);
    await sleep(150);
    up.kill('SIGKILL');
    await lab.up(3);
    expect(await Promise.all(['m1', 'm2', 'm3'].map(async (host) => (await ssh(host)('hostname')).stdout))).toEqual([
      'm1\n',
      'm2\n',
      'm3\n',
    ]);
  });
});
