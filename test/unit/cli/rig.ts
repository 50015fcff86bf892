// The command line in this process: a folder to stand in, captured streams, and a port that counts who knocks.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { main } from '../../../src/cli/main.ts';

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Rig {
  folder: string;
  quorate(...argv: string[]): Promise<Ended>;
  /** Every file below the folder (the controller's own too) with its hash: equal as long as nothing was touched. */
  listing(): string[];
  /** How often somebody has connected to the hosts of {@link INVENTORY}. */
  knocks(): number;
}

/** `PORT` becomes that of a listener of the rig. */
export const INVENTORY = `masters:
  vars: { etcd_cluster: main, ansible_host: 127.0.0.1, ansible_port: PORT, ansible_user: nobody }
  hosts:
    m1:
    m2:
    m3:
workers:
  hosts:
    w1: { ansible_host: 127.0.0.1, ansible_port: PORT }
`;

export const STATE = `description: A file and a service that follows it.
resources:
  config:
    file.managed:
      path: /etc/thing.conf
      content: "name = {{ host.name }}\\n"
  thing:
    service.running:
      name: thing
    watch: [config]
`;

/** The files that every rig has, unless a test gives its own or leaves one out (`undefined`). */
const FILES = { 'inventory.yaml': INVENTORY, 'states/thing.yaml': STATE, 'pillar/defaults.yaml': 'etcd_image: t\n' };

/** Stands in a new folder until the test ends, so that paths in messages are those of an operator who stands there. */
export async function createRig(files: { [path: string]: string | undefined } = {}): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-cli-'));
  const before = process.cwd();
  process.chdir(folder);
  let knocks = 0;
  const server = createServer((socket) => {
    knocks += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  for (const [path, text] of Object.entries({ ...FILES, ...files })) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text.replaceAll('PORT', String(port)), { mode: 0o600 });
  }
  onTestFinished(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
    server.close();
  });

  return {
    folder,
    async quorate(...argv) {
      const stdout = capture();
      const stderr = capture();
      const env = { XDG_STATE_HOME: join(folder, 'state'), QUORATE_INVENTORY: 'inventory.yaml', CI: '1' };
      const code = await main(argv, { stdout: stdout.stream, stderr: stderr.stream, stdin: Readable.from([]), env });
      const strip = (text: string) => text.replaceAll(folder, 'FOLDER').replaceAll(before, 'ROOT');
      return { code, stdout: strip(stdout.text()), stderr: strip(stderr.text()) };
    },
    listing: () =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((path) => statSync(join(folder, path)).isFile())
        .map(
          (path) =>
            `${path} ${createHash('sha256')
              .update(readFileSync(join(folder, path)))
              .digest('hex')}`,
        )
        .sort(),
    knocks: () => knocks,
  };
}

function capture(): { stream: Writable; text(): string } {
  const chunks: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}
