// quorate snapshot: snapshots one can trust. Each of its commands is in the file of its name.
import type { Command } from 'commander';
import type { Shell } from './io.ts';
import { addSnapshotVerifyCommand } from './snapshot-verify.ts';

export function addSnapshotCommand(program: Command, shell: Shell): void {
  const snapshot = program.command('snapshot').description("snapshots of a cluster's data");
  addSnapshotVerifyCommand(snapshot, shell);
}
