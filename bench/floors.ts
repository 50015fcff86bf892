// What a run cannot be faster than: OpenSSH itself, with the same key, the same hosts and as many at once.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab/lab.ts';
import type { Side } from './timed.ts';

/** As many as Quorate works with unless told otherwise. */
const AT_ONCE = 32;

export interface FloorHost {
  name: string;
  address: string;
  port?: number;
}

type Login = Pick<Lab, 'keyPath' | 'knownHostsPath'>;

function sshWords({ keyPath, knownHostsPath }: Login): string[] {
  const options = ['BatchMode=yes', 'IdentitiesOnly=yes', 'StrictHostKeyChecking=yes'];
  return [
    'ssh',
    '-i',
    keyPath,
    ...[...options, `UserKnownHostsFile=${knownHostsPath}`].flatMap((option) => ['-o', option]),
  ];
}

/** xargs ends with a status of its own when one of its commands fails. */
function parallel(hosts: readonly FloorHost[], command: string): Side['argv'] {
  const lines = hosts.map(({ name, address, port = 22 }) => `${name} ${address} ${port}`).join('\n');
  return ['sh', '-c', `printf '%s\\n' "$1" | xargs -P ${AT_ONCE} -L 1 sh -c "$2"`, 'sh', lines, command];
}

/** `ssh HOST true` to all of them. */
export function trueFloor(login: Login, hosts: readonly FloorHost[]): Side {
  const ssh = sshWords(login).join(' ');
  return { name: 'parallel `ssh host true`', argv: parallel(hosts, `exec ${ssh} -p "$2" "root@$1" true`) };
}

/** `ssh HOST sh -s` to all of them, each with its own program on stdin. */
export function probeFloor(
  login: Login,
  hosts: readonly FloorHost[],
  programs: ReadonlyMap<string, string>,
  folder: string,
): Side {
  mkdirSync(join(folder, 'probes'), { recursive: true });
  for (const [host, program] of programs) writeFileSync(join(folder, 'probes', host), program);
  const ssh = sshWords(login).join(' ');
  return {
    name: 'parallel `ssh host sh -s`, the same probe',
    argv: parallel(hosts, `exec ${ssh} -p "$2" "root@$1" sh -s <"${join(folder, 'probes')}/$0"`),
    check(stdout) {
      const ended = stdout.split('\n').filter((line) => line === END).length;
      if (ended !== hosts.length) throw new Error(`${ended} of ${hosts.length} probes came to their end`);
    },
  };
}

/** What a probe for {@link probeFloor} prints last. */
export const END = 'the probe has ended';
