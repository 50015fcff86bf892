// Directories of this machine, and of a host: the same promises, under every shell that a host may have.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDirectory } from '../../../src/storage/file.ts';
import { openHostDirectory } from '../../../src/storage/host.ts';
import { openPart } from '../../../src/storage/part.ts';
import { parsePlaceUrl } from '../../../src/storage/url.ts';
import { openLocalSession } from '../../../src/transport/local.ts';
import { SHELLS } from '../shell/shells.ts';
import { keepsItsPromises, noise } from './contract.ts';

let root: string;
let made = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'quorate-places-'));
});
afterAll(() => rmSync(root, { recursive: true }));

/** Not there yet, and with a name that a shell would split. */
function fresh(): string {
  made += 1;
  return join(root, `it's ${made}`, 'snapshots');
}

function hostPlace(directory: string, shell?: [string, ...string[]]) {
  const session = openLocalSession('m1', shell ? { shell } : {});
  return openHostDirectory({ session, directory, signal: new AbortController().signal });
}

describe('a directory of this machine', () => {
  keepsItsPromises(async () => openDirectory(fresh()));

  it('is for its owner alone, as are its files', async () => {
    const directory = fresh();
    const source = join(root, 'source');
    writeFileSync(source, 'x', { mode: 0o644 });
    await openDirectory(directory).put('a.db', source);
    expect([statSync(directory).mode & 0o777, statSync(join(directory, 'a.db')).mode & 0o777]).toEqual([0o700, 0o600]);
    expect(readdirSync(directory)).toEqual(['a.db']);
  });
});

describe.each(SHELLS)('a directory of a host with %s', (_, shell) => {
  keepsItsPromises(async () => hostPlace(fresh(), shell));
});

describe('a directory of a host', () => {
  it('is for its owner alone, and has nothing half-made in it', async () => {
    const directory = fresh();
    const source = join(root, 'source');
    writeFileSync(source, noise(5_000_000));
    const place = hostPlace(directory);
    const stop = new AbortController();
    const put = place.put('a.db', source, { signal: stop.signal, onProgress: () => stop.abort() });
    expect(await put).toMatchObject({ ok: false, failures: [{ reason: 'interrupted' }] });
    await place.close();
    // The connection is gone: the host itself takes away what was half there.
    await expect.poll(() => readdirSync(directory)).toEqual([]);
    const again = hostPlace(directory);
    expect(await again.put('a.db', source)).toMatchObject({ ok: true });
    expect(statSync(join(directory, 'a.db')).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['a.db']);
    await again.close();
  });

  it('says in the words of the host why it cannot be written', async () => {
    const file = join(root, 'a-file');
    writeFileSync(file, '');
    const place = hostPlace(join(file, 'below'));
    expect(await place.put('a.db', file)).toMatchObject({
      ok: false,
      failures: [{ reason: 'storage', host: 'm1', message: expect.stringMatching(/^host:\/\/m1\/.*Not a directory/) }],
    });
    await place.close();
  });
});

describe('a file that is being made', () => {
  it('takes away what a killed controller left, and never what a living one writes', async () => {
    const directory = join(root, 'parts');
    mkdirSync(directory);
    const long = new Date(Date.now() - 2 * 60 * 60 * 1000);
    const names = ['.quorate-999999999-ab12.part', `.quorate-${process.pid}-cd34.part`, 'a.db', '.other.part'];
    for (const name of names) {
      writeFileSync(join(directory, name), '');
      utimesSync(join(directory, name), long, long);
    }
    writeFileSync(join(directory, '.quorate-999999998-ef56.part'), '');
    const part = await openPart(directory);
    if (!part.ok) throw new Error();
    await part.value.discard();
    expect(readdirSync(directory).sort()).toEqual([...names.slice(1), '.quorate-999999998-ef56.part'].sort());
  });

  it('says why there can be none', async () => {
    const file = join(root, 'no-directory');
    writeFileSync(file, '');
    expect(await openPart(file)).toMatchObject({ ok: false, failures: [{ reason: 'storage' }] });
    expect(existsSync(file)).toBe(true);
    chmodSync(file, 0o600);
  });
});

describe('a URL', () => {
  it.each([
    ['/srv/snapshots', { kind: 'file', directory: '/srv/snapshots' }],
    ['file:///srv/snapshots/', { kind: 'file', directory: '/srv/snapshots' }],
    ['/srv/snapshots/a.db', { kind: 'file', directory: '/srv/snapshots', name: 'a.db' }],
    ['snapshots', { kind: 'file', directory: join(process.cwd(), 'snapshots') }],
    ['host://m1/mnt/etcd', { kind: 'host', host: 'm1', directory: '/mnt/etcd' }],
    ['host://m1/mnt/etcd/snapshot.db', { kind: 'host', host: 'm1', directory: '/mnt/etcd', name: 'snapshot.db' }],
    ['s3://backups', { kind: 's3', bucket: 'backups', prefix: '' }],
    ['s3://backups/main/etcd/', { kind: 's3', bucket: 'backups', prefix: 'main/etcd' }],
    ['s3://backups/main/a.db', { kind: 's3', bucket: 'backups', prefix: 'main', name: 'a.db' }],
  ])('%s', (text, url) => expect(parsePlaceUrl(text)).toEqual({ ok: true, value: url }));

  it.each(['', 'host://m1', 'host:///srv', 'file://srv', 's3://', 's3://No_Bucket/x', 'gs://bucket/x', 'a\nb'])(
    '%j is refused',
    (text) =>
      expect(parsePlaceUrl(text)).toMatchObject({
        ok: false,
        failures: [{ reason: 'usage', next: expect.stringContaining('s3://BUCKET/PREFIX') }],
      }),
  );
});
