// Two things measured in turn, A B A B …: what the machine does beside hits both, so their ratio can be judged.
import { type Spread, spreadOf } from './spread.ts';
import { type Side, type Timed, timed } from './timed.ts';

export interface Compared {
  a: SideCost;
  b: SideCost;
  /** A's time by B's, each time of the same round. */
  ratio: Spread;
  rounds: number;
}

export interface SideCost {
  name: string;
  /** Milliseconds. */
  ms: Spread;
  /** Seconds of this machine's processor in all that the side starts here. */
  cpuSeconds: Spread;
  /** KiB; the largest process of the side. */
  peakKiB: Spread;
}

/** A round is not counted first: caches fill there. `tell` hears of every round. */
export async function comparePairs(
  a: Side,
  b: Side,
  { rounds, tell }: { rounds: number; tell(line: string): void },
): Promise<Compared> {
  const [all, of]: [Timed[], Timed[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const [one, other] = [await timed(a), await timed(b)];
    tell(`${round === 0 ? 'warm-up' : `round ${round}`}: ${told(one)} against ${told(other)}`);
    if (round === 0) continue;
    all.push(one);
    of.push(other);
  }
  return {
    a: costOf(a, all),
    b: costOf(b, of),
    ratio: spreadOf(all.map(({ ms }, round) => ms / of[round]!.ms)),
    rounds,
  };
}

export function costOf({ name }: Pick<Side, 'name'>, runs: readonly Timed[]): SideCost {
  return {
    name,
    ms: spreadOf(runs.map(({ ms }) => ms)),
    cpuSeconds: spreadOf(runs.map(({ cpuSeconds }) => cpuSeconds)),
    peakKiB: spreadOf(runs.map(({ peakKiB }) => peakKiB)),
  };
}

function told({ ms }: Timed): string {
  return `${Math.round(ms)} ms`;
}
