// Reads an inventory: a YAML file, an executable, or a directory of both.
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import inventorySchema from '../../schemas/inventory.schema.json' with { type: 'json' };
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import { decodeDocument, shorten } from '../load/document.ts';
import { explainReadError } from '../load/readable.ts';
import { type CheckSchema, createSchemaChecker } from '../load/schema.ts';
import { createDraft, type Draft } from './draft.ts';
import { addDynamicInventory, runInventory } from './dynamic.ts';
import type { Inventory, Source } from './inventory.ts';
import { resolveDraft } from './resolve.ts';
import { addYamlInventory, explainIni } from './yaml.ts';

const YAML_EXTENSIONS = ['.yaml', '.yml', '.json'];

/**
 * Reads the inventory at `path`: a file in Ansible's YAML format, an executable that prints its JSON format for
 * `--list`, or a directory, whose YAML files and executables are merged in the order of their names.
 * `group_vars` and `host_vars` directories are not read: data that parametrises states is the pillar's.
 */
export async function readInventory(path: string): Promise<Attempt<Inventory>> {
  const files = await listFiles(path);
  if (!files.ok) return files;
  const { check } = createSchemaChecker();
  const draft = createDraft();
  const failures: Failure[] = [];
  const sources: Source[] = [];
  for (const [index, file] of files.value.entries()) {
    const added = await addFile({ draft, index, file, check });
    if (added.ok) sources.push(added.value);
    else failures.push(...added.failures);
  }
  if (failures.length > 0) return fail(...failures, ...draft.failures);
  const resolved = resolveDraft(draft);
  if (!resolved.ok) return resolved;
  if (resolved.value.hosts.size === 0) {
    return fail({
      reason: 'schema',
      message: `the inventory ${shorten(path)} names no host`,
      next: 'see inventory/example.yaml',
    });
  }
  return succeed({ ...resolved.value, sources });
}

interface InventoryFile {
  draft: Draft;
  index: number;
  file: string;
  check: CheckSchema;
}

async function addFile({ draft, index, file, check }: InventoryFile): Promise<Attempt<Source>> {
  let bytes: Uint8Array;
  let executable: boolean;
  try {
    bytes = await readFile(file);
    executable = isExecutable(await stat(file));
  } catch (error) {
    return fail(explainReadError(shorten(file), error));
  }
  if (executable) {
    if (!isProgram(bytes)) return fail(explainExecutableBit(file));
    const printed = await runInventory(shorten(file));
    if (!printed.ok) return printed;
    bytes = printed.value;
  }
  const parsed = decodeDocument(executable ? `${file} --list` : file, bytes);
  if (!parsed.ok) return explainForeign(file, bytes) ?? parsed;
  const source = { draft, document: parsed.value, index };
  const added = executable ? addDynamicInventory(source) : addYamlInventory(source, check, inventorySchema);
  if (!added.ok) return added;
  return succeed({ file: shorten(file), sha256: createHash('sha256').update(bytes).digest('hex') });
}

async function listFiles(path: string): Promise<Attempt<string[]>> {
  try {
    if (!(await stat(path)).isDirectory()) return succeed([path]);
    const files: string[] = [];
    for (const name of (await readdir(path)).sort()) {
      const file = join(path, name);
      if (name.startsWith('.') || name.endsWith('~')) continue;
      const stats = await stat(file);
      if (stats.isFile() && (YAML_EXTENSIONS.includes(extname(name)) || isExecutable(stats))) files.push(file);
    }
    if (files.length > 0) return succeed(files);
    const message = `the inventory directory ${shorten(path)} holds no .yaml, .yml or .json file and no executable`;
    return fail({ reason: 'unreadable', message, next: 'see inventory/example.yaml' });
  } catch (error) {
    return fail(explainReadError(shorten(path), error));
  }
}

function isExecutable(stats: Stats): boolean {
  return (stats.mode & 0o111) !== 0;
}

/** A script with an interpreter, or a binary: never a YAML file that some file system shows as executable. */
function isProgram(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  return start.startsWith('#!') || start === '\x7fELF' || start.startsWith('\xcf\xfa\xed\xfe');
}

function explainExecutableBit(file: string): Failure {
  return {
    reason: 'unreadable',
    message: `${shorten(file)} is executable, but is neither a script (no #! line) nor a binary`,
    place: { file: shorten(file), line: 1, column: 1 },
    next: `chmod a-x ${shorten(file)} if it is YAML, else give it a #! line`,
  };
}

/** An INI inventory is seldom YAML at all: say what it is instead of where YAML stumbled. */
function explainForeign(file: string, bytes: Uint8Array): Attempt<never> | undefined {
  if (YAML_EXTENSIONS.includes(extname(file))) return undefined;
  const failure = explainIni(shorten(file), new TextDecoder().decode(bytes));
  return failure === undefined ? undefined : fail(failure);
}
