// The tables of Quorate's own pillar keys, in Markdown, from their schema.
import { isMap } from '../../load/map.ts';
import type { Value, ValueMap } from '../../value.ts';

const HEAD = ['| key | type | default | meaning |', '| --- | --- | --- | --- |'];

/**
 * One table a section: a key with `x-section` begins one, in the order of the schema. One row a key; the keys of a map
 * below it, as `etcd_install.path`.
 */
export function makePillarTables(schema: ValueMap): string {
  return Object.entries((schema.properties ?? {}) as ValueMap)
    .flatMap(([key, property]) => {
      if (!isMap(property)) return [];
      const section = property['x-section'];
      return [...(section === undefined ? [] : ['', `## ${String(section)}`, '', ...HEAD]), ...listRows(key, property)];
    })
    .join('\n')
    .trimStart();
}

function listRows(name: string, property: ValueMap): string[] {
  const shown = property.default === undefined ? '–' : showCode(property.default);
  const meaning = `${escapeCell(String(property.description))}. For example ${showExamples(property)}.`;
  const below = Object.entries((property.properties ?? {}) as ValueMap).flatMap(([key, each]) =>
    isMap(each) ? listRows(`${name}.${key}`, each) : [],
  );
  return [`| \`${name}\` | ${showType(property)} | ${shown} | ${meaning} |`, ...below];
}

function showType({ type, enum: choice, items }: ValueMap): string {
  if (Array.isArray(choice)) return choice.map(showCode).join(', ');
  if (type === 'object') return 'map';
  if (type === 'array') return isMap(items) ? `list of ${showType(items)}s` : 'list';
  return (Array.isArray(type) ? type : [type]).join(' or ');
}

function showExamples({ examples }: ValueMap): string {
  return ((examples ?? []) as Value[]).map(showCode).join(', ');
}

function showCode(value: Value): string {
  return `\`${escapeCell(JSON.stringify(value))}\``;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
