// Entries that are looked up all at once are the same as those that are read one by one.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CONTENT_LIMIT } from '../../../../src/modules/file/entry.sh.ts';
import { parseEntry, readEntry } from '../../../../src/modules/file/entry.ts';
import { canBeLookedUp, lookUp, parseContents } from '../../../../src/modules/file/look-up.sh.ts';
import type { Part } from '../../../../src/shell/program.ts';
import { SHELLS } from '../../shell/shells.ts';
import { createLocalRig } from '../../transport/local-rig.ts';

const rig = createLocalRig();

const NAMES = [
  'file',
  'empty',
  'folder',
  'link',
  'to-folder',
  'pipe',
  'absent',
  'two words',
  '-n',
  "it's",
  '$(touch pwned) `id` *',
  'ü "',
  'no\nline',
  'back\\slash',
];

function make(folder: string): string[] {
  for (const name of NAMES.slice(7)) writeFileSync(join(folder, name), name);
  writeFileSync(join(folder, 'file'), 'content', { mode: 0o640 });
  writeFileSync(join(folder, 'empty'), '');
  mkdirSync(join(folder, 'folder'));
  symlinkSync('/etc/hostname', join(folder, 'link'));
  symlinkSync(join(folder, 'folder'), join(folder, 'to-folder'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  return NAMES.map((name) => join(folder, name));
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

const wanted = (paths: string[], content = false) => paths.map((path) => ({ path, content }));

const read = (path: string, at?: number): Part => ({
  id: `${path} ${at}`,
  script: `${at === undefined ? '' : `q_at=${at}\n`}${readEntry(path, { content: true })}`,
});

describe.each(SHELLS)('under %s', (name, shell) => {
  it('finds the same, whatever the paths are called', async () => {
    const all = make(rig.folder);
    const paths = all.filter(canBeLookedUp);
    expect(all.length - paths.length).toBe(2);
    const session = rig.open(name, shell);
    const { answers, failure } = await rig.run(session, [
      ...all.map((path) => read(path)),
      { id: 'paths', script: lookUp(wanted(paths)), shared: true },
      ...paths.map((path, at) => read(path, at)),
    ]);
    expect(failure).toBeUndefined();
    const said = (path: string, at?: number) => {
      const answer = answers.find(({ id }) => id === `${path} ${at}`)!;
      return { status: answer.status, stdout: String(answer.stdout), stderr: answer.stderr };
    };
    for (const [at, path] of paths.entries()) expect(said(path, at), path).toEqual(said(path));
    expect(said(paths[0]!, 0).stdout).toMatch(/^regular 0640 .*\n\d+:\d+\ncontent$/);
  });

  it('looks at nothing again that it knows, and at all that it does not', async () => {
    const [file = '', , , , , , absent = ''] = make(rig.folder);
    const session = rig.open(name, shell);
    const { answers } = await rig.run(session, [
      { id: 'paths', script: lookUp(wanted([file, absent])), shared: true },
      { id: 'change', script: `echo more >>'${file}'; echo new >'${absent}'` },
      read(file, 0),
      read(file),
      read(absent, 1),
    ]);
    const sizes = answers.slice(2).map(({ stdout }) => /^regular \d+ \S+ (\d+) /.exec(String(stdout))?.[1]);
    expect(sizes).toEqual(['7', '12', '4']);
  });

  it("prints the contents of files at once, and each is whole or nobody's", async () => {
    const all = make(rig.folder);
    const large = join(rig.folder, 'large');
    writeFileSync(large, Buffer.alloc(CONTENT_LIMIT + 1));
    writeFileSync(all[0]!, Buffer.from([0, 10, 255, 10]));
    const paths = [...all.filter(canBeLookedUp), large];
    const session = rig.open(name, shell);
    const { answers } = await rig.run(session, [
      { id: 'paths', script: lookUp(wanted(paths, true)), shared: true },
      ...paths.map((path, at) => ({ ...read(path, at), shared: true as const })),
    ]);
    const contents = parseContents(answers[0]!.stdout);
    for (const [at, path] of paths.entries()) {
      const { entry, rest } = parseEntry({ stdout: answers[at + 1]!.stdout, contents });
      expect(rest, path).toHaveLength(0);
      if (entry.kind !== 'regular') continue;
      expect(entry.content && Buffer.from(entry.content), path).toEqual(
        path === large ? undefined : readFileSync(path),
      );
    }
    // Cut short, as where a file has become shorter meanwhile: what follows it is shifted.
    const cut = Buffer.concat([Buffer.from('3 2\n'), Buffer.from('aabb')]);
    expect([...parseContents(cut).keys()]).not.toContain(sha256('bb'));
  });

  it('prints what is too much at once where it is read', async () => {
    const paths = Array.from({ length: 14 }, (_, index) => join(rig.folder, String(index)));
    for (const [index, path] of paths.entries()) writeFileSync(path, Buffer.alloc(CONTENT_LIMIT, index));
    const session = rig.open(name, shell);
    const { answers } = await rig.run(session, [
      { id: 'paths', script: lookUp(wanted(paths, true)), shared: true },
      ...paths.map((path, at) => ({ ...read(path, at), shared: true as const })),
    ]);
    const contents = parseContents(answers[0]!.stdout);
    expect(contents.size).toBe(12);
    for (const { stdout } of answers.slice(1)) {
      expect(parseEntry({ stdout, contents }).entry).toMatchObject({ content: expect.anything() });
    }
  });

  it('finds more than a command line takes', async () => {
    const folder = join(rig.folder, 'x'.repeat(200));
    mkdirSync(folder);
    const paths = Array.from({ length: 1200 }, (_, index) => join(folder, String(index)));
    for (const path of paths) writeFileSync(path, path);
    const session = rig.open(name, shell);
    const { answers } = await rig.run(session, [
      { id: 'paths', script: lookUp(wanted(paths)), shared: true },
      { id: 'gone', script: `rm -r '${folder}'; mkdir '${folder}'; : >'${paths[1199]}'` },
      { id: 'last', script: `q_at=1199; q_known '${paths[1199]}' && echo "$q_entry $q_sum"` },
    ]);
    expect(String(answers[2]?.stdout)).toMatch(/^644 \d+ \d+ \d+ \S+ [0-9a-f]{64}\n$/);
  });
});
