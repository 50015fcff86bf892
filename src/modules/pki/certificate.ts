// pki.certificate: a certificate of a CA on the controller, and its key, which nobody but the host keeps.
import { fail, succeed } from '../../failure.ts';
import type { Entry } from '../file/entry.ts';
import { expectOwnership } from '../file/ownership.ts';
import type { Change, Module } from '../module.ts';
import { checkAdopted, warnOfAdopted } from './adopted.ts';
import { certificateSchema } from './certificate-schema.ts';
import { diffManaged, mustIssue, namesOf, type Seen, type Want } from './managed.ts';
import { fingerprintPair, type PairId, parsePair, pathsOfPair, readPair } from './pair.ts';
import { recallAuthority, type Trace } from './recall-authority.ts';
import { CERTIFICATE_MODE, OWNERSHIP, writeCertificate, writeOwnership, writePair } from './write.sh.ts';

export const pkiCertificate: Module<PairId, Want, Seen> = {
  name: 'pki.certificate',
  schema: certificateSchema,
  claims: ({ path }) => `file:${path}.crt`,
  paths: pathsOfPair,
  shared: true,
  read: readPair,
  parse: parsePair,
  async recall(want, controller, siblings) {
    if (want.adopted) return succeed(want);
    const own = siblings.filter(({ host }) => host === controller.host);
    const kept = await recallAuthority(want.ca, controller, () =>
      own.map(({ host, seen }) => traceOf(want, host, seen)),
    );
    return kept.ok ? succeed({ ...want, ...kept.value }) : kept;
  },
  diff: (want, seen) => (want.adopted ? (checkAdopted(demandsOf(want), seen) ?? []) : diffManaged(want, seen)),
  warn: (want, seen) => (want.adopted ? warnOfAdopted(demandsOf(want), seen) : []),
  expect,
  fingerprint: fingerprintPair,
  async prepare(want, seen, changes, { cluster }) {
    if (changes.every(({ path }) => OWNERSHIP.has(path))) return succeed(want);
    const kept = await cluster!.authorities.read(want.ca);
    if (!kept.ok) return kept;
    if (kept.value === undefined) {
      const message = `this controller has no CA ${want.ca} for cluster ${cluster!.name}`;
      return fail({ reason: 'guard', message, next: `declare pki.ca with name: ${want.ca}, and let this require it` });
    }
    const wish = {
      commonName: want.common_name,
      ...(want.organization === undefined ? {} : { organization: want.organization }),
      names: namesOf(want),
      usages: want.usages,
      days: want.days,
    };
    const { issueCertificate } = await import('../../pki/issue.ts');
    const issued = await issueCertificate(kept.value, wish, needsKey(changes) ? undefined : seen.publicKey);
    return succeed({ ...want, authority: kept.value.certificate, issued });
  },
  write(want) {
    const { issued } = want;
    if (issued === undefined) return writeOwnership(want);
    return issued.key === undefined
      ? writeCertificate(want, issued.certificate)
      : writePair(want, { certificate: issued.certificate, key: issued.key });
  },
};

function demandsOf(want: Want): Want {
  return { ...want, names: namesOf(want) };
}

function traceOf({ path }: Want, host: string, seen: Seen | undefined): Trace {
  if (seen === undefined) return { host, unknown: true };
  const [leaf] = seen.chain ?? [];
  return { host, has: leaf && `has ${path}.crt, which an earlier one signed` };
}

/** A key stays as long as it is one of ours: then a renewal replaces one file, and no handshake meets half a pair. */
function needsKey(changes: Change[]): boolean {
  return changes.some(({ path }) => path === 'exists' || path === 'key');
}

function expect(want: Want, seen: Seen): Seen {
  if (want.adopted) return seen;
  const anew = mustIssue(want, seen);
  const file = (entry: Entry, mode: string): Entry => {
    const known = entry.kind === 'regular' ? entry : undefined;
    const { size, sha256 } = known && !anew ? known : { size: 0, sha256: ''.padEnd(64, '0') };
    return { kind: 'regular', ...expectOwnership({ ...want, mode }, known), size, sha256 };
  };
  return {
    ...seen,
    certificate: file(seen.certificate, CERTIFICATE_MODE),
    key: file(seen.key, want.mode),
    ...(anew ? { later: true as const } : {}),
  };
}
