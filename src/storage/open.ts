// From what an operator typed to the place itself.
import { type Attempt, fail } from '../failure.ts';
import type { ApplySession } from '../transport/session.ts';
import { openDirectory } from './file.ts';
import type { Place } from './place.ts';
import type { S3Options } from './s3.ts';
import type { PlaceUrl } from './url.ts';

export interface OpenOptions extends S3Options {
  signal: AbortSignal;
  /** A connection of the place's own, which ends with it. Absent where no inventory was given. */
  connect?: ((host: string) => Promise<Attempt<ApplySession>>) | undefined;
}

/** Connects to a host where the place is one; everything else is reached for when it is used. */
export async function openPlace(url: PlaceUrl, options: OpenOptions): Promise<Attempt<Place>> {
  switch (url.kind) {
    case 'file':
      return { ok: true, value: openDirectory(url.directory) };
    case 's3': {
      const { openBucket } = await import('./s3.ts');
      return openBucket(url.bucket, url.prefix, options);
    }
    case 'host': {
      if (!options.connect) {
        return fail({
          reason: 'usage',
          message: `host://${url.host}${url.directory} is on a host, and no inventory says how to reach it`,
          next: 'pass -i PATH and -t, or give another place',
        });
      }
      const session = await options.connect(url.host);
      if (!session.ok) return session;
      const { openHostDirectory } = await import('./host.ts');
      return {
        ok: true,
        value: openHostDirectory({ session: session.value, directory: url.directory, signal: options.signal }),
      };
    }
  }
}
