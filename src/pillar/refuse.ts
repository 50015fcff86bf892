// How keys that do not agree are told.
import type { Failure } from '../failure.ts';
import type { Path } from '../value.ts';
import { SCHEMA_DEFAULT } from './layer.ts';
import type { Pillar } from './pillar.ts';

/** The place is that of the key somebody set, rather than of a default. */
export function refuse(pillar: Pillar, paths: Path[], message: string, next: string): Failure {
  const origins = paths.flatMap((path) => pillar.origins(path).slice(0, 1));
  const origin = origins.findLast((each) => each.layer !== SCHEMA_DEFAULT) ?? origins.at(-1);
  return { reason: 'schema', message, next, host: pillar.host, ...(origin && { place: origin.place }) };
}
