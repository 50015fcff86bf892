// A bucket of S3, or of anything that speaks its protocol. Credentials, region and endpoint come as the AWS SDK finds them.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Attempt, fail, succeed } from '../failure.ts';
import { alreadyThere, type Place, type StoredFile, storageFailure } from './place.ts';

/** As the pillar's `snapshot` gives them. */
export interface S3Options {
  /** Absent: what the SDK's environment or profile says (AWS_ENDPOINT_URL_S3), else AWS. */
  endpoint?: string | undefined;
  /** `AES256` or `aws:kms`: how the bucket encrypts what it keeps. Absent: as the bucket is set up. */
  sse?: string | undefined;
  kmsKey?: string | undefined;
}

/** Two of these are in memory at once. S3 takes 10,000 parts at most, none but the last below 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024;
const MOST_PARTS = 9000;

/** Fails where the SDK is not installed: it is 23 MB, and only needed for this. */
export async function openBucket(bucket: string, prefix: string, options: S3Options = {}): Promise<Attempt<Place>> {
  const url = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const [sdk, storage] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')]).catch(
    () => [undefined, undefined] as const,
  );
  if (!sdk || !storage) {
    const next = 'npm install @aws-sdk/client-s3 @aws-sdk/lib-storage';
    return fail({ reason: 'storage', message: `${url}: the AWS SDK is not installed`, next });
  }
  const endpoint = options.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  const client = await createClient(sdk.S3Client, endpoint);
  const keyOf = (name: string) => (prefix === '' ? name : `${prefix}/${name}`);
  const failed = (error: unknown) => fail(storageFailure(url, explain(error)));

  async function head(name: string): Promise<Attempt<StoredFile | undefined>> {
    try {
      const found = await client.send(new sdk!.HeadObjectCommand({ Bucket: bucket, Key: keyOf(name) }));
      return succeed({ name, size: found.ContentLength ?? 0, time: found.LastModified ?? new Date(0) });
    } catch (error) {
      return statusOf(error) === 404 ? succeed(undefined) : failed(error);
    }
  }

  return succeed({
    url,
    head,
    async list() {
      const files: StoredFile[] = [];
      const within = prefix === '' ? '' : `${prefix}/`;
      try {
        for (let token: string | undefined, first = true; first || token; first = false) {
          const page: Awaited<ReturnType<typeof listPage>> = await listPage(token);
          for (const { Key, Size, LastModified } of page.Contents ?? []) {
            if (Key) files.push({ name: Key.slice(within.length), size: Size ?? 0, time: LastModified ?? new Date(0) });
          }
          token = page.NextContinuationToken;
        }
        return succeed(files);
      } catch (error) {
        return failed(error);
      }
      function listPage(token: string | undefined) {
        const more = token === undefined ? {} : { ContinuationToken: token };
        return client.send(new sdk!.ListObjectsV2Command({ Bucket: bucket, Prefix: within, Delimiter: '/', ...more }));
      }
    },
    async put(name, file, { signal, onProgress } = {}) {
      // Asked first, so that a whole upload is not in vain; If-None-Match is what decides.
      const found = await head(name);
      if (!found.ok) return found;
      if (found.value) return fail(alreadyThere(url, name));
      const { size } = await stat(file);
      const upload = new storage.Upload({
        client,
        queueSize: 2,
        partSize: Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS)),
        params: {
          Bucket: bucket,
          Key: keyOf(name),
          Body: createReadStream(file, { highWaterMark: 1024 * 1024 }),
          IfNoneMatch: '*',
          ...(options.sse ? { ServerSideEncryption: options.sse as 'AES256' | 'aws:kms' } : {}),
          ...(options.kmsKey ? { SSEKMSKeyId: options.kmsKey } : {}),
        },
      });
      upload.on('httpUploadProgress', ({ loaded }) => onProgress?.(loaded ?? 0, size));
      const abort = () => void upload.abort();
      signal?.addEventListener('abort', abort, { once: true });
      try {
        await upload.done();
        return succeed(undefined);
      } catch (error) {
        // The SDK leaves the parts of an interrupted upload behind, and a bucket charges for them.
        const parts = { Bucket: bucket, Key: keyOf(name), UploadId: upload.uploadId };
        if (upload.uploadId) await client.send(new sdk.AbortMultipartUploadCommand(parts)).catch(() => {});
        return [409, 412].includes(statusOf(error) ?? 0) ? fail(alreadyThere(url, name)) : failed(error);
      } finally {
        signal?.removeEventListener('abort', abort);
      }
    },
    async get(name, take, { signal, onProgress } = {}) {
      try {
        const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: keyOf(name) });
        const got = await client.send(command, signal ? { abortSignal: signal } : {});
        const total = got.ContentLength ?? 0;
        let done = 0;
        for await (const chunk of got.Body as Readable) {
          await take(chunk);
          done += chunk.length;
          onProgress?.(done, total);
        }
        return done === total ? succeed(undefined) : failed(new Error(`${name} ended after ${done} of ${total} bytes`));
      } catch (error) {
        return statusOf(error) === 404 ? failed(new Error(`there is no ${name}`)) : failed(error);
      }
    },
    async remove(name) {
      try {
        await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: keyOf(name) }));
        return succeed(undefined);
      } catch (error) {
        return failed(error);
      }
    },
    close: async () => client.destroy(),
  });
}

/** Servers other than AWS have no regions and seldom a name for each bucket: the SDK must still be given one. */
async function createClient(Client: typeof S3Client, endpoint: string | undefined): Promise<S3Client> {
  if (endpoint === undefined) return new Client({});
  const own = { endpoint, forcePathStyle: true };
  const client = new Client(own);
  const region = await client.config.region().catch(() => undefined);
  return region === undefined ? new Client({ ...own, region: 'us-east-1' }) : client;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** The server's own words. The SDK puts no credentials into its errors; its requests are never shown. */
function explain(error: unknown): string {
  const { name, message } = error as Error;
  return name === 'Error' || message.includes(name) ? message : `${name}: ${message}`;
}
