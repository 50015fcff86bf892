import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fileAbsent } from '../../../../src/modules/file/absent.ts';
import { complete, describeCases } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';
import { HOSTILE_NAMES } from '../hostile.ts';

const NEXT = 'correct the path; if it really must go, move it by hand';

describeCases(fileAbsent, [
  {
    it: 'is converged where nothing is',
    want: { path: '/etc/etcd/old.conf' },
    observed: 'absent\n',
  },
  {
    it: 'moves a file to the trash',
    want: { path: '/etc/etcd/old.conf' },
    observed: `regular 0644 root:root 0 ${'0'.repeat(64)}\n0:0\nmount\n/etc/etcd/old.conf`,
    changes: [{ path: 'exists', before: 'a file', after: null }],
    script: "q_trash '/etc/etcd/old.conf'",
  },
  {
    it: 'moves a whole directory to the trash',
    want: { path: '/var/lib/etcd/member' },
    observed: 'directory 0700 etcd:etcd\n104:104\nmount\n/var/lib/etcd/member',
    changes: [{ path: 'exists', before: 'a directory', after: null }],
    script: "q_trash '/var/lib/etcd/member'",
  },
  {
    it: 'moves a link, not what it leads to',
    want: { path: '/etc/link' },
    observed: 'symlink /etc\nmount\n/etc/link',
    changes: [{ path: 'exists', before: 'a symbolic link to /etc', after: null }],
    script: "q_trash '/etc/link'",
  },
  {
    it: 'refuses a mount point',
    want: { path: '/mnt/etcd' },
    observed: 'directory 0755 root:root\n0:0\nmount /mnt/etcd\n/mnt/etcd',
    changes: {
      refused: '/mnt/etcd must not be taken away: it is a mount point',
      next: 'unmount /mnt/etcd first, and see that it stays unmounted',
    },
  },
  {
    it: 'refuses a directory in which something is mounted',
    want: { path: '/data/all' },
    observed: 'directory 0755 root:root\n0:0\nmount /data/all/etcd\n/data/all',
    changes: {
      refused: '/data/all must not be taken away: /data/all/etcd is mounted there',
      next: 'unmount /data/all/etcd first, and see that it stays unmounted',
    },
  },
  ...['/', '/etc', '/usr', '/var', '/var/lib', '/boot', '/lib', '/etc/passwd'].map((path) => ({
    it: `refuses ${path}`,
    want: { path },
    observed: `directory 0755 root:root\n0:0\nmount\n${path}`,
    changes: { refused: `${path} must not be taken away: the system itself needs it`, next: NEXT },
  })),
  {
    it: 'refuses what a symbolic link on the way makes dangerous',
    want: { path: '/here/lib' },
    observed: 'directory 0755 root:root\n0:0\nmount\n/var/lib',
    changes: {
      refused: '/here/lib, which is /var/lib, must not be taken away: the system itself needs it',
      next: NEXT,
    },
  },
  {
    it: 'refuses the trash itself',
    want: { path: '/var/lib/quorate/trash/r0' },
    observed: 'directory 0700 root:root\n0:0\nmount\n/var/lib/quorate/trash/r0',
    changes: {
      refused: '/var/lib/quorate/trash/r0 must not be taken away: the trash and the records of earlier runs are there',
      next: NEXT,
    },
  },
]);

describe.each(SHELLS)('file.absent under %s', { timeout: 60_000 }, (shell) => {
  const hosts: Host[] = [];
  const newHost = (base?: string) => {
    hosts.push(new Host(shell, base));
    return hosts.at(-1)!;
  };
  afterEach(() => {
    for (const host of hosts.splice(0)) host.remove();
  });

  it('keeps a file of any name, and says in the index what it was called', () => {
    const host = newHost();
    for (const name of HOSTILE_NAMES) {
      writeFileSync(join(host.root, name), name);
      expect(host.apply(fileAbsent, { path: join(host.root, name) })).toMatchObject({
        left: [],
        written: { stderr: '' },
      });
    }
    expect(readdirSync(host.root)).toEqual([]);
    const lines = readFileSync(join(host.home, 'trash/r1/INDEX'), 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(HOSTILE_NAMES.length);
    for (const [index, name] of HOSTILE_NAMES.entries()) {
      const [original, kept] = lines[index]!.split('\t').map(unescapePath);
      expect(original).toBe(join(host.root, name));
      expect(readFileSync(kept!, 'utf8')).toBe(name);
    }
  });

  it('keeps a whole tree, and links as links', () => {
    const host = newHost();
    mkdirSync(join(host.root, 'tree/deep'), { recursive: true });
    writeFileSync(join(host.root, 'tree/deep/x'), 'precious');
    symlinkSync('/etc/passwd', join(host.root, 'link'));
    for (const name of ['tree', 'link']) host.apply(fileAbsent, { path: join(host.root, name) });
    expect(readdirSync(host.root)).toEqual([]);
    expect(readFileSync(join(host.home, 'trash/r1/1/tree/deep/x'), 'utf8')).toBe('precious');
    expect(readlinkSync(join(host.home, 'trash/r1/2/link'))).toBe('/etc/passwd');
  });

  it('keeps a thing on its own file system', () => {
    const host = newHost('/dev/shm');
    const other = newHost();
    const path = join(host.root, 'x');
    writeFileSync(path, 'precious');
    const { status, stderr } = host.run(
      fileAbsent.write({ path }, [], { run: 'r1', react: false }).script,
      [],
      other.home,
    );
    expect([status, stderr]).toEqual([0, '']);
    expect(readFileSync(join(host.root, '.quorate-trash/r1/1/x'), 'utf8')).toBe('precious');
    expect(readFileSync(join(other.home, 'trash/r1/INDEX'), 'utf8')).toContain(
      `\t${host.root}/.quorate-trash/r1/1/x\t`,
    );
  });

  it('never keeps two things under one name', () => {
    const host = newHost();
    mkdirSync(join(host.home, 'trash/r1/1'), { recursive: true });
    writeFileSync(join(host.home, 'trash/r1/1/x'), 'of before');
    writeFileSync(join(host.root, 'x'), 'of now');
    host.apply(fileAbsent, { path: join(host.root, 'x') });
    expect(readFileSync(join(host.home, 'trash/r1/1/x'), 'utf8')).toBe('of before');
    expect(readFileSync(join(host.home, 'trash/r1/2/x'), 'utf8')).toBe('of now');
  });

  it('sees through links on the way, and sees mounts', () => {
    const host = newHost();
    symlinkSync('/', join(host.root, 'way'));
    const see = (path: string) =>
      fileAbsent.diff(
        complete(fileAbsent, { path }) as never,
        host.read(fileAbsent, { path }).seen as never,
        undefined,
      );
    expect(see(join(host.root, 'way/etc'))).toMatchObject({
      refused: expect.stringContaining('which is /etc, must not'),
    });
    expect(see(join(host.root, 'way/dev/shm'))).toMatchObject({ refused: expect.stringContaining('/dev/shm') });
    expect(host.read(fileAbsent, { path: '/dev' }).seen).toMatchObject({
      real: '/dev',
      mount: expect.stringMatching(/^\/dev/),
    });
    expect(existsSync('/etc/passwd')).toBe(true);
  });

  it('reads odd names as they are, also with nothing mounted there', () => {
    const host = newHost();
    for (const name of HOSTILE_NAMES) {
      mkdirSync(join(host.root, name));
      const { seen } = host.read(fileAbsent, { path: join(host.root, name) });
      expect(seen).toMatchObject({ real: join(host.root, name) });
      expect(seen).not.toHaveProperty('mount');
    }
  });
});

function unescapePath(text: string): string {
  return text.replace(/\\(.)/g, (_match, letter: string) => ({ t: '\t', n: '\n' })[letter] ?? letter);
}
