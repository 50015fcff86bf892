// From what hosts say of an etcd that others have set up to the pillar of each, and to what cannot be taken over.
import type { ListedMember } from '../../etcd/members.ts';
import { OWN_FLAGS } from '../../etcd/own-flags.ts';
import { defaultOf, type Flags } from '../../etcd/settings/flags.ts';
import { isUnfit, type Launch, type Unfit } from '../../etcd/settings/launch.ts';
import { isPath, readPod } from '../../etcd/settings/pod.ts';
import { readUnit } from '../../etcd/settings/unit.ts';
import type { Failure } from '../../failure.ts';
import { daysUntil, formatDay, normalizeName } from '../../pki/certificate.ts';
import type { ValueMap } from '../../value.ts';
import type { SeenMaster, SeenProcess } from './parse.ts';

/** A member as inventory and pillar are to have it. */
export interface Described {
  /** As the host was called when it was asked. */
  host: string;
  /** That of its member. */
  name: string;
  /** Where its peers reach it. */
  address: string;
  pillar: ValueMap;
}

export interface Description {
  members: Described[];
  /** What the operator should know, each once. */
  notes: string[];
  /** With one of these nothing is to be written. */
  failures: Failure[];
}

/** `seen`: by host. All members of one cluster have to be among them. */
export function describeCluster(seen: ReadonlyMap<string, SeenMaster>): Description {
  const notes = new Map<string, string[]>();
  const failures: Failure[] = [];
  const members: (Described & { process: SeenProcess })[] = [];
  for (const [host, master] of seen) {
    const note = (text: string) => notes.set(text, [...(notes.get(text) ?? []), host]);
    const described = describeMaster(host, master, note);
    if ('failures' in described) failures.push(...described.failures);
    else members.push(described);
  }
  if (failures.length === 0) failures.push(...checkWhole(members));
  return {
    members: members.map(({ process: _, ...member }) => member),
    notes: [...notes].map(([text, hosts]) => `${hosts.join(', ')}: ${text}`),
    failures,
  };
}

type Note = (text: string) => void;

function describeMaster(
  host: string,
  master: SeenMaster,
  note: Note,
): (Described & { process: SeenProcess }) | { failures: Failure[] } {
  const refuse = (message: string, next: string) => ({ failures: [refusal(host, message, next)] });
  const found = findLaunch(master);
  if (isUnfit(found)) return refuse(found.wrong, found.next);
  const { process, launch, runtime, file } = found;
  for (const other of master.processes.filter((each) => each !== process)) {
    const directory = other.flags.get('data-dir') ?? '?';
    note(`another etcd (pid ${other.pid}, data in ${directory}) is not taken over`);
  }
  const wrong = [...refuseFlags(launch), ...refuseCertificates(master, launch)];
  if (wrong.length > 0) return { failures: wrong.map(({ wrong: message, next }) => refusal(host, message, next)) };
  const member = findMember(process, launch.flags);
  if (isUnfit(member)) return refuse(member.wrong, member.next);
  const address = hostOf(member.peerUrls[0]!);
  const names = refuseNames(master, launch, address);
  if (names) return refuse(names.wrong, names.next);
  for (const [flag, value] of process.flags) {
    if (launch.flags.get(flag) === value) continue;
    note(
      `etcd runs with --${flag}=${value}, but ${launch.places.get(flag) ?? file} says ${launch.flags.get(flag) ?? 'nothing of it'}, which is taken over: it holds from etcd's next start on`,
    );
  }
  noteCertificates(master, note);
  note(
    "should its data be lost, etcd would start empty: only a manifest or unit of Quorate's own prevents that (etcd_configuration: managed)",
  );
  return {
    host,
    name: member.name,
    address,
    process,
    pillar: { ...launchPillar(launch, process, runtime), ...hostPillar(master, runtime) },
  };
}

type Runtime = 'static_pod' | 'systemd';

interface Found {
  process: SeenProcess;
  launch: Launch;
  runtime: Runtime;
  file: string;
}

function findLaunch({ processes, manifest: [manifest], unit }: SeenMaster): Found | Unfit {
  if (processes.length === 0)
    return { wrong: 'no etcd runs here', next: 'start it first, or take the host out of the target' };
  const dataOf = (launch: Launch | Unfit) => (isUnfit(launch) ? undefined : launch.flags.get('data-dir'));
  const inPods = processes.filter(({ pod }) => pod !== undefined);
  if (inPods.length > 0) {
    if (!manifest) {
      return {
        wrong: `etcd (pid ${inPods[0]!.pid}) runs in a pod, and its manifest is not etcd.yaml in the kubelet's directory of static pods`,
        next: 'call the manifest etcd.yaml, as kubeadm does',
      };
    }
    const launch = readPod(manifest);
    const process = inPods.find(({ flags }) => flags.get('data-dir') === dataOf(launch)) ?? inPods[0]!;
    return isUnfit(launch) ? launch : { process, launch, runtime: 'static_pod', file: manifest.path };
  }
  const process = processes.find(({ unit: name }) => name === 'etcd.service');
  if (process) {
    const launch = readUnit('etcd', unit);
    return isUnfit(launch) ? launch : { process, launch, runtime: 'systemd', file: unit[0]!.path };
  }
  const [{ pid, unit: name }] = processes as [SeenProcess];
  return {
    wrong: `etcd (pid ${pid}) runs ${name === undefined ? 'under nothing that starts it again' : `in the unit ${name}`}, and neither in a static pod nor in etcd.service`,
    next: 'let the kubelet run it from etcd.yaml, or systemd as etcd.service, one member after another',
  };
}

const CERTIFICATES: { [flag: string]: string } = {
  'cert-file': 'server.crt',
  'key-file': 'server.key',
  'trusted-ca-file': 'ca.crt',
  'peer-cert-file': 'peer.crt',
  'peer-key-file': 'peer.key',
  'peer-trusted-ca-file': 'ca.crt',
};

/** Flags that the pillar has a key for, or that a cluster which is there has no use for any more. */
const TAKEN = new Set([
  ...['name', 'data-dir', 'wal-dir', 'heartbeat-interval', 'election-timeout', 'quota-backend-bytes', 'snapshot-count'],
  ...['listen-client-urls', 'advertise-client-urls', 'listen-peer-urls', 'listen-metrics-urls'],
  ...['initial-advertise-peer-urls', 'initial-cluster', 'initial-cluster-state', 'initial-cluster-token'],
  ...['client-cert-auth', 'peer-client-cert-auth'],
  ...Object.keys(CERTIFICATES),
]);

function refuseFlags({ flags, places, hostPath }: Launch): Unfit[] {
  const at = (flag: string) => `--${flag}=${flags.get(flag)} in ${places.get(flag)}`;
  return [
    ...[...flags].flatMap(([flag, path]): Unfit[] => {
      if (!hostPath || !isPath(flag) || flag === 'config-file' || !path.startsWith('/')) return [];
      const there = hostPath(path);
      if (there === path) return [];
      const wrong = `${at(flag)} is ${there === undefined ? 'nothing' : there} on the host`;
      return [{ wrong, next: 'mount it at the path that it has on the host, as kubeadm does' }];
    }),
    ...[...flags.keys()].flatMap((flag): Unfit[] => {
      const instead = TAKEN.has(flag) ? undefined : OWN_FLAGS[flag];
      return instead === undefined
        ? []
        : [{ wrong: `${at(flag)} cannot be taken over`, next: `start etcd without it: ${instead}` }];
    }),
    ...['client-cert-auth', 'peer-client-cert-auth'].flatMap((flag): Unfit[] =>
      flags.get(flag) === 'true'
        ? []
        : [
            {
              wrong: `etcd asks ${flag.startsWith('peer') ? 'its peers' : 'its clients'} for no certificate (--${flag})`,
              next: 'give the cluster TLS with client certificates first',
            },
          ],
    ),
    ...(flags.get('data-dir')?.startsWith('/')
      ? []
      : [{ wrong: 'etcd is told no absolute --data-dir', next: 'write it out' }]),
    ...['listen-client-urls', 'listen-peer-urls', 'advertise-client-urls']
      .filter((flag) => !/^https:\/\/[^,/]*:\d+/.test(flags.get(flag) ?? ''))
      .map((flag) => ({ wrong: `--${flag} names no https URL with a port`, next: 'write it out' })),
  ];
}

function refuseCertificates({ certificates }: SeenMaster, { flags, places }: Launch): Unfit[] {
  const directory = directoryOf(flags);
  const elsewhere = Object.entries(CERTIFICATES).find(([flag, name]) => flags.get(flag) !== `${directory}/${name}`);
  if (elsewhere) {
    const [flag, name] = elsewhere;
    return [
      {
        wrong: `--${flag}=${flags.get(flag) ?? ''} in ${places.get(flag) ?? 'nothing'} is not ${directory}/${name}: the certificates do not have kubeadm's names in one directory`,
        next: 'give them those names (server, peer, healthcheck-client and ca; docs/pki.md), one member after another',
      },
    ];
  }
  return ['ca', 'server', 'peer', 'healthcheck-client']
    .filter((name) => !certificates.has(`${directory}/${name}.crt`))
    .map((name) => ({
      wrong: `there is no certificate in ${directory}/${name}.crt`,
      next:
        name === 'healthcheck-client'
          ? 'make it: kubeadm init phase certs etcd-healthcheck-client, or another client certificate of the same CA'
          : 'look at the file',
    }));
}

function refuseNames({ certificates }: SeenMaster, { flags }: Launch, address: string): Unfit | undefined {
  for (const [name, needed] of [
    ['server', [address, '127.0.0.1']],
    ['peer', [address]],
  ] as const) {
    const path = `${directoryOf(flags)}/${name}.crt`;
    const [leaf] = certificates.get(path)!;
    const lacks = needed.filter((each) => !leaf!.names.includes(normalizeName(each)));
    if (lacks.length === 0) continue;
    return {
      wrong: `${path} is not for ${lacks.join(', ')}`,
      next: 'have it made anew with that name; etcd reads it without a restart',
    };
  }
  return undefined;
}

/** What is soon at its end, and who keeps the CA's key where etcd is. */
function noteCertificates({ certificates }: SeenMaster, note: Note): void {
  const [ends] = [...certificates]
    .map(([path, [leaf]]) => ({ path, notAfter: leaf!.notAfter }))
    .sort((one, other) => one.notAfter - other.notAfter);
  if (ends)
    note(
      `${ends.path} is the first certificate to end, on ${formatDay(ends.notAfter)} (in ${daysUntil(ends.notAfter, Date.now())} d); they stay adopted, so nothing here renews them`,
    );
}

function findMember({ lack, said, list }: SeenProcess, flags: Flags): ListedMember | Unfit {
  const name = flags.get('name') ?? defaultOf('name', undefined)!;
  if (lack === 'etcdctl') {
    return {
      wrong: 'there is no etcdctl to ask etcd with',
      next: "put the one of etcd's version beside etcd, or into PATH",
    };
  }
  if (lack !== undefined) return { wrong: `etcd cannot be asked: there is no ${lack}`, next: 'bring it back' };
  if (!list)
    return {
      wrong: `etcd does not say who its members are${said === undefined ? '' : `: ${said}`}`,
      next: 'bring the cluster back first: it has to serve',
    };
  const own = list.find((member) => member.name === name);
  if (!own) return { wrong: `the cluster has no member called ${name}`, next: 'look at --name' };
  if (own.learner) return { wrong: `${name} is a learner, and has no vote yet`, next: 'promote or remove it first' };
  if (own.peerUrls.length === 1 && own.peerUrls[0]!.startsWith('https://')) return own;
  return {
    wrong: `${name} has the peer URLs ${own.peerUrls.join(', ')}, and one of https is expected`,
    next: 'etcdctl member update',
  };
}

function launchPillar(
  { flags, image, resources, program }: Launch,
  { status }: SeenProcess,
  runtime: Runtime,
): ValueMap {
  const version = status?.version ?? '';
  const number = (flag: string) => Number(flags.get(flag) ?? defaultOf(flag, version));
  const further = [...flags].filter(([flag]) => !TAKEN.has(flag));
  const metrics = portOf(flags.get('listen-metrics-urls'));
  return {
    etcd_runtime: runtime,
    etcd_configuration: 'adopted',
    etcd_pki: 'adopted',
    etcd_version: version,
    ...(runtime === 'static_pod'
      ? { ...imagePillar(image ?? '', version), etcd_resources: resourcesPillar(resources) }
      : {}),
    ...(runtime === 'systemd' ? { etcd_bin_dir: parentOf(program) } : {}),
    etcd_data_dir: flags.get('data-dir')!,
    ...(flags.has('wal-dir') ? { etcd_wal_dir: flags.get('wal-dir')! } : {}),
    etcd_pki_dir: directoryOf(flags),
    etcd_client_port: portOf(flags.get('advertise-client-urls'))!,
    etcd_peer_port: portOf(flags.get('listen-peer-urls'))!,
    ...(metrics === undefined ? {} : { etcd_metrics_port: metrics }),
    etcd_heartbeat_interval: number('heartbeat-interval'),
    etcd_election_timeout: number('election-timeout'),
    etcd_quota_backend_bytes: number('quota-backend-bytes'),
    etcd_snapshot_count: number('snapshot-count'),
    ...(further.length > 0 ? { etcd_extra_args: Object.fromEntries(further) } : {}),
  };
}

function hostPillar(master: SeenMaster, runtime: Runtime): ValueMap {
  const client = [...master.certificates.keys()].find((path) => path.endsWith('/apiserver-etcd-client.crt'));
  return {
    ...(client === undefined ? {} : { kubernetes_pki_dir: parentOf(client) }),
    ...(runtime === 'static_pod' ? { etcd_manifest_dir: master.manifestDir } : {}),
    ...(runtime === 'static_pod' && master.kubelet !== undefined ? { kubelet_service: master.kubelet } : {}),
    ...(master.static.includes('kube-apiserver.yaml') ? { control_plane: 'kubeadm' } : {}),
  };
}

/** REPOSITORY/etcd:VERSION-0 is what the pillar makes of its repository. */
function imagePillar(image: string, version: string): ValueMap {
  const usual = `/etcd:${version}-0`;
  return image.endsWith(usual) ? { image_repository: image.slice(0, -usual.length) } : { etcd_image: image };
}

/** The defaults of the pillar are there under it: what is not given has to be taken away. */
function resourcesPillar(resources: Launch['resources']): ValueMap {
  const { requests = {}, limits = {} } = resources ?? {};
  return {
    requests: { cpu: null, memory: null, ...requests },
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
  };
}

/** The clusters of all hosts are one, and all its members are among them. */
function checkWhole(members: readonly (Described & { process: SeenProcess })[]): Failure[] {
  const [first] = members;
  if (!first) return [];
  const ids = members.map(({ host, process }) => ({ host, id: process.status?.clusterId }));
  const other = ids.find(({ id }) => id !== ids[0]!.id);
  if (other) {
    const message = `its member is of cluster ${other.id}, and that of ${first.host} of cluster ${ids[0]!.id}`;
    return [refusal(other.host, message, 'take the hosts of one cluster at a time')];
  }
  return first.process
    .list!.filter(({ id }) => !members.some(({ process }) => process.status?.memberId === id))
    .map(({ name, id, peerUrls }) =>
      refusal(
        first.host,
        `the cluster has the member ${name || id} at ${peerUrls.join(' ')}, whose host is not among those that were asked`,
        'add its host to the target; or remove the member, if it is gone for good',
      ),
    );
}

function refusal(host: string, message: string, next: string): Failure {
  return { reason: 'guard', host, message, next };
}

function directoryOf(flags: Flags): string {
  return parentOf(flags.get('cert-file') ?? '');
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Of the first URL. */
function portOf(urls: string | undefined): number | undefined {
  const port = /^https?:\/\/[^,/]*:(\d+)/.exec(urls ?? '')?.[1];
  return port === undefined ? undefined : Number(port);
}

function hostOf(url: string): string {
  const [, six, host] = /^https:\/\/(?:\[([^\]]+)\]|([^:/]+))/.exec(url) ?? [];
  return six ?? host ?? '';
}
