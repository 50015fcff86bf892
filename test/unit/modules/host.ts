// This machine as a host: scripts of modules run for real under dash, bash and busybox, in a directory of their own.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TRASH_PRELUDE } from '../../../src/modules/file/trash.sh.ts';
import type { AnyModule, Change, Reading, WriteScript } from '../../../src/modules/module.ts';
import { reveal } from '../../../src/sensitive.ts';
import { quote } from '../../../src/shell/quote.ts';
import type { ValueMap } from '../../../src/value.ts';
import { complete } from './cases.ts';

export const SHELLS = ['dash', 'bash', 'busybox sh'] as const;
export type Shell = (typeof SHELLS)[number];

/** Who runs the tests, as owner and group: so they need no root. */
export const MINE = { owner: String(process.getuid?.()), group: String(process.getgid?.()) };

export class Host {
  readonly shell: Shell;
  /** Where the tests put things. */
  readonly root: string;
  /** What is /var/lib/quorate on a real host. */
  readonly home: string;
  /** Programs put here come before all others. */
  readonly binaries: string;
  readonly path: string;
  readonly #base: string;
  #inputs = 0;

  constructor(shell: Shell, base = tmpdir()) {
    this.shell = shell;
    this.#base = mkdtempSync(join(base, 'quorate-host-'));
    // Other users run programs from here.
    chmodSync(this.#base, 0o755);
    this.root = join(this.#base, 'root');
    this.home = join(this.#base, 'home');
    mkdirSync(this.root);
    mkdirSync(this.home);
    this.binaries = join(this.#base, 'bin');
    mkdirSync(this.binaries);
    this.path = `${this.binaries}:${process.env.PATH}`;
    if (shell === 'busybox sh') {
      this.path = `${this.binaries}:${join(this.#base, 'busybox')}`;
      mkdirSync(join(this.#base, 'busybox'));
      spawnSync('busybox', ['--install', '-s', join(this.#base, 'busybox')]);
      // Debian's busybox has none; where busybox is all there is, it has.
      symlinkSync('/usr/bin/su', join(this.binaries, 'su'));
    }
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }

  /** Runs a script as the engine does: in a subshell, with nothing on standard input. */
  run(script: string, args: string[] = [], home = this.home): Reading {
    const command = this.shell === 'busybox sh' ? join(this.#base, 'busybox/sh') : this.shell;
    const prelude = `Q_RUN=r1\nQ_HOME=${quote(home)}\n${TRASH_PRELUDE}`;
    const text = `${prelude}\n(\n${script}\n)`;
    const { status, stdout, stderr } = spawnSync(command, ['-c', text, 'sh', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: this.path, LC_ALL: 'C' },
      cwd: this.root,
    });
    return { status: status ?? -1, stdout, stderr: stderr.toString() };
  }

  read(module: AnyModule, want: ValueMap) {
    const reading = this.run(module.read(want));
    if (reading.status !== 0) throw new Error(reading.stderr);
    const seen = module.parse(reading);
    return { reading, seen, firstLine: reading.stdout.toString().split('\n')[0]! };
  }

  write({ script, inputs = [] }: WriteScript): Reading {
    const files = inputs.map(({ directory, content }) => {
      this.#inputs += 1;
      const name = `.input-${process.pid}-${this.#inputs}`;
      const file = join(directory.startsWith(this.#base) ? directory : this.#base, name);
      writeFileSync(file, reveal(content), { mode: 0o600 });
      return file;
    });
    return this.run(script, files);
  }

  /** Reads, writes what differs, and reads again: an apply of one resource. */
  apply(module: AnyModule, given: ValueMap, react = false): { changes: Change[]; left: Change[]; written?: Reading } {
    const want = complete(module, given);
    const changes = module.diff(want, this.read(module, want).seen, undefined);
    if (!Array.isArray(changes)) throw new Error(changes.refused);
    if (changes.length === 0 && !react) return { changes, left: [] };
    const written = this.write(module.write(want, changes, { run: 'r1', react }));
    const left = module.diff(want, this.read(module, want).seen, undefined);
    if (!Array.isArray(left)) throw new Error(left.refused);
    return { changes, left, written };
  }
}
