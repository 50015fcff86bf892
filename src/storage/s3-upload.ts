// A file to a bucket, part by part through one buffer. The SDK's own Upload copies every byte three times, and V8 lets
// tens of megabytes of the copies lie about.
import { type FileHandle, open } from 'node:fs/promises';
import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';

/** S3 takes 10,000 parts at most, none but the last below 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024;
const MOST_PARTS = 9000;

export interface UploadOptions {
  sdk: typeof import('@aws-sdk/client-s3');
  client: S3Client;
  file: string;
  object: { Bucket: string; Key: string };
  /** How the bucket encrypts it. */
  encryption: { ServerSideEncryption?: 'AES256' | 'aws:kms'; SSEKMSKeyId?: string };
  signal: AbortSignal | undefined;
  onProgress: ((done: number, total: number) => void) | undefined;
}

/** Where an object of that name is there already, the bucket refuses the last request: 412, or 409 while two race. */
export async function upload(options: UploadOptions): Promise<void> {
  const handle = await open(options.file, 'r');
  try {
    const { size } = await handle.stat();
    const partBytes = Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS));
    await (size <= partBytes ? uploadWhole(options, handle, size) : uploadParts(options, handle, size, partBytes));
  } finally {
    await handle.close();
  }
}

async function uploadWhole(options: UploadOptions, handle: FileHandle, size: number): Promise<void> {
  const { sdk, client, object, encryption, signal, onProgress } = options;
  const Body = await readExactly(handle, Buffer.allocUnsafeSlow(size), 0);
  await client.send(new sdk.PutObjectCommand({ ...object, ...encryption, Body, IfNoneMatch: '*' }), during(signal));
  onProgress?.(size, size);
}

async function uploadParts(
  { sdk, client, object, encryption, signal, onProgress }: UploadOptions,
  handle: FileHandle,
  size: number,
  partBytes: number,
): Promise<void> {
  // As the SDK does with each part, unless the environment or profile tells it not to.
  const checked = (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED';
  const { UploadId } = await client.send(
    new sdk.CreateMultipartUploadCommand({
      ...object,
      ...encryption,
      ...(checked ? { ChecksumAlgorithm: 'CRC32' } : {}),
    }),
    during(signal),
  );
  const whole = { ...object, UploadId };
  try {
    const buffer = Buffer.allocUnsafeSlow(partBytes);
    const Parts: CompletedPart[] = [];
    for (let done = 0; done < size; ) {
      const Body = await readExactly(handle, buffer.subarray(0, Math.min(partBytes, size - done)), done);
      const PartNumber = Parts.length + 1;
      const { ETag, ChecksumCRC32 } = await client.send(
        new sdk.UploadPartCommand({ ...whole, PartNumber, Body }),
        during(signal),
      );
      Parts.push({ PartNumber, ETag, ChecksumCRC32 });
      done += Body.length;
      onProgress?.(done, size);
    }
    const complete = { ...whole, MultipartUpload: { Parts }, IfNoneMatch: '*' };
    await client.send(new sdk.CompleteMultipartUploadCommand(complete), during(signal));
  } catch (error) {
    // A bucket keeps the parts of an upload that nobody has ended, and charges for them.
    await client.send(new sdk.AbortMultipartUploadCommand(whole)).catch(() => {});
    throw error;
  }
}

/** @returns the buffer, full */
async function readExactly(handle: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  for (let read = 0; read < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, read, buffer.length - read, position + read);
    if (bytesRead === 0) throw new Error('the file was shortened while it was read');
    read += bytesRead;
  }
  return buffer;
}

function during(signal: AbortSignal | undefined) {
  return signal ? { abortSignal: signal } : {};
}
