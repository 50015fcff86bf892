import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { sh } from '../shell.ts';

/** A container image of one layer. */
export interface Image {
  /** Its whole name, such as registry.k8s.io/etcd:3.5.16-0. */
  readonly name: string;
  /** The folder whose content is the image's root. */
  readonly files: string;
  readonly command: readonly string[];
}

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

const TYPE = 'application/vnd.oci.image';
// How OCI, after Go, names what node names otherwise.
const ARCHITECTURES: Record<string, string> = { x64: 'amd64' };

/** Writes images as an OCI layout (https://github.com/opencontainers/image-spec/blob/main/image-layout.md) to `folder`. */
export async function writeLayout(folder: string, images: readonly Image[]): Promise<void> {
  const blobs = join(folder, 'blobs/sha256');
  mkdirSync(blobs, { recursive: true });
  const manifests: Descriptor[] = [];
  for (const image of images) {
    const layer = await writeLayer(blobs, image.files);
    const config = writeJson(blobs, `${TYPE}.config.v1+json`, {
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      os: 'linux',
      config: { Cmd: image.command, Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    });
    const type = `${TYPE}.manifest.v1+json`;
    const manifest = writeJson(blobs, type, { schemaVersion: 2, mediaType: type, config, layers: [layer] });
    manifests.push({ ...manifest, annotations: { 'io.containerd.image.name': image.name } });
  }
  writeFileSync(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

async function writeLayer(blobs: string, files: string): Promise<Descriptor> {
  const tar = join(blobs, 'layer');
  await sh`tar --create --file ${tar} --directory ${files} --sort=name --owner=0 --group=0 --numeric-owner .`;
  const hash = createHash('sha256');
  await pipeline(createReadStream(tar), hash);
  const hex = hash.digest('hex');
  const { size } = statSync(tar);
  renameSync(tar, join(blobs, hex));
  return { mediaType: `${TYPE}.layer.v1.tar`, digest: `sha256:${hex}`, size };
}

function writeJson(blobs: string, mediaType: string, value: unknown): Descriptor {
  const text = JSON.stringify(value);
  const hex = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(blobs, hex), text);
  return { mediaType, digest: `sha256:${hex}`, size: Buffer.byteLength(text) };
}
