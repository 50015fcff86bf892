// A host's private directories: one for each connection, and none that outlives its own.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimFolder } from '../../../../src/engine/snapshot/private-folder.sh.ts';
import { Host, SHELLS } from '../../modules/host.ts';

describe.each(SHELLS)('with %s', (shell) => {
  let host: Host;
  let parent: string;
  beforeEach(() => {
    host = new Host(shell);
    parent = join(host.root, 'par ent');
  });
  afterEach(() => host.remove());

  it('makes one that says whose it is, and nobody else may look into', () => {
    const { status, stderr } = host.run(claimFolder(parent, 'r1'));
    expect([status, stderr, readdirSync(parent)]).toEqual([0, '', ['r1']]);
    expect([parent, join(parent, 'r1')].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
    expect(readFileSync(join(parent, 'r1/holder'), 'utf8')).toMatch(/^\d+ \d+ [0-9a-f-]{36}\n$/);
  });

  it('takes away those of connections that are gone, with what runs in them, and no other', () => {
    for (const name of ['old', 'nobodys']) mkdirSync(join(parent, name), { recursive: true });
    writeFileSync(join(parent, 'old/holder'), '1 1 another-boot\n');
    // The shell itself holds `mine`, as a connection does.
    const mine = claimFolder(parent, 'mine');
    const running = `( cd ${JSON.stringify(join(parent, 'old'))} && exec sleep 60 ) & pid=$!; sleep 0.3`;
    const { stdout } = host.run(`${running}; ${mine}; ${claimFolder(parent, 'r1')}; wait $pid; echo "ended $?"`);
    expect(stdout.toString()).toBe('ended 137\n');
    expect(readdirSync(parent).sort()).toEqual(['mine', 'nobodys', 'r1']);
  });

  it('fails where no directory can be made', () => {
    expect(host.run(claimFolder('/proc/none', 'r1')).status).toBe(1);
  });
});
