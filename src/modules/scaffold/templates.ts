// What a new module starts from: it works, and its author replaces it piece by piece.

export interface NewModule {
  family: string;
  name: string;
}

/** `file.managed` → `fileManaged`: what the module's file exports. */
export function exportName({ family, name }: NewModule): string {
  return family + name.replace(/(?:^|_)([a-z])/g, (_match, letter: string) => letter.toUpperCase());
}

export function moduleSource(module: NewModule): string {
  const { family, name } = module;
  return `// ${family}.${name}: an empty file, until you say what it is to be.
import { quote } from '../../shell/quote.ts';
import type { Module } from '../module.ts';

type Id = { path: string };
type Seen = { present: boolean };

export const ${exportName(module)}: Module<Id, Id, Seen> = {
  name: '${family}.${name}',
  schema: {
    type: 'object',
    description: 'What this module sees to, and what it never does.',
    properties: {
      path: {
        type: 'string',
        pattern: '^/',
        description: 'What it is about. Absolute',
        examples: ['/run/example'],
        'x-identity': true,
      },
    },
    required: ['path'],
    additionalProperties: false,
    examples: [{ path: '/run/example' }],
  },
  claims: ({ path }) => \`file:\${path}\`,
  read: ({ path }) => \`if [ -e \${quote(path)} ]; then echo present; else echo absent; fi\`,
  parse: ({ stdout }) => ({ present: new TextDecoder().decode(stdout) === 'present\\n' }),
  diff: (_want, seen) => (seen.present ? [] : [{ path: 'exists', before: null, after: 'an empty file' }]),
  expect: () => ({ present: true }),
  fingerprint: ({ present }) => (present ? 'present' : 'absent'),
  write: ({ path }) => ({ script: \`: >>\${quote(path)}\` }),
};
`;
}

export function testSource(module: NewModule): string {
  const { family, name } = module;
  return `import { ${exportName(module)} } from '../../../../src/modules/${family}/${name}.ts';
import { describeCases } from '../cases.ts';

describeCases(${exportName(module)}, [
  {
    it: 'is converged when it is there',
    want: { path: '/run/example' },
    observed: 'present\\n',
  },
  {
    it: 'makes it when it is not there',
    want: { path: '/run/example' },
    observed: 'absent\\n',
    changes: [{ path: 'exists', before: null, after: 'an empty file' }],
    script: ": >>'/run/example'",
  },
]);
`;
}

/** The registry with the module in it, in the order of the names. */
export function register(registry: string, module: NewModule): string {
  const { family, name } = module;
  const line = `  '${family}.${name}': async () => (await import('./${family}/${name}.ts')).${exportName(module)},\n`;
  const members = /(^ {2}'\w+\.\w+': .*\n)+/m;
  return registry.replace(members, (known) => [...known.match(/^.*\n/gm)!, line].sort().join(''));
}
