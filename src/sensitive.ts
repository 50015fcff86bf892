// Values that cannot be printed: whatever a listener, a log or a template error does with one, it shows the mask.
import { inspect } from 'node:util';

export const MASK = '••••••';

/** A secret. Only {@link Sensitive.reveal} gives it, and only what sends it in-band to a host calls that. */
export class Sensitive<T = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  reveal(): T {
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.toPrimitive](): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

export function isSensitive(value: unknown): value is Sensitive<unknown> {
  return value instanceof Sensitive;
}

/** The value itself, revealed if it is a secret. */
export function reveal<T>(value: T | Sensitive<T>): T {
  return value instanceof Sensitive ? value.reveal() : value;
}
