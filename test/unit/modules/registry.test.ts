import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { checkSchema } from '../../../src/load/schema.ts';
import { loadModules } from '../../../src/modules/registry.ts';
import type { ValueMap } from '../../../src/value.ts';

const modules = await loadModules();
const place = () => ({ file: 'states/x.yaml', line: 1, column: 1 });
const check = (name: string, data: ValueMap) => checkSchema({ data, place }, modules.get(name)!.schema);

describe.each([...modules])('%s', (name, module) => {
  it('is registered under its own name', () => {
    expect(module.name).toBe(name);
  });

  it('has a schema that is a JSON Schema', () => {
    expect(new Ajv2020({ strict: false }).validateSchema(module.schema)).toBe(true);
  });

  it('explains every parameter, and gives an example that its own schema takes', () => {
    const ajv = new Ajv2020({ strict: false });
    for (const [parameter, property] of Object.entries(module.schema.properties)) {
      expect(property.description, parameter).toMatch(/^[A-Z].*[^.]$/);
      expect(property.examples?.length, parameter).toBeGreaterThan(0);
      const { default: byDefault, examples = [] } = property;
      for (const example of byDefault === undefined ? examples : [byDefault, ...examples]) {
        expect(ajv.validate(property, example), `${parameter}: ${JSON.stringify(example)}`).toBe(true);
      }
    }
  });

  it('has whole examples that it accepts', async () => {
    const examples = (module.schema.examples ?? []) as ValueMap[];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(await check(name, example)).toEqual([]);
  });

  it('needs for reading no more than identity parameters', () => {
    const asked = new Set<string>();
    const example = (module.schema.examples as ValueMap[])[0]!;
    const watched = new Proxy(example, {
      get: (target, key: string) => {
        asked.add(key);
        return target[key];
      },
    });
    module.read(watched);
    module.claims(watched);
    for (const key of asked) expect(module.schema.properties[key]?.['x-identity'], key).toBe(true);
  });
});

describe('a wrong parameter', () => {
  it.each<[string, ValueMap, string]>([
    ['file.managed', { path: 'etc/motd', content: '' }, 'path has not the right form'],
    ['file.managed', { path: '/etc/../motd', content: '' }, 'path has not the right form'],
    ['file.managed', { path: '/etc//motd', content: '' }, 'path has not the right form'],
    ['file.managed', { path: '/etc/', content: '' }, 'path has not the right form'],
    ['file.managed', { path: '/', content: '' }, 'path has not the right form'],
    ['file.managed', { path: '/a\nb/c', content: '' }, 'path has not the right form'],
    ['file.managed', { path: '/a\0b', content: '' }, 'path has not the right form'],
    ['file.managed', { path: '/x', content: '', mode: 420 }, 'mode must be a string'],
    ['file.managed', { path: '/x', content: '', mode: '644' }, 'mode has not the right form'],
    ['file.managed', { path: '/x', content: '', owner: 'a:b' }, 'owner has not the right form'],
    ['file.managed', { path: '/x', content: '', template: 'x.hbs' }, 'template is not allowed here'],
    ['file.managed', { path: '/x', content: '', document: {} }, 'document is not allowed here'],
    ['file.managed', { path: '/x', template: '', document: {} }, 'document is not allowed here'],
    ['file.managed', { path: '/x', content: '', format: 'json' }, 'format is not allowed here'],
    ['file.managed', { path: '/x', document: {}, format: 'toml' }, 'format must be one of "yaml", "json"'],
    ['file.managed', { path: '/x' }, 'has no "content"'],
    ['file.managed', { path: '/x', content: '', onwer: 'root' }, 'unknown key "onwer"'],
    ['service.running', { name: '-etcd' }, 'name has not the right form'],
    ['service.running', { name: 'etcd; reboot' }, 'name has not the right form'],
    ['service.running', { name: 'etcd', enabled: 'yes' }, 'enabled must be true or false'],
    ['command.run', { command: '' }, 'command must not be empty'],
    ['command.run', { command: 'x', env: { 'A B': 'x' } }, 'has not the right form'],
    ['command.run', { command: 'x', env: { A: 1 } }, 'env.A must be a string'],
    ['command.run', { command: 'a\0b' }, 'command has not the right form'],
    ['command.run', { command: 'x', env: { A: 'a\0b' } }, 'env.A has not the right form'],
    ['command.run', { command: 'x', unless: ['a\0b'] }, 'unless[0] has not the right form'],
    ['command.run', { command: 'x', timeout: 0 }, 'timeout must be at least 1'],
    ['command.run', { command: 'x', user: '~root' }, 'user has not the right form'],
  ])('of %s, %j: %s', async (name, data, message) => {
    const failures = await check(name, data);
    expect(failures.map((failure) => failure.message)).toEqual([expect.stringContaining(message)]);
  });
});
