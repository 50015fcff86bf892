// AWS for tests: Debian's moto in a folder of the cache, which speaks S3 (and EC2) on a port of this machine.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { aptMirror } from './apt.ts';
import { ensureCached } from './cache.ts';
import { debootstrap } from './chroot.ts';
import { LabFailure } from './failure.ts';
import { until } from './shell.ts';

const recipe = { suite: 'trixie', packages: ['python3-moto', 'python3-flask', 'python3-flask-cors'] };

export interface Moto {
  /** `http://127.0.0.1:PORT`. It takes any credentials, and forgets everything when it ends. */
  endpoint: string;
  close(): Promise<void>;
}

/** Builds the folder first if there is none yet (half a minute). */
export async function startMoto(log: (line: string) => void = () => {}): Promise<Moto> {
  const root = await ensureCached('moto', recipe, log, async (building) => {
    await debootstrap(building, recipe.suite, await aptMirror(), recipe.packages);
    return recipe.packages[0]!;
  });
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  // It dies with this process, however that ends.
  const command = ['--pdeathsig', 'KILL', 'chroot', root, 'moto_server', '-H', '127.0.0.1', '-p', String(port)];
  const child = spawn('/usr/bin/setpriv', command, { stdio: 'ignore', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()).on('error', () => resolve()));
  const answers = () =>
    fetch(`${endpoint}/moto-api/data.json`).then(
      ({ ok }) => ok || undefined,
      () => undefined,
    );
  if (!(await until(60, answers))) {
    child.kill('SIGKILL');
    throw new LabFailure('moto does not answer.', `see what \`chroot ${root} moto_server\` says`);
  }
  return {
    endpoint,
    async close() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
