// Nothing to do on more hosts than a machine carries: many addresses, behind them a few real sshds.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { namespaceOf } from '../../lab/network.ts';
import { settings } from '../../lab/settings.ts';
import { type FloorHost, trueFloor } from '../floors.ts';
import { comparePairs } from '../pairs.ts';
import type { Part, PartOptions } from '../part.ts';
import type { Row } from '../row.ts';
import { openScene, requireNothingDone, type Scene } from '../scene.ts';
import { timed } from '../timed.ts';

const LAB = { id: 'bench', subnet: '10.213.113' };
const SSHDS = 3;
const FILES = 20;
/** For benchmarks alone (RFC 2544): hosts are `198.18.SSHD.NUMBER`. */
const NETWORK = '198.18';

export const addresses: readonly Part[] = [100, 300].map((count) => ({
  name: `noop-${count}`,
  about: `An apply of ${FILES} files that has nothing to do, on ${count} hosts in no cluster: as many addresses, behind which are ${SSHDS} real sshds.`,
  run: (options) => measure(count, options),
}));

async function measure(count: number, { rounds, tell }: PartOptions): Promise<Row[]> {
  const scene = await openScene({ ...LAB, hosts: SSHDS, tell });
  try {
    const hosts = await spread(scene, count);
    // A busy machine may need longer than usual for so many logins.
    const args = ['apply', 'files', '--yes', '--parallel', '32', '--connect-limit', '120'];
    tell(`${SSHDS} of ${count} hosts are changed, and with them all`);
    await timed(
      scene.quorate('first apply', [
        ...args,
        '-t',
        hosts
          .slice(0, SSHDS)
          .map(({ name }) => name)
          .join(),
      ]),
    );
    const apply = scene.quorate('no-op apply', [...args, '-t', 'all'], (document) => {
      requireNothingDone(document);
      const asked = Object.keys(document.hosts).length;
      if (asked !== count) throw new Error(`${asked} of ${count} hosts were asked`);
    });
    const login = { keyPath: scene.lab.keyPath, knownHostsPath: join(scene.folder, 'known_hosts') };
    const what = `no-op apply of ${FILES} files, ${count} hosts`;
    const compared = await comparePairs(apply, trueFloor(login, hosts), { rounds, tell });
    return [
      { kind: 'ratio', what, target: { limit: 1, is: 'most' }, ...compared },
      {
        kind: 'count',
        what: `memory of this machine at the peak of a ${what}`,
        value: compared.a.peakKiB.median / 1024,
        unit: 'MiB',
        target: { limit: 250, is: 'most' },
      },
    ];
  } finally {
    await scene.close();
  }
}

/** Gives each of the lab's hosts a network of addresses, and the inventory one host for each address. */
async function spread(scene: Scene, count: number): Promise<FloorHost[]> {
  const known = readFileSync(scene.lab.knownHostsPath, 'utf8').trim().split('\n');
  const lines: string[] = [];
  for (const [index, host] of scene.hosts.entries()) {
    const network = `${NETWORK}.${index}`;
    ip('-n', namespaceOf(settings(LAB), host), 'route', 'add', 'local', `${network}.0/24`, 'dev', 'lo');
    // It goes with the lab's cable.
    ip('route', 'replace', `${network}.0/24`, 'via', scene.lab.address(host));
    lines.push(
      ...known
        .map((line) => line.split(' '))
        .flatMap(([names = '', ...key]) =>
          names.split(',').includes(scene.lab.address(host)) ? [`${network}.* ${key.join(' ')}\n`] : [],
        ),
    );
    // sshd's own limit of logins at a time is for one host's, not for a hundred.
    await scene.lab.run(host, 'echo MaxStartups 400 >/etc/ssh/sshd_config.d/bench.conf && systemctl reload ssh');
  }
  const hosts = Array.from({ length: count }, (_, index) => ({
    name: `h${index + 1}`,
    address: `${NETWORK}.${index % SSHDS}.${Math.floor(index / SSHDS) + 1}`,
  }));
  const files = Array.from(
    { length: FILES },
    (_, index) => `  file-${index}:\n    file.managed: { path: /srv/file-${index}, content: "${index}\\n" }\n`,
  );
  scene.write({
    known_hosts: lines.join(''),
    'states/files.yaml': `description: ${FILES} files.\nresources:\n${files.join('')}`,
    'inventory.yaml': `all:
  vars:
    ansible_user: root
    ansible_ssh_private_key_file: ${JSON.stringify(scene.lab.keyPath)}
    ansible_ssh_common_args: ${JSON.stringify(`-o UserKnownHostsFile=${join(scene.folder, 'known_hosts')}`)}
  hosts:
${hosts.map(({ name, address }) => `    ${name}: { ansible_host: ${address} }\n`).join('')}`,
  });
  return hosts;
}

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: 'pipe' });
}
