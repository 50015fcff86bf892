import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fileDirectory } from '../../../../src/modules/file/directory.ts';
import { describeCases } from '../cases.ts';
import { Host, MINE, SHELLS } from '../host.ts';
import { HOSTILE_NAMES } from '../hostile.ts';

describeCases(fileDirectory, [
  {
    it: 'is converged when owner, group and mode are as wanted',
    want: { path: '/var/lib/etcd', owner: 'etcd', mode: '0700' },
    observed: 'directory 0700 etcd:root\n104:0\n',
  },
  {
    it: 'makes it closed, and opens it when it has its owner and mode',
    want: { path: '/var/lib/etcd', owner: 'etcd', group: 'etcd', mode: '0700' },
    observed: 'absent\n',
    changes: [
      { path: 'exists', before: null, after: 'a directory' },
      { path: 'owner', before: null, after: 'etcd' },
      { path: 'group', before: null, after: 'etcd' },
      { path: 'mode', before: null, after: '0700' },
    ],
    script: `path='/var/lib/etcd'
if ! [ -d "\${path%/*}/" ]; then
  printf '%s does not exist: declare it, or set parents: true\\n' "\${path%/*}" >&2
  exit 1
fi
(umask 077 && mkdir "$path") || exit
chown 'etcd:etcd' "$path" || { echo 'it could not be given to etcd:etcd: see that this owner and group exist on the host, or correct them here' >&2; exit 1; }
chmod 0700 "$path" || exit
q_sync "$path"
q_sync "\${path%/*}/"`,
  },
  {
    it: 'mends a mode',
    want: { path: '/var/lib/etcd', mode: '0700' },
    observed: 'directory 0777 root:root\n0:0\n',
    changes: [{ path: 'mode', before: '0777', after: '0700' }],
    script: `path='/var/lib/etcd'
chown 'root:root' "$path" || { echo 'it could not be given to root:root: see that this owner and group exist on the host, or correct them here' >&2; exit 1; }
chmod 0700 "$path" || exit
q_sync "$path"
q_sync "\${path%/*}/"`,
  },
  {
    it: 'refuses where a file is',
    want: { path: '/var/lib/etcd' },
    observed: `regular 0644 root:root 0 ${'0'.repeat(64)}\n0:0\n`,
    changes: {
      refused: '/var/lib/etcd is a file, not a directory',
      next: 'correct the path, or take it away first with file.absent (it goes to the trash)',
    },
  },
  {
    it: 'refuses a symbolic link, also one to a directory',
    want: { path: '/var/lib/etcd' },
    observed: 'symlink /mnt/etcd\n',
    changes: {
      refused: '/var/lib/etcd is a symbolic link to /mnt/etcd, not a directory',
      next: 'correct the path, or take it away first with file.absent (it goes to the trash)',
    },
  },
]);

describe.each(SHELLS)('file.directory under %s', { timeout: 60_000 }, (shell) => {
  const hosts: Host[] = [];
  const newHost = () => {
    hosts.push(new Host(shell));
    return hosts.at(-1)!;
  };
  afterEach(() => {
    for (const host of hosts.splice(0)) host.remove();
  });

  it('makes directories of any name', () => {
    const host = newHost();
    for (const name of HOSTILE_NAMES) {
      const { left } = host.apply(fileDirectory, { path: join(host.root, name), ...MINE, mode: '0750' });
      expect(left).toEqual([]);
      expect(statSync(join(host.root, name)).mode & 0o7777).toBe(0o750);
    }
    expect(new Set(readdirSync(host.root))).toEqual(new Set(HOSTILE_NAMES));
  });

  it('makes missing parents only when told to, with mode 0755', () => {
    const host = newHost();
    const path = join(host.root, 'a/b/c');
    const { written } = host.apply(fileDirectory, { path, ...MINE, mode: '0700' });
    expect(written?.status).toBe(1);
    expect(written?.stderr).toBe(`${host.root}/a/b does not exist: declare it, or set parents: true\n`);
    expect(host.apply(fileDirectory, { path, ...MINE, mode: '0700', parents: true }).left).toEqual([]);
    expect(statSync(join(host.root, 'a/b')).mode & 0o7777).toBe(0o755);
    expect(statSync(path).mode & 0o7777).toBe(0o700);
  });

  it('leaves what is in a directory alone', () => {
    const host = newHost();
    const path = join(host.root, 'd');
    mkdirSync(path);
    writeFileSync(join(path, 'x'), 'precious', { mode: 0o600 });
    chmodSync(path, 0o777);
    expect(host.apply(fileDirectory, { path, ...MINE }).changes).toEqual([
      { path: 'mode', before: '0777', after: '0755' },
    ]);
    expect(statSync(join(path, 'x')).mode & 0o7777).toBe(0o600);
  });
});
