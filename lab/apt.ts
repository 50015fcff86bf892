import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabFailure } from './failure.ts';
import { sh } from './shell.ts';

/** How apt works for the lab, in an image or outside of one. */
export const APT_OPTIONS = [
  'APT::Install-Recommends=false',
  'APT::Sandbox::User=root',
  'Acquire::Check-Valid-Until=false',
];

/** The machine's own mirror, so that a lab needs no more of the network than the machine's apt does. */
export async function aptMirror(): Promise<string> {
  const format = '$(REPO_URI) $(ORIGIN)';
  const targets = await sh`apt-get indextargets --format ${format} ${'Created-By: Packages'}`;
  const main = targets.stdout
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([uri]) => !uri?.includes('security'));
  // Without package lists nothing says where an archive comes from, but its address.
  const mirror = main.find(([, origin]) => origin === 'Debian') ?? main.find(([uri]) => /\/debian\/?$/.test(uri ?? ''));
  if (mirror?.[0]) return mirror[0];
  throw new LabFailure(
    'apt on this machine knows no Debian mirror to build the base from.',
    'add a Debian source to apt and run apt-get update',
  );
}

/** An apt of its own in `folder`, emptied first: the options for apt-get that make it know `type` (deb, deb-src) of `suites` only. */
export function privateApt(
  folder: string,
  type: 'deb' | 'deb-src',
  mirror: string,
  suites: readonly string[],
): string[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'lists/partial'), { recursive: true });
  mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true });
  const signed = 'signed-by=/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(
    join(folder, 'sources.list'),
    suites.map((suite) => `${type} [${signed}] ${mirror} ${suite} main\n`).join(''),
  );
  const dirs = [
    `Dir::Etc::SourceList=${folder}/sources.list`,
    'Dir::Etc::SourceParts=/dev/null',
    `Dir::State::Lists=${folder}/lists`,
    `Dir::Cache=${folder}/cache`,
  ];
  return [...APT_OPTIONS, ...dirs].flatMap((option) => ['-o', option]);
}
