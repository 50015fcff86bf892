// From a host's answers to what runs there.
import { type ListedMember, parseMemberList } from '../../etcd/members.ts';
import type { Flags } from '../../etcd/settings/flags.ts';
import { flagOfVariable, readArguments } from '../../etcd/settings/flags.ts';
import type { LaunchFile } from '../../etcd/settings/launch.ts';
import { type MemberStatus, parseEndpointStatus } from '../../etcd/status.ts';
import { parseLaunchFiles } from '../../modules/etcd/launch-files.sh.ts';
import { type Certificate, readCertificates } from '../../pki/certificate.ts';
import type { Answer } from '../../shell/program.ts';

/** A process called etcd. */
export interface SeenProcess {
  pid: number;
  exe: string;
  /** `etcd.service`: the unit in whose cgroup it is. */
  unit?: string;
  /** The uid of the pod whose container it is. */
  pod?: string;
  /** It was started with these. */
  flags: Flags;
  /** What there is no way to ask it with: `etcdctl`, or a file. */
  lack?: string;
  /** Its last words where it did not answer. */
  said?: string;
  status?: MemberStatus;
  list?: ListedMember[];
}

export interface SeenMaster {
  hostname: string;
  manifestDir: string;
  /** The kubelet's unit; absent: none runs. */
  kubelet?: string;
  /** The files in the directory of static pods. */
  static: string[];
  processes: SeenProcess[];
  /** At most one. */
  manifest: LaunchFile[];
  /** etcd.service with all that belongs to it. */
  unit: LaunchFile[];
  /** By path; those that are no certificates are left out. */
  certificates: Map<string, Certificate[]>;
}

/** Undefined where the host did not answer for all of it. */
export function parseMaster(answers: readonly Answer[]): SeenMaster | undefined {
  const by = new Map(answers.filter(({ state }) => state === 'ran').map((answer) => [answer.id, answer.stdout]));
  const lines = (id: string) => new TextDecoder().decode(by.get(id)).split('\n');
  if (by.size < answers.length || !by.has('certificates')) return undefined;
  const host = fieldsOf(lines('host'));
  const asked = splitAt('process', lines('members'));
  const processes = splitAt('process', lines('processes')).map((block): SeenProcess => {
    const fields = fieldsOf(block);
    const own = fieldsOf(asked.find((other) => other[0] === block[0]) ?? []);
    const one = (name: string) => fields.get(name)?.[0] ?? '';
    const [lack] = own.get('lack') ?? [];
    const [said] = own.get('said') ?? [];
    const status = parseEndpointStatus(own.get('status')?.[0] ?? '');
    const list = parseMemberList(own.get('list')?.[0] ?? '');
    return {
      pid: Number(one('process')),
      exe: one('exe'),
      ...(one('unit') === '' ? {} : { unit: one('unit') }),
      ...(one('pod') === '' ? {} : { pod: one('pod') }),
      flags: flagsOf(fields.get('arg') ?? [], fields.get('env') ?? []),
      ...(lack === undefined ? {} : { lack }),
      ...(said === undefined ? {} : { said }),
      ...(status ? { status } : {}),
      ...(list ? { list } : {}),
    };
  });
  const [kubelet = ''] = host.get('kubelet') ?? [];
  return {
    hostname: host.get('hostname')?.[0] ?? '',
    manifestDir: host.get('manifests')?.[0] ?? '',
    ...(kubelet === '' ? {} : { kubelet: kubelet.replace(/\.service$/, '') }),
    static: host.get('static') ?? [],
    processes,
    manifest: filesOf(by.get('manifest')),
    unit: filesOf(by.get('unit')),
    certificates: certificatesOf(lines('certificates')),
  };
}

function filesOf(stdout: Uint8Array | undefined): LaunchFile[] {
  return stdout === undefined || stdout.length === 0 ? [] : parseLaunchFiles(stdout).files;
}

/** Lines `NAME VALUE`, by name. */
function fieldsOf(lines: readonly string[]): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const at = line.indexOf(' ');
    if (at < 1) continue;
    const name = line.slice(0, at);
    fields.set(name, [...(fields.get(name) ?? []), line.slice(at + 1)]);
  }
  return fields;
}

/** The lines from each one that begins with the word up to the next. */
function splitAt(word: string, lines: readonly string[]): string[][] {
  const blocks: string[][] = [];
  for (const line of lines) {
    if (line.startsWith(`${word} `)) blocks.push([]);
    blocks.at(-1)?.push(line);
  }
  return blocks;
}

/** As etcd takes them: what is on its command line wins. */
function flagsOf(words: readonly string[], variables: readonly string[]): Flags {
  return new Map([
    ...variables.flatMap((assignment): [string, string][] => {
      const flag = flagOfVariable(assignment.split('=')[0]!);
      return flag === undefined ? [] : [[flag, assignment.slice(assignment.indexOf('=') + 1)]];
    }),
    ...readArguments(words.slice(1)).found.map(({ flag, value }): [string, string] => [flag, value]),
  ]);
}

function certificatesOf(lines: readonly string[]): Map<string, Certificate[]> {
  const files = splitAt('=', lines).map(
    ([first, ...pem]) => [first!.slice(2), readCertificates(pem.join('\n'))] as const,
  );
  return new Map(files.flatMap(([path, found]) => (found?.length ? [[path, found] as const] : [])));
}
