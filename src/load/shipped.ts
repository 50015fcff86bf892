// Checks of the schemas that Quorate ships, compiled beforehand: ajv and its compiling are most of what a small run costs.
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

type Check = (data: unknown) => boolean;

/** Names a check in checks.cjs. By content, so that no schema is ever checked by what it once was. */
export function nameOfCheck(schema: object): string {
  return `check_${createHash('sha256').update(JSON.stringify(schema)).digest('hex').slice(0, 32)}`;
}

/** Whether data is valid, without a word on what is wrong; undefined for a schema that is not Quorate's own. */
export function findCheck(schema: object): Check | undefined {
  const checks = createRequire(import.meta.url)('./checks.cjs') as { [name: string]: Check };
  return checks[nameOfCheck(schema)];
}
