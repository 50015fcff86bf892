// Quorate's own package: where its files are, which version they are, and what they say of themselves.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function packageRoot(): string {
  return join(import.meta.dirname, '..', '..');
}

export function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version;
}

/** What `quorate --help` prints; `npm run docs` writes it. */
export function packageHelp(): string {
  return readFileSync(join(packageRoot(), 'docs/help.txt'), 'utf8');
}
