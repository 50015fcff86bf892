// Checks data against a JSON Schema and says what is wrong where, in the operator's words.
import { createRequire } from 'node:module';
import type { Ajv2020 } from 'ajv/dist/2020.js';
import type { Failure } from '../failure.ts';
import { isSensitive } from '../sensitive.ts';
import type { Value } from '../value.ts';
import type { Document } from './document.ts';
import { explainErrors } from './explain.ts';
import { findCheck } from './shipped.ts';

/** Data to be checked: a document, or data made from documents that still knows their places. */
export interface Checkable extends Pick<Document, 'data' | 'place'>, Partial<Pick<Document, 'written'>> {
  /** What the whole is called in a message; `the document` if it has no better name. */
  name?: string;
}

/** All that is wrong with `subject`, in the order of the file; never prints a {@link Sensitive}. */
export type CheckSchema = (subject: Checkable, schema: object) => Failure[];

export interface SchemaChecker {
  check: CheckSchema;
  /** What is wrong with a schema that an operator wrote. */
  checkSchemaItself(schema: Document): Failure[];
}

/**
 * Checks against JSON Schema, draft 2020-12. What Quorate ships is checked by what was compiled beforehand; ajv is loaded
 * for a schema of somebody else, which it compiles once for each schema object, and to say what is wrong.
 * `check` throws if the schema itself is wrong: the shipped ones never are, others pass `checkSchemaItself` first.
 */
export function createSchemaChecker(): SchemaChecker {
  const shipped = new Map<object, ReturnType<typeof findCheck>>();
  let loaded: Ajv2020 | undefined;

  function isKnownValid(data: unknown, schema: object): boolean {
    if (!shipped.has(schema)) shipped.set(schema, findCheck(schema));
    return shipped.get(schema)?.(data) === true;
  }
  function ajv(): Ajv2020 {
    loaded ??= loadAjv();
    return loaded;
  }

  return {
    check(subject, schema) {
      const plain = toPlain(subject.data);
      if (isKnownValid(plain, schema)) return [];
      // ajv caches by the schema object, in a WeakMap-like way that lives as long as this checker.
      const validate = ajv().compile(schema);
      if (validate(plain)) return [];
      return explainErrors(validate.errors ?? [], subject);
    },
    checkSchemaItself(schema) {
      const plain = toPlain(schema.data);
      if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
        return [
          {
            reason: 'schema',
            message: 'a JSON Schema must be a map',
            place: schema.place([]),
            next: 'write type: object',
          },
        ];
      }
      try {
        if (ajv().validateSchema(plain) === true) {
          ajv().compile(plain);
          return [];
        }
      } catch (error) {
        const message = `not a usable JSON Schema: ${error instanceof Error ? error.message : String(error)}`;
        return [
          { reason: 'schema', message, place: schema.place([]), next: 'see https://json-schema.org/draft/2020-12' },
        ];
      }
      return explainErrors(ajv().errors ?? [], schema);
    },
  };
}

/** {@link SchemaChecker.check} for whoever checks once. */
export function checkSchema(subject: Checkable, schema: object): Failure[] {
  return createSchemaChecker().check(subject, schema);
}

/** Without await, so that checking stays a plain function. */
function loadAjv(): Ajv2020 {
  const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  // Not strict: Quorate's own keywords (x-…) and those of editors are no errors.
  return new Ajv2020({
    allErrors: true,
    strict: false,
    verbose: true,
    logger: false,
    addUsedSchema: false,
    // A run compiles few schemas and uses each a few times: to check and to optimize them costs more than it saves.
    validateSchema: false,
    code: { optimize: false },
  });
}

/** The data with secrets revealed, for the validator's eyes only. */
function toPlain(value: Value): unknown {
  if (isSensitive(value)) return value.reveal();
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toPlain(each)]));
}
