// Which file is which layer of the pillar, and whether every file is one.
import { readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { shorten } from '../load/document.ts';
import { findNearest, suggest } from '../load/nearest.ts';
import { explainReadError } from '../load/readable.ts';

export interface LayerFiles {
  /** `schema.yaml` or `schema.json`. */
  schema?: string;
  /** Layer name (`defaults`, `cluster main`, `group masters`, `host m1`) → file. */
  layers: Map<string, string>;
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];
const FOLDERS = { clusters: 'cluster', groups: 'group', hosts: 'host' } as const;
type Folder = keyof typeof FOLDERS;

/** Lists the layers in `directory`; a file that is none of them, or names nobody in the inventory, is a failure. */
export async function listLayerFiles(directory: string, inventory: Inventory): Promise<Attempt<LayerFiles>> {
  const failures: Failure[] = [];
  const found: LayerFiles = { layers: new Map() };
  const top = await listNames(directory);
  if (!top.ok) return top;
  const schemas = new Map<string, string>();
  for (const { name, folder } of top.value) {
    const path = join(directory, name);
    const { name: stem, ext } = parse(name);
    if (folder) {
      if (name in FOLDERS) await addFolder(name as Folder);
      else refuseMisspelt(name, path, Object.keys(FOLDERS));
    } else if (EXTENSIONS.includes(ext)) {
      if (stem === 'defaults') addOnce(found.layers, 'defaults', path);
      else if (stem === 'schema') addOnce(schemas, 'schema', path);
      else refuse(path, `${shorten(path)} is no layer of the pillar`, suggest(name, ['defaults.yaml', 'schema.yaml']));
    } else refuseMisspelt(name, path, ['defaults.yaml', 'schema.yaml', 'schema.json']);
  }
  if (failures.length > 0) return fail(...failures);
  const schema = schemas.get('schema');
  return succeed({ ...found, ...(schema === undefined ? {} : { schema }) });

  async function addFolder(folder: Folder): Promise<void> {
    const kind = FOLDERS[folder];
    const names = await listNames(join(directory, folder));
    if (!names.ok) return void failures.push(...names.failures);
    const known = [...inventory[folder].keys()];
    for (const { name } of names.value) {
      const path = join(directory, folder, name);
      const { name: stem, ext } = parse(name);
      if (!EXTENSIONS.includes(ext)) {
        if (ext !== '.md')
          refuse(path, `${shorten(path)} is no layer of the pillar`, `layers end in ${EXTENSIONS.join(', ')}`);
      } else if (known.includes(stem)) addOnce(found.layers, `${kind} ${stem}`, path);
      else refuse(path, `${shorten(path)} is for nobody: the inventory has no ${kind} "${stem}"`, suggest(stem, known));
    }
  }

  function addOnce(into: Map<string, string>, layer: string, path: string): void {
    const earlier = into.get(layer);
    if (earlier === undefined) return void into.set(layer, path);
    const message = `${shorten(earlier)} and ${shorten(path)} are the same layer`;
    failures.push({ reason: 'duplicate', message, place: placeOf(path), next: 'keep one of the two' });
  }

  function refuse(path: string, message: string, next: string): void {
    failures.push({ reason: 'unknown', message, place: placeOf(path), next });
  }

  /** Other things may lie here (secrets, a README), but not what was probably meant to be a layer. */
  function refuseMisspelt(name: string, path: string, known: string[]): void {
    const nearest = findNearest(name, known);
    if (nearest !== undefined) refuse(path, `${shorten(path)} is no layer of the pillar`, `did you mean ${nearest}?`);
  }
}

function placeOf(path: string) {
  return { file: shorten(path), line: 1, column: 1 };
}

/** In the order of their names, without hidden files and editors' backups. */
async function listNames(directory: string): Promise<Attempt<{ name: string; folder: boolean }[]>> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const names = entries.map((entry) => ({ name: entry.name, folder: entry.isDirectory() }));
    const kept = names.filter(({ name }) => !name.startsWith('.') && !name.endsWith('~'));
    return succeed(kept.sort((a, b) => (a.name < b.name ? -1 : 1)));
  } catch (error) {
    const failure = explainReadError(`the pillar directory ${shorten(directory)}`, error);
    return fail(failure);
  }
}
