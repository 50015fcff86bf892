// A family's page: what its modules do and take, in Markdown, from their schemas alone.
import { dumpDocument } from '../file/document.ts';
import type { AnyModule, ParameterProperty, ParameterSchema } from '../module.ts';

/** The pages of all families by file name, `file.md`, in the order of the names. */
export function makePages(modules: Iterable<AnyModule>): Map<string, string> {
  const families = new Map<string, AnyModule[]>();
  for (const module of [...modules].sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const [family] = module.name.split('.') as [string];
    families.set(family, [...(families.get(family) ?? []), module]);
  }
  return new Map([...families].map(([family, members]) => [`${family}.md`, makePage(family, members)]));
}

function makePage(family: string, modules: AnyModule[]): string {
  const intro = 'Made from the schemas in `src/modules/` by `npm run docs`: change it there.';
  return [`# ${family}`, intro, ...modules.map(describeModule)].join('\n\n').concat('\n');
}

function describeModule(module: AnyModule): string {
  const { schema } = module;
  const rows = Object.entries(schema.properties).map(
    ([name, property]) =>
      `| \`${name}\` | ${describeType(property)} | ${describeDefault(name, property, schema)} | ${describeMeaning(property)} |`,
  );
  const notes = [
    ...(module.reacts ? ['It reacts to what it watches (`watch`, `onchanges`).'] : []),
    ...(module.needsGuard ? ['It needs `creates`, `unless`, `onlyif`, `watch` or `onchanges`.'] : []),
  ];
  return [
    `## ${module.name}`,
    [schema.description, ...notes].join(' '),
    ['| parameter | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    ...describeExamples(module),
  ].join('\n\n');
}

function describeType({ type, enum: values }: ParameterProperty): string {
  if (Array.isArray(values)) return values.map(showCode).join(' or ');
  return type === undefined ? 'any' : [type].flat().join(' or ');
}

function describeDefault(name: string, property: ParameterProperty, schema: ParameterSchema): string {
  if (schema.required?.includes(name)) return 'required';
  return property.default === undefined ? '–' : showCode(property.default);
}

function describeMeaning(property: ParameterProperty): string {
  const examples = (property.examples ?? []).map(showCode).join(', ');
  return [
    `${property.description.replaceAll('|', '\\|')}. For example ${examples}.`,
    ...(property['x-identity'] ? ['May not depend on facts.'] : []),
    ...(property['x-sensitive'] ? ['May be secret.'] : []),
  ].join(' ');
}

function showCode(value: unknown): string {
  return `\`${JSON.stringify(value).replaceAll('|', '\\|')}\``;
}

function describeExamples({ name, schema }: AnyModule): string[] {
  const examples = (schema.examples ?? []) as unknown[];
  return examples.map((example) => {
    const text = dumpDocument({ example: { [name]: example } }, 'yaml').trimEnd();
    return `\`\`\`yaml\n${text}\n\`\`\``;
  });
}
