import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placeFiles, proveFiles } from '../../../../src/engine/adoption/place.ts';

const FILES = new Map([
  ['inventory/main.yaml', 'masters: { vars: { etcd_cluster: main }, hosts: { m1: } }\n'],
  ['pillar/clusters/main.yaml', 'etcd_version: 3.5.30\n'],
]);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quorate-place-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const there = () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.yaml'));

describe('the files of an adopted cluster', () => {
  it('are written where nothing is, and left where they are the same', async () => {
    const file = (path: string) => join(folder, path);
    const paths = [...FILES.keys()].map(file);
    expect(await placeFiles(folder, FILES)).toEqual({
      ok: true,
      value: paths.map((path) => ({ file: path, state: 'written' })),
    });
    expect(readFileSync(paths[1]!, 'utf8')).toBe('etcd_version: 3.5.30\n');
    expect(await placeFiles(folder, FILES)).toMatchObject({ ok: true, value: [{ state: 'is there already' }, {}] });
  });

  it('are never written over another, and then none is written', async () => {
    mkdirSync(join(folder, 'pillar/clusters'), { recursive: true });
    writeFileSync(join(folder, 'pillar/clusters/main.yaml'), 'etcd_version: 3.5.16\n');
    const placed = await placeFiles(folder, FILES);
    expect(placed).toMatchObject({
      ok: false,
      failures: [{ reason: 'usage', next: expect.stringContaining('--into') }],
    });
    const [{ message }] = (placed as { failures: { message: string }[] }).failures as [{ message: string }];
    expect(message).toContain('-etcd_version: 3.5.16\n+etcd_version: 3.5.30');
    expect(there()).toEqual(['pillar/clusters/main.yaml']);
  });

  it('say why they cannot be written', async () => {
    writeFileSync(join(folder, 'inventory'), '');
    expect(await placeFiles(folder, FILES)).toMatchObject({ ok: false, failures: [{ reason: 'unreadable' }] });
  });

  it('are read first as every later command reads them', async () => {
    expect(await proveFiles(FILES, undefined as never)).toEqual({ ok: true, value: undefined });
    const bad = new Map([...FILES, ['pillar/clusters/main.yaml', 'etcd_extra_args: { no-such-flag: "1" }\n']]);
    expect(await proveFiles(bad, undefined as never)).toMatchObject({
      ok: false,
      failures: [{ message: expect.stringMatching(/^the pillar cannot say it: .*no etcd has a flag --no-such-flag/) }],
    });
  });
});
