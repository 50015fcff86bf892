// The table of Quorate's own pillar keys, in Markdown, from their schema.
import { isMap } from '../../load/map.ts';
import type { Value, ValueMap } from '../../value.ts';

/** One row a key, in the order of the schema; the keys of a map below it, as `etcd_install.path`. */
export function makePillarTable(schema: ValueMap): string {
  return ['| key | default | meaning |', '| --- | --- | --- |', ...listRows(schema, '')].join('\n');
}

function listRows(schema: ValueMap, above: string): string[] {
  return Object.entries((schema.properties ?? {}) as ValueMap).flatMap(([key, property]) => {
    if (!isMap(property)) return [];
    const name = `${above}${key}`;
    const shown = property.default === undefined ? '–' : showCode(property.default);
    const meaning = `${String(property.description).replaceAll('|', '\\|')}. For example ${showExamples(property)}.`;
    return [`| \`${name}\` | ${shown} | ${meaning} |`, ...listRows(property, `${name}.`)];
  });
}

function showExamples({ examples }: ValueMap): string {
  return ((examples ?? []) as Value[]).map(showCode).join(', ');
}

function showCode(value: Value): string {
  return `\`${JSON.stringify(value).replaceAll('|', '\\|')}\``;
}
