// quorate snapshot: snapshots one can trust. Each of its commands is in the file of its name.
import type { Command } from 'commander';
import type { Shell } from './io.ts';
import { addSnapshotFetchCommand } from './snapshot-fetch.ts';
import { addSnapshotListCommand } from './snapshot-list.ts';
import { addSnapshotPruneCommand } from './snapshot-prune.ts';
import { addSnapshotRehearseCommand } from './snapshot-rehearse.ts';
import { addSnapshotSaveCommand } from './snapshot-save.ts';
import { addSnapshotVerifyCommand } from './snapshot-verify.ts';

export function declareSnapshot(snapshot: Command, shell: Shell): void {
  addSnapshotSaveCommand(snapshot, shell);
  addSnapshotListCommand(snapshot, shell);
  addSnapshotVerifyCommand(snapshot, shell);
  addSnapshotRehearseCommand(snapshot, shell);
  addSnapshotFetchCommand(snapshot, shell);
  addSnapshotPruneCommand(snapshot, shell);
}
