// What the reader of a database stops with: thrown deep within the pages, and caught where the reading began.

/** Something that no whole database contains. The message is one sentence without its full stop. */
export class Damage extends Error {}

export function demand(condition: boolean, why: () => string): asserts condition {
  if (!condition) throw new Damage(why());
}

/** @throws {Damage} if the number is larger than JavaScript counts exactly: no id, index or revision of a real one is. */
export function exactly(number: bigint, what: string): number {
  demand(number <= BigInt(Number.MAX_SAFE_INTEGER), () => `${what} is ${number}, which cannot be`);
  return Number(number);
}
