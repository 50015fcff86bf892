import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fileManaged } from '../../../../src/modules/file/managed.ts';
import { MASK, Sensitive } from '../../../../src/sensitive.ts';
import { complete, describeCases } from '../cases.ts';
import { Host, MINE, SHELLS } from '../host.ts';
import { HOSTILE_NAMES, HOSTILE_VALUES } from '../hostile.ts';

const HELLO = '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03'; // of hello, newline
const OTHER = sha256('other');

/** What read prints of a file of root's with this content. */
function observe(content: string): string {
  return `regular 0644 root:root ${Buffer.byteLength(content)} ${sha256(content)}
0:0
${content}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describeCases(fileManaged, [
  {
    it: 'is converged when content, owner, group and mode are as wanted',
    want: { path: '/etc/motd', content: 'hello\n' },
    observed: `regular 0644 root:root 6 ${HELLO}\n0:0\nhello\n`,
  },
  {
    it: 'makes a file that is not there: owner and mode first, then the disk, then the name',
    want: { path: '/etc/motd', content: 'hello\n', mode: '0600' },
    observed: 'absent\n',
    changes: [
      { path: 'exists', before: null, after: 'a file' },
      { path: 'content', before: null, after: 'hello\n' },
      { path: 'owner', before: null, after: 'root' },
      { path: 'group', before: null, after: 'root' },
      { path: 'mode', before: null, after: '0600' },
    ],
    script: `path='/etc/motd'
chown 'root:root' "$1" || { echo 'it could not be given to root:root: see that this owner and group exist on the host, or correct them here' >&2; exit 1; }
chmod 0600 "$1" || exit
q_sync "$1" || exit
mv -f "$1" "$path" || exit
q_sync "\${path%/*}/"`,
    inputs: [{ directory: '/etc', content: 'hello\n' }],
  },
  {
    it: 'keeps the old file in the trash before it takes its place',
    want: { path: '/etc/motd', content: 'hello\n' },
    observed: observe('bye!\n'),
    changes: [{ path: 'content', before: 'bye!\n', after: 'hello\n' }],
    script: `path='/etc/motd'
chown 'root:root' "$1" || { echo 'it could not be given to root:root: see that this owner and group exist on the host, or correct them here' >&2; exit 1; }
chmod 0644 "$1" || exit
q_sync "$1" || exit
q_keep "$path" || exit
mv -f "$1" "$path" || exit
q_sync "\${path%/*}/"`,
    inputs: [{ directory: '/etc', content: 'hello\n' }],
  },
  {
    it: 'changes only the mode where only the mode differs',
    want: { path: '/etc/motd', content: 'hello\n' },
    observed: `regular 0666 root:root 6 ${HELLO}\n0:0\nhello\n`,
    changes: [{ path: 'mode', before: '0666', after: '0644' }],
    script: `path='/etc/motd'
chown 'root:root' "$path" || { echo 'it could not be given to root:root: see that this owner and group exist on the host, or correct them here' >&2; exit 1; }
chmod 0644 "$path" || exit
q_sync "$path"`,
  },
  {
    it: 'takes an owner by number, whatever the host calls it',
    want: { path: '/etc/motd', content: 'hello\n', owner: '2379', group: '2380' },
    observed: `regular 0644 etcd:domain users 6 ${HELLO}\n2379:2380\nhello\n`,
  },
  {
    it: 'sees an owner that has no name',
    want: { path: '/etc/motd', content: 'hello\n' },
    observed: `regular 0644 1234:5678 6 ${HELLO}\n1234:5678\nhello\n`,
    changes: [
      { path: 'owner', before: '1234', after: 'root' },
      { path: 'group', before: '5678', after: 'root' },
    ],
  },
  {
    it: 'compares a YAML document as data: layout, comments and order of keys are no change',
    want: { path: '/etc/etcd.yaml', document: { name: 'm1', peers: ['a', 'b'] } },
    observed: observe('# mine\n"peers": [a,   b]\nname: "m1"   \n'),
  },
  {
    it: 'writes a document whole when its data differs',
    want: { path: '/etc/etcd.yaml', document: { name: 'm1', auth: 'no' } },
    observed: observe('name: m2\n'),
    changes: [{ path: 'content', before: 'name: m2\n', after: "name: m1\nauth: 'no'\n" }],
  },
  {
    it: 'does not take a word that some readers of YAML read as a boolean for a string',
    want: { path: '/etc/etcd.yaml', document: { auth: 'no' } },
    observed: observe('auth: no\n'),
    changes: [{ path: 'content', before: 'auth: no\n', after: "auth: 'no'\n" }],
  },
  {
    it: 'writes JSON where the path ends in .json',
    want: { path: '/etc/cni.json', document: { name: 'm1', ports: [2379] } },
    observed: observe('{"ports":[2379],"name":"m0"}'),
    changes: [
      {
        path: 'content',
        before: '{"ports":[2379],"name":"m0"}',
        after: '{\n  "name": "m1",\n  "ports": [\n    2379\n  ]\n}\n',
      },
    ],
  },
  {
    it: 'compares a large or secret file by its checksum alone, and says what is there',
    want: { path: '/etc/motd', content: 'hello\n' },
    observed: `regular 0644 root:root 300000 ${OTHER}\n0:0\n`,
    changes: [{ path: 'content', before: `(300000 bytes, sha256 ${OTHER})`, after: 'hello\n' }],
  },
  {
    it: 'refuses to write through a symbolic link',
    want: { path: '/etc/motd', content: 'hello\n' },
    observed: 'symlink /run/motd.dynamic\n',
    changes: {
      refused: '/etc/motd is a symbolic link to /run/motd.dynamic, and links are not followed',
      next: 'manage /run/motd.dynamic itself, or take the link away first with file.absent',
    },
  },
  {
    it: 'refuses to put a file in place of a directory',
    want: { path: '/etc/motd', content: 'hello\n' },
    observed: 'directory 0755 root:root\n0:0\n',
    changes: {
      refused: '/etc/motd is a directory, not a file',
      next: 'correct the path, or take it away first with file.absent (it goes to the trash)',
    },
  },
  {
    it: 'refuses to put a file in place of a socket',
    want: { path: '/run/x', content: 'hello\n' },
    observed: 'other a socket\n',
    changes: {
      refused: '/run/x is a socket, not a file',
      next: 'correct the path, or take it away first with file.absent (it goes to the trash)',
    },
  },
]);

describe('file.managed and secrets', () => {
  const observed = { status: 0, stdout: Buffer.from(observe('old\n')), stderr: '' };

  it.each([
    ['a secret content', { content: new Sensitive('hunter2') }],
    ['a document with a secret leaf', { document: { user: 'root', password: new Sensitive('hunter2') } }],
    ['sensitive: true', { content: 'hunter2', sensitive: true }],
  ])('%s shows neither what is nor what is wanted', (_name, source) => {
    const want = complete(fileManaged, { path: '/etc/secret', ...source });
    const changes = fileManaged.diff(want as never, fileManaged.parse(observed), undefined);
    expect(JSON.stringify(changes)).not.toMatch(/hunter2|old/);
    expect(JSON.parse(JSON.stringify(changes))).toEqual([{ path: 'content', before: MASK, after: MASK }]);
    const { script, inputs } = fileManaged.write(want as never, changes as never, { run: 'r1', react: false });
    expect(script + JSON.stringify(inputs)).not.toContain('hunter2');
    expect(new TextDecoder().decode((inputs![0]!.content as Sensitive<Uint8Array>).reveal())).toContain('hunter2');
  });

  it('never fetches the content of a sensitive file', () => {
    expect(fileManaged.read({ path: '/etc/secret', sensitive: true })).not.toContain('cat ');
  });
});

describe.each(SHELLS)('file.managed under %s', { timeout: 60_000 }, (shell) => {
  const hosts: Host[] = [];
  const newHost = () => {
    hosts.push(new Host(shell));
    return hosts.at(-1)!;
  };
  afterEach(() => {
    for (const host of hosts.splice(0)) host.remove();
  });

  it('delivers hostile names and contents byte for byte and executes none', () => {
    const host = newHost();
    for (const [index, content] of HOSTILE_VALUES.entries()) {
      const path = join(host.root, HOSTILE_NAMES[index % HOSTILE_NAMES.length]!);
      const { left, written } = host.apply(fileManaged, { path, content, ...MINE });
      expect(written?.stderr ?? '').toBe('');
      expect(left).toEqual([]);
      expect(readFileSync(path)).toEqual(Buffer.from(content));
    }
    expect(readdirSync(host.root)).not.toContain('canary');
    expect(new Set(readdirSync(host.root))).toEqual(new Set(HOSTILE_NAMES));
  });

  it('reads without changing anything, and its first line is the fingerprint', () => {
    const host = newHost();
    const path = join(host.root, 'x');
    writeFileSync(path, 'hello\n', { mode: 0o640 });
    symlinkSync('odd\ntarget\n', join(host.root, 'link'));
    const before = statSync(path, { bigint: true });
    for (const each of ['x', 'link', '.', 'none']) {
      const { firstLine, seen } = host.read(fileManaged, { path: join(host.root, each), sensitive: false });
      expect(fileManaged.fingerprint(seen as never)).toBe(firstLine);
    }
    const after = statSync(path, { bigint: true });
    expect([after.ino, after.mtimeNs, after.ctimeNs, after.mode]).toEqual([
      before.ino,
      before.mtimeNs,
      before.ctimeNs,
      before.mode,
    ]);
    expect(readdirSync(host.root).sort()).toEqual(['link', 'x']);
    expect(readdirSync(host.home)).toEqual([]);
  });

  it('keeps what it replaces, with its owner and mode, and says where', () => {
    const host = newHost();
    const path = join(host.root, 'x');
    for (const content of ['one', 'two', 'three']) host.apply(fileManaged, { path, content, ...MINE, mode: '0640' });
    const trash = join(host.home, 'trash/r1');
    expect(readFileSync(join(trash, '1/x'), 'utf8')).toBe('one');
    expect(readFileSync(join(trash, '2/x'), 'utf8')).toBe('two');
    expect(statSync(join(trash, '1/x')).mode & 0o7777).toBe(0o640);
    expect(readFileSync(join(trash, 'INDEX'), 'utf8').split('\n')[0]).toMatch(
      new RegExp(`^${path}\t${trash}/1/x\t\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$`),
    );
  });

  it('does not touch the content when only the mode differs', () => {
    const host = newHost();
    const path = join(host.root, 'x');
    host.apply(fileManaged, { path, content: 'one', ...MINE });
    chmodSync(path, 0o4666);
    const { ino } = statSync(path);
    const { changes, left } = host.apply(fileManaged, { path, content: 'one', ...MINE });
    expect(changes).toEqual([{ path: 'mode', before: '4666', after: '0644' }]);
    expect(left).toEqual([]);
    expect(statSync(path).ino).toBe(ino);
  });

  it('leaves the old file as it is when the owner does not exist, and says why', () => {
    const host = newHost();
    const path = join(host.root, 'x');
    host.apply(fileManaged, { path, content: 'one', ...MINE });
    const { written, left } = host.apply(fileManaged, {
      path,
      content: 'two',
      owner: 'nobody-at-all',
      group: MINE.group,
    });
    expect(written?.status).toBe(1);
    expect(written?.stderr).toContain(`it could not be given to nobody-at-all:${MINE.group}: see that this owner`);
    expect(left).not.toEqual([]);
    expect(readFileSync(path, 'utf8')).toBe('one');
  });

  it('leaves the old file as it is when it cannot be kept', () => {
    const host = newHost();
    const path = join(host.root, 'x');
    host.apply(fileManaged, { path, content: 'one', ...MINE });
    writeFileSync(join(host.home, 'trash'), 'in the way');
    const { written } = host.apply(fileManaged, { path, content: 'two', ...MINE });
    expect(written?.status).not.toBe(0);
    expect(written?.stderr).toContain(`${path} could not be kept in the trash (see above), so it was left as it is`);
    expect(readFileSync(path, 'utf8')).toBe('one');
  });

  it('leaves the target of a link and the inside of a directory alone', () => {
    const host = newHost();
    writeFileSync(join(host.root, 'target'), 'precious');
    symlinkSync('target', join(host.root, 'link'));
    mkdirSync(join(host.root, 'directory'));
    const refused = (name: string) => () =>
      host.apply(fileManaged, { path: join(host.root, name), content: 'x', ...MINE });
    expect(refused('link')).toThrow('is a symbolic link to target');
    expect(refused('directory')).toThrow('is a directory');
    expect(readFileSync(join(host.root, 'target'), 'utf8')).toBe('precious');
  });

  if (process.getuid?.() === 0) {
    it('gives a file to a number that has no name here, and reads it back as that number', () => {
      const host = newHost();
      const path = join(host.root, 'x');
      const { left } = host.apply(fileManaged, { path, content: 'one', owner: '54321', group: '54322' });
      expect(left).toEqual([]);
      expect(host.read(fileManaged, { path, sensitive: false }).firstLine).toMatch(/^regular 0644 54321:54322 3 /);
    });
  }
});
