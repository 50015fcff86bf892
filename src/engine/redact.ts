// A host may repeat what it was given: a command that fails prints its input. No secret of ours comes back as a message.
import { isSensitive, MASK } from '../sensitive.ts';
import type { Value } from '../value.ts';

/** A line of a secret that is shorter than this may stand in any text, and tells nobody anything. */
const SHORTEST_LINE = 4;

/** `text` without the secrets in `given`: whole, line by line, and as base64. */
export function withoutSecrets(text: string, given: Value): string {
  return formsOf(given)
    .sort((one, other) => other.length - one.length)
    .reduce((shown, form) => shown.replaceAll(form, MASK), text);
}

function formsOf(value: Value): string[] {
  if (isSensitive(value)) return textsOf(value.reveal()).flatMap(formsOfSecret);
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(formsOf);
}

/** Every text in what is secret as a whole. */
function textsOf(value: unknown): string[] {
  if (isSensitive(value)) return textsOf(value.reveal());
  if (ArrayBuffer.isView(value)) return [Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsOf);
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
}

function formsOfSecret(secret: string): string[] {
  const whole = [secret, secret.trim()].filter((form) => form !== '');
  const lines = secret.split('\n').map((line) => line.trim());
  const encoded = [...whole, ...lines].map((form) => Buffer.from(form).toString('base64'));
  return [...whole, ...[...lines, ...encoded].filter((form) => form.length >= SHORTEST_LINE)];
}
