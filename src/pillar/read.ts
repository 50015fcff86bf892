// Reads the pillar of every host of an inventory: finds the layers, checks each, merges, checks the whole.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Host, Inventory, Source } from '../inventory/inventory.ts';
import { type Document, decodeDocument, shorten } from '../load/document.ts';
import { isMap } from '../load/map.ts';
import { explainReadError } from '../load/readable.ts';
import { dropRepeated } from '../load/repeated.ts';
import { createSchemaChecker, type SchemaChecker } from '../load/schema.ts';
import type { Path } from '../value.ts';
import { checkAgreement } from './agreement.ts';
import { type LayerFiles, listLayerFiles } from './files.ts';
import { findOrigins, type Layer } from './layer.ts';
import { checkMembers } from './members.ts';
import { mergeLayers } from './merge.ts';
import type { Pillar, PillarSet } from './pillar.ts';
import { joinSchemas, type PillarSchema, wrapSecrets } from './schema.ts';
import { listWarnings } from './warnings.ts';

export interface PillarOptions {
  /** Where the layers are; absent: the pillar is the schema's defaults. */
  directory?: string;
  inventory: Inventory;
}

/**
 * Reads the pillar of each host of the inventory. Layers, lowest first: the schema's defaults, `defaults.yaml`,
 * `clusters/NAME.yaml`, `groups/NAME.yaml` (outermost group first), `hosts/NAME.yaml`. Fails with all that is wrong in
 * any of them, each with its place.
 */
export async function readPillar({ directory, inventory }: PillarOptions): Promise<Attempt<PillarSet>> {
  const sources: Source[] = [];
  const files: Attempt<LayerFiles> =
    directory === undefined ? succeed({ layers: new Map() }) : await listLayerFiles(directory, inventory);
  if (!files.ok) return files;
  const checker = createSchemaChecker();
  const joined = await readSchema(files.value.schema, checker, sources);
  if (!joined.ok) return joined;
  const layers = await readLayers(files.value.layers, joined.value, checker, sources);
  if (!layers.ok) return layers;

  const pillars = new Map<string, Pillar>();
  const failures: Failure[] = [];
  for (const host of inventory.hosts.values()) {
    const stack = [joined.value.defaults, ...stackLayers(host, layers.value)];
    const pillar: Pillar = {
      host: host.name,
      data: wrapSecrets(joined.value.whole, mergeLayers(stack.map((layer) => layer.data))),
      origins: (path) => findOrigins(stack, path),
    };
    const wrong = checkWhole(pillar, stack, joined.value, checker);
    failures.push(...(wrong.length > 0 ? wrong : checkAgreement(pillar)));
    pillars.set(host.name, pillar);
  }
  if (failures.length === 0) failures.push(...checkMembers(inventory, pillars));
  if (failures.length > 0) return fail(...dropRepeated(failures));
  return succeed({
    sources,
    warnings: listWarnings(inventory, pillars),
    of(host) {
      const pillar = pillars.get(host);
      if (pillar === undefined) throw new Error(`no host ${host} in the inventory this pillar was read for`);
      return pillar;
    },
  });
}

async function readSchema(
  file: string | undefined,
  checker: SchemaChecker,
  sources: Source[],
): Promise<Attempt<PillarSchema>> {
  if (file === undefined) return joinSchemas(undefined);
  const own = await readSource(file, sources);
  if (!own.ok) return own;
  const failures = checker.checkSchemaItself(own.value);
  return failures.length > 0 ? fail(...failures) : joinSchemas(own.value);
}

async function readLayers(
  files: ReadonlyMap<string, string>,
  schema: PillarSchema,
  checker: SchemaChecker,
  sources: Source[],
): Promise<Attempt<Map<string, Layer>>> {
  const layers = new Map<string, Layer>();
  const failures: Failure[] = [];
  for (const [name, file] of files) {
    const document = await readSource(file, sources);
    if (!document.ok) {
      failures.push(...document.failures);
      continue;
    }
    const { data, place, written } = document.value;
    if (!isMap(data)) {
      const next = 'write KEY: VALUE';
      failures.push({ reason: 'schema', message: `${shorten(file)} must be a map of keys`, place: place([]), next });
      continue;
    }
    const layer = { name, data: wrapSecrets(schema.whole, data), place, written };
    failures.push(...checker.check({ ...layer, name: 'the pillar' }, schema.partial));
    layers.set(name, layer);
  }
  return failures.length > 0 ? fail(...failures) : succeed(layers);
}

async function readSource(file: string, sources: Source[]): Promise<Attempt<Document>> {
  try {
    const bytes = await readFile(file);
    sources.push({ file: shorten(file), sha256: createHash('sha256').update(bytes).digest('hex') });
    return decodeDocument(file, bytes);
  } catch (error) {
    return fail(explainReadError(shorten(file), error));
  }
}

/** The host's own layers, lowest first; groups in the order of the inventory's precedence. */
function stackLayers(host: Host, layers: ReadonlyMap<string, Layer>): Layer[] {
  const groups = ['all', ...(host.groups.length === 0 ? ['ungrouped'] : host.groups)];
  const names = [
    'defaults',
    ...(host.cluster === undefined ? [] : [`cluster ${host.cluster}`]),
    ...groups.map((group) => `group ${group}`),
    `host ${host.name}`,
  ];
  return names.flatMap((name) => layers.get(name) ?? []);
}

function checkWhole(pillar: Pillar, stack: Layer[], schema: PillarSchema, checker: SchemaChecker): Failure[] {
  const lowest = stack[1] ?? stack[0]!;
  function place(path: Path) {
    for (let length = path.length; length > 0; length--) {
      const origin = pillar.origins(path.slice(0, length))[0];
      if (origin !== undefined) return origin.place;
    }
    return lowest.place([]);
  }
  const failures = checker.check({ name: 'the pillar', data: pillar.data, place }, schema.whole);
  return failures.map((failure) => ({ ...failure, host: pillar.host }));
}
