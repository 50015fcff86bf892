// The bytes that a file is to have, whichever parameter they come from.
import { isSensitive, reveal, type Sensitive } from '../../sensitive.ts';
import type { Value } from '../../value.ts';
import { type DocumentFormat, dumpDocument, saysTheSame } from './document.ts';

/** Either `content` or `document` is given: the schema sees to it, and a template has become one of them. */
export type ContentSource = {
  content?: string | Sensitive<string>;
  document?: Value;
  format?: DocumentFormat;
};

export interface WantedContent {
  text: string;
  bytes: Uint8Array;
  /** Some of it is secret, so none of it is shown. */
  secret: boolean;
  /** Whether a file with this text is as wanted. */
  accepts(text: string): boolean;
}

export function wantedContent(source: ContentSource, path: string): WantedContent {
  if (source.content !== undefined) return wantedText(reveal(source.content), isSensitive(source.content));
  const data = source.document ?? null;
  const plain = revealAll(data);
  const format = source.format ?? formatOf(path);
  const wanted = wantedText(dumpDocument(plain, format), holdsSecret(data));
  return { ...wanted, accepts: (text) => saysTheSame(text, plain, format) };
}

function wantedText(text: string, secret: boolean): WantedContent {
  return { text, bytes: new TextEncoder().encode(text), secret, accepts: (other) => other === text };
}

function formatOf(path: string): DocumentFormat {
  return path.endsWith('.json') ? 'json' : 'yaml';
}

function holdsSecret(value: Value): boolean {
  if (isSensitive(value)) return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsSecret);
}

function revealAll(value: Value): unknown {
  const plain = reveal<unknown>(value);
  if (Array.isArray(plain)) return plain.map(revealAll);
  if (typeof plain !== 'object' || plain === null) return plain;
  return Object.fromEntries(
    Object.entries(plain as { [key: string]: Value }).map(([key, each]) => [key, revealAll(each)]),
  );
}
