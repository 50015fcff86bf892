// Values that mean something to every language on their way: to YAML, Handlebars, sh, systemd, JSON, terminals.

export type Field = 'path' | 'owner' | 'unit' | 'word' | 'env' | 'sh' | 'variable' | 'plain';

export interface HostileValue {
  name: string;
  text: string;
  /** Fields that cannot hold it, so that it has to be refused there. All others have to deliver it byte for byte. */
  refusedBy: Field[];
}

/** Touches `name` wherever it is executed: relative, absolute, in a subshell or not. */
const canaries = (name: string) =>
  `$(touch canary-${name}; touch /canary-${name}) \`touch /canary-${name}\`; touch /canary-${name} | touch /canary-${name} &`;

const LONG = 64 * 1024;

export const VALUES: HostileValue[] = [
  { name: 'quotes', text: `it's "quoted" '"' \\ \\' \\" back\\slash`, refusedBy: ['plain'] },
  { name: 'command', text: canaries('command'), refusedBy: ['plain'] },
  { name: 'quoted-command', text: `'${canaries('single')}'"${canaries('double')}"`, refusedBy: ['plain'] },
  { name: 'newlines', text: `one\n\n${canaries('line')}\r\ntwo\n`, refusedBy: ['path', 'unit', 'env', 'plain'] },
  { name: 'ending', text: 'ends in a line end\n', refusedBy: ['unit', 'plain'] },
  {
    name: 'setting',
    text: 'x\nExecStartPre=/usr/bin/touch /canary-unit\n[Service]',
    refusedBy: ['path', 'unit', 'plain'],
  },
  { name: 'variable', text: 'x\nVALUE=other; touch /canary-env\n', refusedBy: ['path', 'unit', 'plain'] },
  { name: 'braces', text: '{{ pillar.values }} {{{host}}} {{#if}} \\{{x}} {{sh "x"}} }}', refusedBy: ['plain'] },
  { name: 'dash', text: '-rf --help', refusedBy: ['plain'] },
  { name: 'dashes', text: '--', refusedBy: [] },
  {
    name: 'controls',
    text: '\u0001\u0007\b\t\u001b[31mred\u001b]0;title\u0007\u007f\u000b',
    refusedBy: ['unit', 'env', 'plain'],
  },
  { name: 'unicode', text: 'žluťoučký 日本語 🦊 e\u0301 \ufeff \u202e\u2028\u0085 \u200b', refusedBy: ['plain'] },
  {
    name: 'expansions',
    text: `%n %H %% $HOME \${PATH} $$ $1 * ? [a-z] ~ !! \\x41 \\n \\`,
    refusedBy: ['unit', 'plain'],
  },
  { name: 'yaml', text: '- a: &b !!python/object *b\n  no: 0644 # "x\'\n...\n---\n', refusedBy: ['unit', 'plain'] },
  { name: 'number', text: '0644', refusedBy: [] },
  { name: 'boolean', text: 'no', refusedBy: [] },
  { name: 'null', text: 'null', refusedBy: [] },
  { name: 'spaces', text: '  spaces around  ', refusedBy: ['unit', 'plain'] },
  { name: 'json', text: '{"a":["</script>\\u0000",null]}', refusedBy: ['plain'] },
  { name: 'long', text: `'"$(touch /canary-long)\\${'é'.repeat(LONG / 2)}`, refusedBy: ['plain'] },
  { name: 'nul', text: 'a\0b', refusedBy: ['path', 'unit', 'word', 'env', 'sh', 'variable', 'plain'] },
];

/** A file can be called all of this. */
export const FILE_NAMES = VALUES.filter(({ text }) => !/[/\0]/.test(text));

/** What is a name or a number may own a file; nothing else may. */
const OWNERS = ['number', 'boolean', 'null'];

export function isRefusedBy(field: Field, { name, refusedBy }: HostileValue): boolean {
  return field === 'owner' ? !OWNERS.includes(name) : refusedBy.includes(field);
}

export function takenBy(field: Field): HostileValue[] {
  return VALUES.filter((value) => !isRefusedBy(field, value));
}
