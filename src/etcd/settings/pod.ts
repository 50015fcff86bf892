// A static pod of etcd, of whatever maker: its flags and image, and the same manifest with some of them changed.
import { dump, load } from 'js-yaml';
import { isMap } from '../../load/map.ts';
import type { Value, ValueMap } from '../../value.ts';
import { flagOfVariable, readArguments, variableOfFlag } from './flags.ts';
import type { Launch, LaunchEdits, LaunchFile, Resources, Unfit } from './launch.ts';

/** Everything that is not changed stays as it is, as data: other layout and comments are lost in what is written. */
export function readPod(file: LaunchFile): Launch | Unfit {
  const pod = parse(file.text);
  const container = containerOf(pod);
  if (!container) return unfit(file, 'is no manifest of a pod with a container that runs etcd');
  const words = wordsOf(container);
  const [program = ''] = words;
  const { found, odd } = readArguments(words.slice(1));
  if (odd.length > 0) return unfit(file, `starts etcd with words that are no flags: ${odd.join(' ')}`);
  const variables = environmentOf(container);
  if (!variables) return unfit(file, 'gives etcd a variable whose value stands elsewhere');
  const flags = new Map([
    ...variables.flatMap(({ name, value }): [string, string][] => {
      const flag = flagOfVariable(name);
      return flag === undefined ? [] : [[flag, value]];
    }),
    ...found.map(({ flag, value }): [string, string] => [flag, value]),
  ]);
  const hostPath = (path: string) => findHostPath(pod as ValueMap, container, path);
  return {
    flags,
    places: new Map([...flags.keys()].map((flag) => [flag, file.path])),
    program,
    ...(typeof container.image === 'string' ? { image: container.image } : {}),
    resources: resourcesOf(container.resources),
    annotations: textsOf(metadataOf(pod).annotations),
    hostPath,
    edit: (edits) => {
      // Its volumes stay as they are: an etcd that is told another directory would find it empty, and begin there.
      const [flag, path] =
        [...edits.flags].find(([name, value]) => value && isPath(name) && hostPath(value) !== value) ?? [];
      if (flag === undefined) return [{ ...file, text: edit(file.text, edits) }];
      return {
        wrong: `--${flag}=${path} cannot be written to ${file.path}: its pod has nothing of the host there`,
        next: 'mount it there first, or let Quorate write the manifest (etcd_configuration: managed)',
      };
    },
  };
}

function parse(text: string): unknown {
  try {
    return load(text);
  } catch {
    return undefined;
  }
}

function unfit(file: LaunchFile, wrong: string): Unfit {
  return {
    wrong: `${file.path} ${wrong}`,
    next: 'start etcd with flags alone, as kubeadm does, or let Quorate write the manifest (etcd_configuration: managed)',
  };
}

/** The one whose command is etcd itself. */
function containerOf(pod: unknown): ValueMap | undefined {
  if (!isMap(pod) || !isMap(pod.spec) || !Array.isArray(pod.spec.containers)) return undefined;
  return pod.spec.containers.filter(isMap).find((each) => /(^|\/)etcd$/.test(wordsOf(each)[0] ?? ''));
}

function wordsOf({ command, args }: ValueMap): string[] {
  return [command, args].flatMap((list) => (Array.isArray(list) ? list.map(String) : []));
}

function environmentOf({ env }: ValueMap): { name: string; value: string }[] | undefined {
  if (env === undefined || env === null) return [];
  if (!Array.isArray(env) || !env.every(isMap)) return undefined;
  const named = env.map(({ name, value }) => ({ name: String(name), value }));
  const elsewhere = named.some(({ name, value }) => flagOfVariable(name) !== undefined && typeof value !== 'string');
  return elsewhere ? undefined : named.map(({ name, value }) => ({ name, value: String(value ?? '') }));
}

function metadataOf(pod: unknown): ValueMap {
  return isMap(pod) && isMap(pod.metadata) ? pod.metadata : {};
}

/** Those that name a file or a directory of the host. */
export function isPath(flag: string): boolean {
  return /^(data-dir|wal-dir|.*-file)$/.test(flag);
}

/** By the mount that is nearest to it. */
function findHostPath(pod: ValueMap, container: ValueMap, path: string): string | undefined {
  const mapsOf = (list: Value | undefined) => (Array.isArray(list) ? list.filter(isMap) : []);
  const [mount] = mapsOf(container.volumeMounts)
    .map(({ name, mountPath }) => ({ name, at: String(mountPath).replace(/\/$/, '') }))
    .filter(({ at }) => path === at || path.startsWith(`${at}/`))
    .sort((one, other) => other.at.length - one.at.length);
  const volume = mapsOf(isMap(pod.spec) ? pod.spec.volumes : undefined).find(({ name }) => name === mount?.name);
  if (!mount || !isMap(volume?.hostPath)) return undefined;
  return String(volume.hostPath.path).replace(/\/$/, '') + path.slice(mount.at.length);
}

function textsOf(map: Value | undefined): { [name: string]: string } {
  return isMap(map) ? Object.fromEntries(Object.entries(map).map(([name, value]) => [name, String(value)])) : {};
}

function resourcesOf(value: unknown): Resources {
  return isMap(value) ? { requests: textsOf(value.requests), limits: textsOf(value.limits) } : {};
}

function edit(text: string, { flags, image, resources, annotations }: LaunchEdits): string {
  const pod = load(text);
  const container = containerOf(pod)!;
  for (const [flag, value] of flags) setFlag(container, flag, value);
  if (image !== undefined) container.image = image;
  if (resources !== undefined) {
    const given = Object.entries(resources).filter(([, quantities]) => Object.keys(quantities).length > 0);
    container.resources = Object.fromEntries(given) as ValueMap;
  }
  if (annotations !== undefined) {
    const metadata = metadataOf(pod);
    (pod as ValueMap).metadata = { ...metadata, annotations: { ...textsOf(metadata.annotations), ...annotations } };
  }
  return dump(pod, { lineWidth: -1, noRefs: true });
}

/** Where it is written already, else behind the other flags. */
function setFlag(container: ValueMap, flag: string, value: string | null): void {
  const lists = ['command', 'args'].filter((name) => Array.isArray(container[name]));
  const words = wordsOf(container);
  const inCommand = Array.isArray(container.command) ? container.command.length : 0;
  const last = readArguments(words.slice(1)).found.findLast((each) => each.flag === flag);
  const env = Array.isArray(container.env) ? (container.env as ValueMap[]) : [];
  const variable = env.findLast(({ name }) => name === variableOfFlag(flag));
  if (last) {
    const at = last.at + 1;
    const written = value === null ? [] : [`--${flag}=${value}`];
    const list = (at < inCommand ? container.command : container.args) as Value[];
    list.splice(at < inCommand ? at : at - inCommand, last.words, ...written);
  } else if (variable) {
    if (value === null) container.env = env.filter((each) => each !== variable);
    else variable.value = value;
  } else if (value !== null) {
    (container[lists.at(-1)!] as Value[]).push(`--${flag}=${value}`);
  }
}
