// Two hundred ways in which a disk, a copy or a bucket has spoilt a snapshot: the same ones every time.

/** Numbers from 0 below 1, the same for the same seed (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const PAGE = 4096;

/** Each is a copy of `whole` that differs from it, and what was done to it. */
export function* damage(whole: Buffer, count: number): Generator<[what: string, damaged: Buffer]> {
  const random = createRandom(5);
  const below = (limit: number) => Math.floor(random() * limit);
  const page = () => below(Math.floor(whole.length / PAGE)) * PAGE;
  const kinds: (() => [string, Buffer])[] = [
    () => {
      const length = below(whole.length);
      return [`cut to ${length} bytes`, whole.subarray(0, length)];
    },
    () => [`cut by whole pages`, whole.subarray(0, whole.length - PAGE * (1 + below(8)))],
    () => [`cut to whole pages, without its trailer`, whole.subarray(0, page() + PAGE)],
    () => {
      const damaged = Buffer.from(whole);
      const at = below(whole.length);
      damaged[at]! ^= 1 << below(8);
      return [`a bit flipped at ${at}`, damaged];
    },
    () => {
      const damaged = Buffer.from(whole);
      const at = page();
      damaged.fill(0, at, at + PAGE);
      return [`the page at ${at} zeroed`, damaged];
    },
    () => {
      const damaged = Buffer.from(whole);
      const [one, other] = [page(), page()];
      whole.copy(damaged, one, other, other + PAGE);
      whole.copy(damaged, other, one, one + PAGE);
      return [`the pages at ${one} and ${other} swapped`, damaged];
    },
    () => [`bytes added`, Buffer.concat([whole, Buffer.alloc(1 + below(PAGE))])],
  ];
  for (let made = 0; made < count; ) {
    const [what, damaged] = kinds[below(kinds.length)]!();
    if (damaged.equals(whole)) continue;
    made++;
    yield [what, damaged];
  }
}
