// What is fetched is the file of its receipt, or nothing is there afterwards.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fetchSnapshot } from '../../../../src/engine/snapshot/fetch.ts';
import { openDirectory } from '../../../../src/storage/file.ts';
import { snapshotOf, VERSIONS } from '../../etcd/snapshot/fixtures.ts';

const NAME = 'cdf818194e3a8c32-r21-20300101T000000Z';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-fetch-'));
  for (const name of ['from', 'to']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'from', `${NAME}.db`), snapshotOf(VERSIONS.at(-1)!));
});
afterEach(() => rmSync(folder, { recursive: true }));

function fetch() {
  const place = openDirectory(join(folder, 'from'));
  const signal = new AbortController().signal;
  return fetchSnapshot({ place, name: `${NAME}.db`, directory: join(folder, 'to'), signal, onProgress() {} });
}

it('takes a snapshot that has no receipt', async () => {
  expect(await fetch()).toMatchObject({ ok: true, value: { snapshot: { content: { revision: 21 } } } });
  expect(readdirSync(join(folder, 'to'))).toEqual([`${NAME}.db`]);
});

it.each(['no JSON', '{"schema":1}', 'x'.repeat(2 ** 20 + 1)])(
  'refuses one whose receipt cannot be read',
  async (text) => {
    writeFileSync(join(folder, 'from', `${NAME}.receipt.json`), text);
    const fetched = await fetch();
    expect(fetched).toMatchObject({
      ok: false,
      failures: [{ message: expect.stringContaining(`${NAME}.receipt.json`), next: expect.any(String) }],
    });
    expect(readdirSync(join(folder, 'to'))).toEqual([]);
  },
);
