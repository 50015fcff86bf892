// Ansible's YAML inventory format: groups with hosts, children and vars.
// https://docs.ansible.com/ansible/latest/collections/ansible/builtin/yaml_inventory.html
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Document } from '../load/document.ts';
import type { CheckSchema } from '../load/schema.ts';
import type { Path, Value, ValueMap } from '../value.ts';
import { addGroup, addHost, addVars, type DraftSource } from './draft.ts';
import { expandRange } from './ranges.ts';

/** Adds what a YAML inventory says to the draft. Fails if it is not of that form at all. */
export function addYamlInventory(source: DraftSource, check: CheckSchema, schema: object): Attempt<void> {
  const { document } = source;
  const foreign = recogniseForeignFormat(document);
  if (foreign !== undefined) return fail(foreign);
  const failures = check(document, schema).map((failure) => explainList(failure, document));
  if (failures.length > 0) return fail(...failures);
  for (const [name, group] of Object.entries(document.data as ValueMap)) addGroupTree(source, name, [name], group);
  return succeed(undefined);
}

function addGroupTree(source: DraftSource, name: string, path: Path, body: Value): void {
  const group = addGroup(source, name, path);
  const { vars = null, children = null, hosts = null } = (body ?? {}) as ValueMap;
  addVars(source, group.vars, [...path, 'vars'], (vars ?? {}) as ValueMap);
  // Children before hosts, whatever their order in the file: so a host's variables below its group win, as in Ansible.
  for (const [child, childBody] of listEntries(children)) {
    const childPath = [...path, 'children', ...(typeof children === 'string' ? [] : [child])];
    if (!group.children.has(child)) group.children.set(child, source.document.place(childPath, 'key'));
    addGroupTree(source, child, childPath, childBody);
  }
  for (const [pattern, hostVars] of listEntries(hosts)) {
    const hostPath = [...path, 'hosts', ...(typeof hosts === 'string' ? [] : [pattern])];
    for (const hostName of expandHosts(source, pattern, hostPath)) {
      group.hosts.add(hostName);
      const host = addHost(source, hostName, hostPath);
      addVars(source, host.vars, hostPath, (hostVars ?? {}) as ValueMap);
    }
  }
}

/** A single name may stand as a plain string. */
function listEntries(value: Value): [string, Value][] {
  if (typeof value === 'string') return [[value, null]];
  return Object.entries((value ?? {}) as ValueMap);
}

function expandHosts({ draft, document }: DraftSource, pattern: string, path: Path): string[] {
  const names = expandRange(pattern);
  if (Array.isArray(names)) return names;
  draft.failures.push({
    reason: 'schema',
    message: `the host range ${JSON.stringify(pattern)} cannot be expanded: ${names.wrong}`,
    place: document.place(path, 'key'),
    next: 'write it like m[1:3], m[01:10:2] or m[a:c]',
  });
  return [];
}

/** The formats people have by mistake, each with the way to one that is read. */
function recogniseForeignFormat({ file, text, data, place }: Document): Failure | undefined {
  if (typeof data === 'object' && data !== null && 'plugin' in data) {
    return {
      reason: 'schema',
      message: `${file} configures an inventory plugin of Ansible, which only Ansible can run`,
      place: place(['plugin'], 'key'),
      next: `let Ansible list it: ansible-inventory -i ${file} --list --yaml > inventory.yaml`,
    };
  }
  return typeof data === 'string' ? explainIni(file, text) : undefined;
}

/** The failure for a file that looks like Ansible's INI inventory; undefined if it does not. */
export function explainIni(file: string, text: string): Failure | undefined {
  const lines = text.split(/\r?\n/);
  const section = lines.findIndex((line) => /^\s*\[[^\]\s]+\]\s*(#.*)?$/.test(line));
  const assignment = lines.findIndex((line) => /^[\w.-]+(\s+\w+=\S*)+\s*$/.test(line));
  const line = section >= 0 ? section : assignment;
  if (line < 0) return undefined;
  return {
    reason: 'syntax',
    message: `${file} is an INI inventory, and only YAML is read`,
    place: { file, line: line + 1, column: 1 },
    next: `convert it: ansible-inventory -i ${file} --list --yaml > inventory.yaml`,
  };
}

/** Lists are the usual mistake; Ansible wants maps. */
function explainList(failure: Failure, document: Document): Failure {
  if (!/ not a list$/.test(failure.message) || failure.place?.file !== document.file) return failure;
  return { ...failure, next: 'write each name as a key, without the dash: "m1:"' };
}
