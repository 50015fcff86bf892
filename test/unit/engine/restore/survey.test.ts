// What hosts know of restores: written down by one controller, read by another, under every shell.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { formatRecord, givenBy, parseRecord, type RestoreRecord } from '../../../../src/engine/restore/record.ts';
import { parseSurvey, surveyScript } from '../../../../src/engine/restore/survey.ts';
import { Host, SHELLS } from '../../modules/host.ts';

const RECORD: RestoreRecord = {
  run: '20260102T030405Z-ab12cd',
  cluster: 'main',
  from: "s3://it's/here/a.db",
  sha256: 'f'.repeat(64),
  revision: 169,
  generation: 2,
  keys: 12,
  prefixes: { '/registry/pods': 8 },
  canary: '{"run":"r1","cluster":"main"}',
  without: ['m3'],
  at: '2026-01-02T03:04:05Z',
};

it('reads back the record of a restore, and takes nothing else for one', () => {
  expect(parseRecord(formatRecord(RECORD))).toEqual(RECORD);
  expect(parseRecord(formatRecord({ ...RECORD, canary: null }))).toEqual({ ...RECORD, canary: null });
  expect(parseRecord(formatRecord({ ...RECORD, overHealthy: true }))).toEqual({ ...RECORD, overHealthy: true });
  const survivor = { host: 'm3', index: 42, controller: 'desk' };
  const begun = { ...RECORD, sha256: null, survivor };
  expect(parseRecord(formatRecord(begun))).toEqual(begun);
  for (const [name, value] of Object.entries({
    survivor: { host: 'm3' },
    without: 'm3',
    run: '../../etc',
    sha256: 'abc',
    revision: '169',
    generation: null,
    prefixes: { a: 'x' },
    canary: 7,
  }))
    expect(parseRecord(JSON.stringify({ ...JSON.parse(formatRecord(RECORD)), [name]: value })), name).toBeUndefined();
  expect(parseRecord(formatRecord({ ...RECORD, sha256: null }))).toBeUndefined();
  expect(parseRecord(formatRecord(RECORD).slice(0, -20))).toBeUndefined();
});

it('gives the states of the procedure exactly this snapshot, in this generation', () => {
  expect(givenBy(RECORD)).toMatchObject({
    etcd_restore_snapshot: '/var/lib/quorate/restores/20260102T030405Z-ab12cd/snapshot.db',
    etcd_restore_sha256: RECORD.sha256,
    restore_generation: 2,
  });
});

describe.each(SHELLS)('with %s', (shell) => {
  let host: Host;
  afterEach(() => host.remove());

  it('tells every restore, how it ended, and what is free', () => {
    host = new Host(shell);
    const restores = join(host.home, 'restores');
    const known = (run: string, ...files: string[]) => {
      mkdirSync(join(restores, run), { recursive: true });
      for (const file of files) writeFileSync(join(restores, run, file), 'x');
      writeFileSync(join(restores, run, 'restore.json'), formatRecord({ ...RECORD, run }));
    };
    known('r1', 'snapshot.db', 'released');
    known('r2', 'done');
    known('r3', 'undone', 'released');
    mkdirSync(join(restores, 'r4'));
    writeFileSync(join(restores, 'r4', 'snapshot.db'), '');
    const pillar = { etcd_bin_dir: host.binaries, etcd_data_dir: join(host.root, 'not/there') };
    const said = host.run(surveyScript(pillar).replaceAll('/var/lib/quorate', host.home));
    expect(said).toMatchObject({ status: 0, stderr: '' });
    const { restores: told, freeForData, freeForSnapshot } = parseSurvey(said.stdout.toString());
    expect(told).toEqual([
      { run: 'r1', record: { ...RECORD, run: 'r1' }, released: true, size: 1 },
      { run: 'r2', record: { ...RECORD, run: 'r2' }, released: false, end: 'done' },
      { run: 'r3', record: { ...RECORD, run: 'r3' }, released: true, end: 'undone' },
    ]);
    expect(freeForData).toBeGreaterThan(0);
    expect(freeForSnapshot).toBeGreaterThan(0);
  });

  it('says nothing of restores where there has never been one', () => {
    host = new Host(shell);
    const pillar = { etcd_bin_dir: host.binaries, etcd_data_dir: host.root };
    const said = host.run(surveyScript(pillar).replaceAll('/var/lib/quorate', host.home));
    expect(parseSurvey(said.stdout.toString()).restores).toEqual([]);
  });
});
