// How long each kind of wait may last. Every wait of a run has one of these limits.

/** All in milliseconds. */
export interface Limits {
  /** From the first packet to a ready channel, retries included. */
  connect: number;
  /** One program on one host. */
  program: number;
  /** One stage over all its hosts, its gate included. */
  stage: number;
  /** The whole run; after it the run stops at the next safe point. */
  run: number;
  /** How long to wait for a lock that another run holds. */
  lock: number;
}

/** As flags and the pillar key `limits` give them: seconds. */
export type LimitSeconds = Partial<Record<keyof Limits, number>>;

const DEFAULT_SECONDS: Record<keyof Limits, number> = { connect: 10, program: 120, stage: 600, run: 3600, lock: 0 };

/** Later sources win: pass pillar first, flags last. */
export function resolveLimits(...sources: LimitSeconds[]): Limits {
  const seconds = { ...DEFAULT_SECONDS };
  for (const source of sources) {
    for (const name of Object.keys(DEFAULT_SECONDS) as (keyof Limits)[]) {
      seconds[name] = source[name] ?? seconds[name];
    }
  }
  return {
    connect: seconds.connect * 1000,
    program: seconds.program * 1000,
    stage: seconds.stage * 1000,
    run: seconds.run * 1000,
    lock: seconds.lock * 1000,
  };
}
