// A bucket of S3, or of anything that speaks its protocol. Credentials, region and endpoint come as the AWS SDK finds them.
import type { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { type Attempt, fail, succeed } from '../failure.ts';
import { alreadyThere, type Place, type StoredFile, storageFailure } from './place.ts';
import { upload } from './s3-upload.ts';

/** As the pillar's `snapshot` gives them. */
export interface S3Options {
  /** Absent: what the SDK's environment or profile says (AWS_ENDPOINT_URL_S3), else AWS. */
  endpoint?: string | undefined;
  /** `AES256` or `aws:kms`: how the bucket encrypts what it keeps. Absent: as the bucket is set up. */
  sse?: string | undefined;
  kmsKey?: string | undefined;
}

/** Fails where the SDK is not installed: it is 23 MB, and only needed for this. */
export async function openBucket(bucket: string, prefix: string, options: S3Options = {}): Promise<Attempt<Place>> {
  const url = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const sdk = await import('@aws-sdk/client-s3').catch(() => undefined);
  if (!sdk) {
    const next = 'npm install @aws-sdk/client-s3';
    return fail({ reason: 'storage', message: `${url}: the AWS SDK is not installed`, next });
  }
  const endpoint = options.endpoint ?? process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  const client = await createClient(sdk.S3Client, endpoint);
  const keyOf = (name: string) => (prefix === '' ? name : `${prefix}/${name}`);
  const encryption = {
    ...(options.sse ? { ServerSideEncryption: options.sse as 'AES256' | 'aws:kms' } : {}),
    ...(options.kmsKey ? { SSEKMSKeyId: options.kmsKey } : {}),
  };
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
      try {
        await upload({
          sdk,
          client,
          file,
          object: { Bucket: bucket, Key: keyOf(name) },
          encryption,
          signal,
          onProgress,
        });
        return succeed(undefined);
      } catch (error) {
        return [409, 412].includes(statusOf(error) ?? 0) ? fail(alreadyThere(url, name)) : failed(error);
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
