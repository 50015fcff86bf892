// Documents: data as YAML or JSON text, and text compared as data.
import { CORE_SCHEMA, dump, load, YAML11_SCHEMA } from 'js-yaml';

export type DocumentFormat = 'yaml' | 'json';

/** The one text that Quorate writes for `data`: keys in their order, no line folding, two spaces. */
export function dumpDocument(data: unknown, format: DocumentFormat): string {
  if (format === 'json') return `${JSON.stringify(data, null, 2)}\n`;
  // The default schema quotes all that YAML 1.1 or 1.2 would read as something other than a string: "no", "0644".
  return dump(data, { lineWidth: -1, noRefs: true });
}

/** True if `text` says the same as `data`, whatever its layout, comments and order of keys. */
export function saysTheSame(text: string, data: unknown, format: DocumentFormat): boolean {
  try {
    if (format === 'json') return isSame(JSON.parse(text), data);
    // kubelet and etcd read YAML 1.1, others 1.2: where those would differ, the text does not say the same to all.
    return isSame(load(text, { schema: CORE_SCHEMA }), data) && isSame(load(text, { schema: YAML11_SCHEMA }), data);
  } catch {
    return false;
  }
}

function isSame(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  if (one instanceof Date || other instanceof Date) return false;
  const [keys, others] = [Object.keys(one), Object.keys(other)];
  return (
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(other, key) && isSame(Reflect.get(one, key), Reflect.get(other, key)))
  );
}
