import { expect, it } from 'vitest';
import { resolveLimits } from '../../../src/engine/limits.ts';

it("a limit is the flag's, else the pillar's, else its default, in milliseconds", () => {
  expect(resolveLimits()).toEqual({ connect: 10_000, program: 120_000, stage: 600_000, run: 3_600_000, lock: 0 });
  expect(resolveLimits({ program: 5, stage: 7 }, { program: 0.5 })).toEqual({
    connect: 10_000,
    program: 500,
    stage: 7_000,
    run: 3_600_000,
    lock: 0,
  });
});
