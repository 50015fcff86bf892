// An executable inventory: run with --list, it prints JSON.
// https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html#developing-inventory-scripts
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { type Attempt, type Failure, fail, type Place, succeed } from '../failure.ts';
import { isMap } from '../load/map.ts';
import { suggest } from '../load/nearest.ts';
import type { Path, Value } from '../value.ts';
import { addGroup, addHost, addVars, type DraftSource } from './draft.ts';

const MAX_BYTES = 16 * 1024 * 1024;
const STDERR_SHOWN = 500;

/** What `FILE --list` prints. It gets 10 seconds (`limit`, milliseconds), then it and its children are ended. */
export function runInventory(file: string, limit = 10_000): Promise<Attempt<Uint8Array>> {
  const place: Place = { file, line: 1, column: 1 };
  const next = `run it yourself: ${resolve(file)} --list`;
  return new Promise((settle) => {
    // A process group of its own, so that what the script started ends with it.
    const child = spawn(resolve(file), ['--list'], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let size = 0;
    let stderr = '';
    const timer = setTimeout(() => stop(`did not end within ${limit / 1000} seconds`), limit);

    function finish(result: Attempt<Uint8Array>): void {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      settle(result);
    }
    function stop(why: string): void {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has just ended by itself.
      }
      finish(fail(explain(why)));
    }
    function explain(why: string): Failure {
      const said = stderr.trim() === '' ? '' : `; it said: ${stderr.trim()}`;
      return { reason: 'unreadable', message: `the inventory program ${file} ${why}${said}`, place, next };
    }

    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_BYTES) stop('printed more than 16 MiB');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString('utf8')}`.slice(-STDERR_SHOWN);
    });
    child.on('error', (error) => finish(fail(explain(`cannot be run (${error.message})`))));
    child.on('close', (status, signal) => {
      if (status === 0) finish(succeed(Buffer.concat(chunks)));
      else finish(fail(explain(signal === null ? `ended with status ${status}` : `was ended by ${signal}`)));
    });
  });
}

/** Adds what a dynamic inventory printed to the draft. */
export function addDynamicInventory(source: DraftSource): Attempt<void> {
  const { document } = source;
  const { data } = document;
  const failures: Failure[] = [];
  if (!isMap(data)) return fail(refuse([], 'an inventory program must print a JSON map of groups'));
  const { _meta: meta, ...groups } = data;
  if (!isMap(meta) || !isMap(meta.hostvars)) {
    return fail(refuse(['_meta'], 'the inventory program prints no _meta.hostvars', 'print "_meta": {"hostvars": {}}'));
  }
  for (const [name, body] of Object.entries(groups)) addDynamicGroup(name, body);
  for (const [name, vars] of Object.entries(meta.hostvars)) {
    const path = ['_meta', 'hostvars', name];
    if (!isMap(vars)) failures.push(refuse(path, `the variables of ${name} must be a map`));
    else addVars(source, addHost(source, name, path).vars, path, vars);
  }
  return failures.length > 0 ? fail(...failures) : succeed(undefined);

  function addDynamicGroup(name: string, body: Value): void {
    const group = addGroup(source, name, [name]);
    const sections = isMap(body) ? body : {};
    if (Array.isArray(body)) addNames([name], body, addMember);
    else if (!isMap(body)) failures.push(refuse([name], `the group ${name} must be a map or a list of hosts`));
    for (const [key, value] of Object.entries(sections)) {
      const path = [name, key];
      if (key === 'hosts') addNames(path, value, addMember);
      else if (key === 'children') addNames(path, value, addChild);
      else if (key !== 'vars') {
        const next = suggest(key, ['hosts', 'children', 'vars']);
        failures.push({ ...refuse(path, `unknown key "${key}" in ${name}`, next, 'key'), reason: 'unknown' });
      } else if (isMap(value)) addVars(source, group.vars, path, value);
      else failures.push(refuse(path, `the vars of ${name} must be a map`));
    }

    function addMember(host: string, path: Path): void {
      group.hosts.add(host);
      addHost(source, host, path);
    }
    function addChild(child: string, path: Path): void {
      addGroup(source, child, path);
      if (!group.children.has(child)) group.children.set(child, document.place(path));
    }
  }

  function addNames(path: Path, value: Value, add: (name: string, path: Path) => void): void {
    if (!Array.isArray(value)) failures.push(refuse(path, `${path.join('.')} must be a list of names`));
    for (const [index, name] of (Array.isArray(value) ? value : []).entries()) {
      if (typeof name === 'string') add(name, [...path, index]);
      else failures.push(refuse([...path, index], 'a name must be a string'));
    }
  }

  function refuse(path: Path, message: string, next?: string, at: 'key' | 'value' = 'value'): Failure {
    return {
      reason: 'schema',
      message,
      place: document.place(path, at),
      next: next ?? 'print {"GROUP": {"hosts": [], "children": [], "vars": {}}, "_meta": {"hostvars": {}}}',
    };
  }
}
