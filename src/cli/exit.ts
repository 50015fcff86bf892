// Exit codes: a contract with scripts. When several apply the worst wins: 130 > 1 > 5 > 2 > 4 > 3.
import type { RunOutcome } from '../engine/events.ts';

export const EXIT = {
  done: 0,
  /** The command line, a file, or Quorate itself. Nothing was touched. */
  usage: 1,
  /** A resource failed; of `status`: something is critical. */
  failed: 2,
  /** There are changes to make, only with `--detailed-exitcode`; of `status`: warnings only. */
  pending: 3,
  /** A host could not be reached. */
  unreachable: 4,
  /** A guard said no. */
  refused: 5,
  interrupted: 130,
} as const;

export function exitCode(outcome: RunOutcome, detailed: boolean): number {
  switch (outcome) {
    case 'ok':
    case 'changed':
      return EXIT.done;
    case 'pending':
      return detailed ? EXIT.pending : EXIT.done;
    default:
      return EXIT[outcome];
  }
}
