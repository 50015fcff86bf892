// A file is taken for a snapshot only if it is one, whole.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifySnapshot } from '../../../../src/engine/snapshot/verify.ts';
import { sign, snapshotOf, VERSIONS } from '../../etcd/snapshot/fixtures.ts';
import { damage } from './damages.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-verify-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(bytes: Uint8Array, name = 'snapshot.db'): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

it('takes whole snapshots of every version, and says how far it is', async () => {
  for (const version of VERSIONS) {
    const whole = snapshotOf(version);
    const seen: number[] = [];
    const verified = await verifySnapshot(file(whole), { onProgress: (done, total) => void seen.push(done / total) });
    expect(verified).toMatchObject({ ok: true, value: { size: whole.length, content: { revision: 21, keys: 399 } } });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  }
});

it('refuses 200 damaged ones, each with a reason and a next step', async () => {
  let refused = 0;
  for (const [what, damaged] of damage(snapshotOf(VERSIONS.at(-1)!), 200)) {
    const verified = await verifySnapshot(file(damaged));
    expect([what, verified]).toEqual([
      what,
      {
        ok: false,
        failures: [
          {
            reason: 'snapshot',
            message: expect.stringMatching(/snapshot\.db is no whole snapshot: its? /),
            next: expect.stringContaining('nothing may be restored'),
          },
        ],
      },
    ]);
    refused++;
  }
  expect(refused).toBe(200);
});

it('refuses what was cut or swapped also where somebody has given it a new trailer', async () => {
  const whole = snapshotOf(VERSIONS.at(-1)!).subarray(0, -32);
  const kinds = { cut: 0, accepted: 0 };
  for (const [what, damaged] of damage(whole, 200)) {
    const verified = await verifySnapshot(file(sign(damaged)));
    if (/cut|added/.test(what)) {
      kinds.cut++;
      expect([what, verified.ok]).toEqual([what, false]);
    } else if (verified.ok) kinds.accepted++;
  }
  // A flipped bit in a value, or in a page that holds nothing: only the trailer knows.
  expect(kinds.cut).toBeGreaterThan(60);
  expect(kinds.accepted).toBeLessThan(100);
});

it('stops when it is told to, and says what it cannot read', async () => {
  const path = file(snapshotOf(VERSIONS[0]!));
  expect(await verifySnapshot(path, { signal: AbortSignal.abort() })).toMatchObject({
    failures: [{ reason: 'interrupted' }],
  });
  expect(await verifySnapshot(join(folder, 'none.db'))).toMatchObject({ failures: [{ reason: 'unreadable' }] });
});
