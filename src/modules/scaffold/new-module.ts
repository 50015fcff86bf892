// `npm run new:module -- family.name`: source, table of cases, registration and page of a new module.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { moduleSource, type NewModule, register, testSource } from './templates.ts';

const root = resolve(import.meta.dirname, '../../..');

function createModule(module: NewModule): void {
  const files = {
    [`src/modules/${module.family}/${module.name}.ts`]: moduleSource(module),
    [`test/unit/modules/${module.family}/${module.name}.test.ts`]: testSource(module),
  };
  for (const file of Object.keys(files)) if (existsSync(join(root, file))) give(`${file} is already there`);

  const registry = join(root, 'src/modules/registry.ts');
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  writeFileSync(registry, register(readFileSync(registry, 'utf8'), module));
  execFileSync(process.execPath, [join(root, 'src/modules/docs/generate.ts')]);
  console.log([...Object.keys(files), 'src/modules/registry.ts', `docs/modules/${module.family}.md`].join('\n'));
}

function give(why: string): never {
  console.error(why);
  process.exit(1);
}

const match = /^([a-z][a-z0-9]*)\.([a-z][a-z0-9_]*)$/.exec(process.argv[2] ?? '');
if (match === null) {
  give(`"${process.argv[2] ?? ''}" is no module name: npm run new:module -- family.name, such as kernel.parameter`);
}
createModule({ family: match[1]!, name: match[2]! });
