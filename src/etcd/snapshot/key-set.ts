// A set of keys by 64 bits of their sha256: a million keys cost 18 MB, however long they are.
import { hash } from 'node:crypto';

/**
 * Two keys of a million share their 64 bits with a chance of 1 in 37 million; the set would then count one too few.
 */
export class KeySet {
  #high = new Uint32Array(1024);
  #low = new Uint32Array(1024);
  /** 0 never used, 1 in the set, 2 was in it. */
  #state = new Uint8Array(1024);
  #used = 0;

  /** False if it is in the set already. */
  add(key: Uint8Array): boolean {
    const [high, low] = digest(key);
    const at = this.#find(high, low);
    if (this.#state[at] === 1) return false;
    if (this.#state[at] === 0) this.#used++;
    this.#put(at, high, low);
    if (this.#used * 2 > this.#state.length) this.#grow();
    return true;
  }

  /** False if it is not in the set. */
  delete(key: Uint8Array): boolean {
    const at = this.#find(...digest(key));
    if (this.#state[at] !== 1) return false;
    this.#state[at] = 2;
    return true;
  }

  /** Where it is, or where it would be. */
  #find(high: number, low: number): number {
    const mask = this.#state.length - 1;
    let at = low & mask;
    while (this.#state[at] !== 0 && !(this.#high[at] === high && this.#low[at] === low)) at = (at + 1) & mask;
    return at;
  }

  #put(at: number, high: number, low: number): void {
    this.#high[at] = high;
    this.#low[at] = low;
    this.#state[at] = 1;
  }

  /** What was deleted is left behind. */
  #grow(): void {
    const [highs, lows, states] = [this.#high, this.#low, this.#state];
    this.#high = new Uint32Array(states.length * 2);
    this.#low = new Uint32Array(states.length * 2);
    this.#state = new Uint8Array(states.length * 2);
    this.#used = 0;
    for (const [at, state] of states.entries()) {
      if (state !== 1) continue;
      this.#used++;
      this.#put(this.#find(highs[at]!, lows[at]!), highs[at]!, lows[at]!);
    }
  }
}

function digest(key: Uint8Array): [high: number, low: number] {
  const bytes = hash('sha256', key, 'buffer');
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
