// Cases of a module as data that reads like documentation: observed → changes → script.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import type { AnyModule, Change, Refusal, WriteScript } from '../../../src/modules/module.ts';
import { reveal } from '../../../src/sensitive.ts';
import type { ValueMap } from '../../../src/value.ts';

export interface Case {
  /** The promise, as the end of "when …" or a sentence. */
  it: string;
  /** Parameters as in a state; defaults are added. */
  want: ValueMap;
  /** What `read` printed on the host. */
  observed: string;
  /** Absent: converged. */
  changes?: Change[] | Refusal;
  /** Something that it watches changes. */
  react?: true;
  /** Absent: nothing is written. */
  script?: string;
  inputs?: { directory: string; content: string }[];
}

export function describeCases(module: AnyModule, cases: Case[]): void {
  describe(module.name, () => {
    it.each(cases.map((each) => [each.it, each] as const))(
      '%s',
      (_it, { want: given, observed, changes = [], react, script, inputs = [] }) => {
        const want = complete(module, given);
        const seen = module.parse({ status: 0, stdout: new TextEncoder().encode(observed), stderr: '' });
        expect(module.fingerprint(seen)).toBe(observed.split('\n')[0]);

        const difference = module.diff(want, seen, undefined);
        expect(difference).toEqual(changes);
        if (!Array.isArray(difference)) return;
        expect(module.diff(want, module.expect(want, seen), undefined)).toEqual([]);

        if (script === undefined) return;
        const written = module.write(want, difference, { run: 'r1', react: react === true });
        expect(written.script).toBe(script);
        expect(showInputs(written)).toEqual(inputs);
      },
    );
  });
}

/** The parameters with their defaults, as the loader hands them to a module. Throws if they break the schema. */
export function complete(module: AnyModule, given: ValueMap): ValueMap {
  const defaults = Object.entries(module.schema.properties).filter(([, property]) => property.default !== undefined);
  const want = { ...(Object.fromEntries(defaults.map(([name, property]) => [name, property.default])) as ValueMap) };
  Object.assign(want, given);
  const ajv = new Ajv2020({ strict: false, logger: false });
  const plain = Object.fromEntries(Object.entries(want).map(([name, value]) => [name, reveal(value)]));
  if (!ajv.validate(module.schema, plain)) throw new Error(ajv.errorsText());
  return want;
}

function showInputs({ inputs = [] }: WriteScript) {
  return inputs.map(({ directory, content }) => ({ directory, content: new TextDecoder().decode(reveal(content)) }));
}
