// Memory stays flat whatever the size: how much a controller has at once while a snapshot is saved, fetched and restored.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Moto, startMoto } from '../../lab/moto.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { FULL } from './extent.ts';
import { tell } from './killing.ts';

const MIB = FULL ? 1024 : 64;
/** What the issue that asked for it allows. */
const MOST_BYTES = 200_000_000;
/** Nothing of it can be compressed on its way, and one transaction of so many is below what etcd takes as one request. */
const VALUES = { bytes: 10_000, atOnce: 120 };
const PEAK = new URL('./peak-memory.ts', import.meta.url).href;
const BUCKET = 's3://backups/main';
const CONFIRMED = ['-t', 'masters', '--confirm', 'main', '--over-healthy'];
let cluster: Cluster;
let moto: Moto;
let keys: string;

beforeAll(async () => {
  [cluster, moto] = await Promise.all([openCluster('tmemory', '10.213.97', 'systemd'), startMoto()]);
  const client = new S3Client({ endpoint: moto.endpoint, forcePathStyle: true, region: 'us-east-1', credentials });
  await client.send(new CreateBucketCommand({ Bucket: 'backups' }));
  // Members that start at the same time wait 14 s for each other before etcd's own check of itself gives up.
  cluster.pillar(
    'etcd_quota_backend_bytes: 8589934592\netcd_extra_args: { experimental-initial-corrupt-check: "false" }\n',
  );
  const made = await cluster.rig.quorate('apply', 'running', '-t', 'masters', '--yes');
  expect(made.status, made.stdout + made.stderr).toBe(0);
  const { bytes, atOnce } = VALUES;
  await cluster.rig.lab.run(
    'm1',
    `for i in $(seq ${Math.ceil((MIB * 2 ** 20) / bytes / atOnce)}); do
{ echo; base64 -w ${bytes} /dev/urandom 2>/dev/null | head -n ${atOnce} | awk '{ print "put /registry/pods/ns/'$i'-" NR " " $0 }'; echo; echo; } | ${cluster.ctl} txn >/dev/null || exit
done`,
  );
  keys = await everything();
}, 1_800_000);
afterAll(async () => {
  await Promise.all([cluster?.rig.close(), moto?.close()]);
});

const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'hunter2' };

function everything(): Promise<string> {
  return cluster.rig.lab.run(
    'm2',
    `${cluster.ctl} --command-timeout=60s get /registry --prefix --keys-only | sha256sum`,
  );
}

/** Runs `quorate ARGS`, which has to be done without having had more memory than it may. */
async function expectFlat(...args: string[]): Promise<void> {
  const { rig } = cluster;
  const file = join(rig.folder, 'peak');
  rmSync(file, { force: true });
  const env = {
    NODE_OPTIONS: `--import ${PEAK}`,
    QUORATE_TEST_PEAK: file,
    AWS_ENDPOINT_URL_S3: moto.endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const { status, stdout, stderr } = await rig.startWith(env, ...args).ended;
  expect(status, stdout + stderr).toBe(0);
  const peak = Number(readFileSync(file, 'utf8'));
  tell(`${MIB} MiB, ${args.slice(0, 4).join(' ')}: ${(peak / 1e6).toFixed(0)} MB at most`);
  expect(peak).toBeLessThan(MOST_BYTES);
}

it(`saves ${MIB} MiB to a bucket, and fetches it from there`, async () => {
  await expectFlat('snapshot', 'save', '--to', BUCKET, '-t', 'masters');
  await expectFlat('snapshot', 'fetch', '--from', BUCKET, '--to', 'fetched');
  const fetched = join(cluster.rig.folder, 'fetched');
  const [snapshot] = readdirSync(fetched).filter((name) => name.endsWith('.db'));
  expect(statSync(join(fetched, snapshot!)).size).toBeGreaterThan(MIB * 2 ** 20);
}, 3_600_000);

it('restores it from the bucket on three hosts', async () => {
  await cluster.etcdctl('m1', 'put /registry/pods/ns/later it-is');
  expect(await everything()).not.toBe(keys);
  await expectFlat('restore', '--from', BUCKET, ...CONFIRMED);
  expect(await everything()).toBe(keys);
}, 3_600_000);

it.runIf(FULL)(
  'does the same with a directory of this machine',
  async () => {
    await expectFlat('snapshot', 'save', '--to', 'kept', '-t', 'masters');
    // What the first restore has kept is not asked for any more, and takes the room of a gigabyte each.
    await cluster.onEach('rm -rf /var/lib/etcd.pre-* /var/lib/quorate/restores/*');
    await expectFlat('restore', '--from', 'kept', ...CONFIRMED);
    expect(await everything()).toBe(keys);
  },
  3_600_000,
);
