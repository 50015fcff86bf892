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

/** The registry with the module in it, everything in the order of the names. */
export function register(registry: string, module: NewModule): string {
  const name = exportName(module);
  const line = `import { ${name} } from './${module.family}/${module.name}.ts';\n`;
  const imports = [...registry.match(/^import .*\n/gm)!, line].sort((one, other) =>
    pathOf(one) < pathOf(other) ? -1 : 1,
  );
  const members = [...registry.match(/^ {2}\w+,\n/gm)!, `  ${name},\n`].sort();
  return registry
    .replace(/(^import .*\n)+/m, () => imports.join(''))
    .replace(/(^ {2}\w+,\n)+/m, () => members.join(''));
}

function pathOf(line: string): string {
  return line.slice(line.indexOf("'"));
}
