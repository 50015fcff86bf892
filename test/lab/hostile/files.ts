// States that put every hostile value into every field that takes text, and the pillar that carries them.
import { FILE_NAMES, type Field, type HostileValue, isRefusedBy, takenBy, VALUES } from './values.ts';

/** Where everything is delivered, one file a field and value: `content.quotes`, `stdin.quotes`, … */
export const PLACE = '/srv/hostile';

const FIELDS: Field[] = ['path', 'owner', 'unit', 'word', 'env', 'sh', 'variable', 'plain'];

const items = (values: HostileValue[]) => values.map(({ name, text }) => ({ name, text }));

/** JSON is YAML too, so that no quoting of the test's own stands between a value and the pillar. */
const pillar: { [key: string]: unknown[] } = {
  all: items(VALUES),
  names: items(FILE_NAMES),
  // The values themselves are the items, so that they ask for a place in the resources' ids.
  texts: VALUES.map(({ text }) => text),
};
for (const field of FIELDS) {
  pillar[field] = items(takenBy(field));
  pillar[`no_${field}`] = items(VALUES.filter((value) => isRefusedBy(field, value)));
}

const schema = {
  type: 'object',
  properties: Object.fromEntries(
    Object.keys(pillar).map((key) => [key, { description: key, type: 'array', items: { type: ['object', 'string'] } }]),
  ),
};

function state(...resources: string[]): string {
  return `description: Hostile values.\nresources:\n${resources.join('')}`;
}

/** A resource for each item of a list; `body` is the module's part. */
function each(id: string, list: string, body: string): string {
  return `  ${id}:\n    each: pillar.${list} as item\n    require: [place]\n    ${body}\n`;
}

const file = (id: string, list: string, rest: string) =>
  each(id, list, `file.managed: { path: "${PLACE}/${id}.{{ item.name }}", ${rest} }`);

const unit = (id: string, list: string) =>
  each(
    id,
    list,
    `file.managed: { path: "/etc/systemd/system/${id}-{{ item.name }}.service", template: ${id}.service.hbs }`,
  );

function command(id: string, list: string, text: string, more = ''): string {
  const to = `${PLACE}/${id}.`;
  return each(
    id,
    list,
    `command.run:\n      command: ${text} >${to}{{plain item.name}}\n      creates: "${to}{{ item.name }}"\n${more}`,
  );
}

const directories = ['', '/named', '/deep'].map((path, at) => {
  const id = at === 0 ? 'place' : `place${path.replace('/', '-')}`;
  return `  ${id}:\n    file.directory: { path: ${PLACE}${path} }\n`;
});

export const FILES: { [path: string]: string } = {
  'pillar/schema.json': JSON.stringify(schema),
  'pillar/defaults.json': JSON.stringify(pillar),
  'states/hostile.yaml': state(
    ...directories,
    file('content', 'all', 'content: "{{ item.text }}"'),
    file('inside', 'all', 'content: "<{{ item.text }}>"'),
    file('yaml', 'all', 'document: { text: "{{ item.text }}", list: ["{{ item.text }}!"] }'),
    file('json', 'all', 'document: { text: "{{ item.text }}", list: ["{{ item.text }}!"] }, format: json'),
    file('script', 'sh', 'template: value.sh.hbs'),
    file('environment', 'env', 'template: value.env.hbs'),
    file('plain', 'plain', 'template: value.txt.hbs'),
    file('owned', 'owner', 'content: "", owner: "0"'),
    unit('word', 'word'),
    unit('unit', 'unit'),
    each(
      'named',
      'names',
      `file.managed: { path: "${PLACE}/named/{{ item.text }}", content: "{{ item.name }}" }`,
    ).replace('[place]', '[place-named]'),
    each('deep', 'names', `file.directory: { path: "${PLACE}/deep/{{ item.text }}/x", parents: true }`),
    each('id', 'texts', 'command.run: { command: "true", onlyif: "false" }'),
    command('variable', 'variable', 'printf %s "$VALUE"', '      env: { VALUE: "{{ item.text }}" }\n'),
    command('stdin', 'all', 'cat', '      stdin: "{{ item.text }}"\n'),
    command('argument', 'sh', 'printf %s {{sh item.text}}'),
  ),
  'states/value.sh.hbs': 'printf %s {{sh item.text}}\n',
  'states/value.env.hbs': 'VALUE={{env item.text}}\n',
  'states/value.txt.hbs': '{{plain item.text}}',
  'states/word.service.hbs': `[Service]
Type=oneshot
Environment=VALUE={{word item.text}}
StandardOutput=file:${PLACE}/word.{{plain item.name}}
ExecStart=/usr/bin/printf %%s {{word item.text}}
ExecStart=/bin/sh -c "printf %%s \\"$$VALUE\\" >${PLACE}/word-variable.{{plain item.name}}"
`,
  'states/unit.service.hbs': '[Unit]\nDescription={{unit item.text}}\n[Service]\nExecStart=/bin/true\n',

  // Each of these is refused before any host is asked.
  'states/no/path.yaml': state(
    ...directories,
    file('x', 'no_path', 'content: ""').replace('{{ item.name }}', '{{ item.text }}'),
  ),
  'states/no/owner.yaml': state(...directories, file('x', 'no_owner', 'content: "", owner: "{{ item.text }}"')),
  'states/no/plain.yaml': state(...directories, file('x', 'no_plain', 'template: value.txt.hbs')),
  'states/no/env.yaml': state(...directories, file('x', 'no_env', 'template: value.env.hbs')),
  'states/no/sh.yaml': state(...directories, command('x', 'no_sh', 'printf %s {{sh item.text}}')),
  'states/no/variable.yaml': state(
    ...directories,
    command('x', 'no_variable', 'true', '      env: { VALUE: "{{ item.text }}" }\n'),
  ),
  'states/no/word.yaml': state(...directories, unit('word', 'no_word')),
  'states/no/unit.yaml': state(...directories, unit('unit', 'no_unit')),
};
for (const name of ['value.txt', 'value.env', 'word.service', 'unit.service']) {
  FILES[`states/no/${name}.hbs`] = FILES[`states/${name}.hbs`]!;
}
