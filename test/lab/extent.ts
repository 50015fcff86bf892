// How much is run of what takes long: a sample by `npm test`, all of it by `npm run test:full`.

/** All of what is else a sample. */
export const FULL = process.env.QUORATE_TEST === 'full';

/** Of every choice that is left to chance; QUORATE_TEST_SEED makes others. */
export const SEED = Number(process.env.QUORATE_TEST_SEED ?? 1);

/** Every third, the same in every test run. */
export function sample<T>(all: readonly T[]): T[] {
  return all.filter((_, at) => FULL || at % 3 === 2);
}
