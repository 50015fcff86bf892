// quorate snapshot verify: what a file on this machine is, proved from its own bytes.
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import type { VerifiedSnapshot } from '../engine/snapshot/verify.ts';
import { receiptName } from '../etcd/snapshot/name.ts';
import { compareWithReceipt, type Receipt } from '../etcd/snapshot/receipt.ts';
import type { Rehearsal } from '../etcd/snapshot/rehearsal.ts';
import { type Attempt, type Failure, fail, succeed } from '../failure.ts';
import type { Io, Shell } from './io.ts';
import { addOutputOptions, type CommonOptions } from './options.ts';
import { printJson, printVisibly } from './print.ts';
import { exitOf, interruptible, printFailures } from './snapshot-place.ts';

interface Verified {
  file: string;
  snapshot: VerifiedSnapshot;
  receipt?: Receipt;
  /** The newest one of exactly this file. */
  rehearsal?: Rehearsal;
}

export function addSnapshotVerifyCommand(program: Command, shell: Shell): void {
  const command = program
    .command('verify')
    .argument('<files...>', 'snapshots on this machine; a receipt beside one is compared with it')
    .description('read snapshots whole, and say what that proves; needs no etcd and connects to nothing');
  addOutputOptions(command).action(async (files: string[], options: CommonOptions) => {
    shell.finish(await verify(files, options, shell.io));
  });
}

async function verify(files: string[], options: CommonOptions, io: Io): Promise<number> {
  const verified: Verified[] = [];
  const failures: Failure[] = [];
  for (const file of files) {
    const attempt = await verifyOne(file, io);
    if (attempt.ok) verified.push(attempt.value);
    else failures.push(...attempt.failures);
  }
  if (options.json) printJson(toDocument(verified, failures), io);
  else {
    const { describeVerified } = await import('./snapshot-text.ts');
    const texts = verified.map(({ file, snapshot, receipt, rehearsal }) =>
      describeVerified(file, snapshot, { receipt, rehearsal }, options.verbose === true),
    );
    if (texts.length > 0) printVisibly(texts.join('\n\n'), io);
    await printFailures(failures, options, io);
  }
  return exitOf(failures);
}

async function verifyOne(file: string, io: Io): Promise<Attempt<Verified>> {
  const [{ verifySnapshot }, { createProgress }] = await Promise.all([
    import('../engine/snapshot/verify.ts'),
    import('../report/progress.ts'),
  ]);
  const progress = createProgress(`reading ${basename(file)}`, io);
  const snapshot = await interruptible((signal) => verifySnapshot(file, { signal, onProgress: progress.show }));
  progress.end();
  if (!snapshot.ok) return snapshot;
  const receipt = await readReceipt(file);
  if (!receipt.ok) return receipt;
  const differences = receipt.value ? compareWithReceipt(receipt.value, snapshot.value) : [];
  if (differences.length === 0) {
    const rehearsal = await findRehearsal(file, snapshot.value.sha256);
    return succeed({
      file,
      snapshot: snapshot.value,
      ...(receipt.value ? { receipt: receipt.value } : {}),
      ...(rehearsal ? { rehearsal } : {}),
    });
  }
  return fail({
    reason: 'snapshot',
    message: `${file} is whole, but not the file of its receipt\n${differences.join('\n')}`,
    next: 'two files were swapped, or one was overwritten: find the one that the receipt is of, by its sha256',
  });
}

async function findRehearsal(file: string, sha256: string): Promise<Rehearsal | undefined> {
  const [beside, { openDirectory }] = await Promise.all([
    import('../engine/snapshot/rehearsal-file.ts'),
    import('../storage/file.ts'),
  ]);
  const found = await beside.findRehearsal(openDirectory(dirname(file)), basename(file), sha256);
  return found.ok ? found.value : undefined;
}

async function readReceipt(file: string): Promise<Attempt<Receipt | undefined>> {
  const path = join(dirname(file), receiptName(basename(file)));
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return succeed(undefined);
    return fail({ reason: 'unreadable', message: `${path}: ${(error as Error).message}`, next: 'check the file' });
  }
  const { parseReceipt } = await import('../engine/snapshot/receipt-file.ts');
  return parseReceipt(text, path);
}

function toDocument(verified: Verified[], failures: Failure[]): unknown {
  return {
    schema: 1,
    snapshots: verified.map(({ file, snapshot: { size, sha256, content }, receipt, rehearsal }) => {
      const { values: _values, ...rest } = content;
      return { file, size, sha256, ...rest, receipt: receipt ?? null, rehearsal: rehearsal ?? null };
    }),
    failures,
  };
}
