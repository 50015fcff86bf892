import { describe, expect, it } from 'vitest';
import { explainFlag, hasFlag } from '../../../src/etcd/flags.ts';

/** Counted in `etcd --help` of Debian's 3.4.23, 3.5.16 and 3.5.30, and in the source of 3.6. */
const VERSIONS = ['3.4.23', '3.5.16', '3.5.30', '3.6.1'];

function who(flag: string): string[] {
  return VERSIONS.filter((version) => hasFlag(flag, version));
}

describe('the flags of etcd', () => {
  it('are those that the version has', () => {
    expect(who('listen-metrics-urls')).toEqual(VERSIONS);
    expect(who('enable-v2')).toEqual(['3.4.23', '3.5.16', '3.5.30']);
    expect(who('proxy')).toEqual(['3.4.23', '3.5.16', '3.5.30']);
    expect(who('log-output')).toEqual(['3.4.23']);
    expect(who('socket-reuse-port')).toEqual(['3.5.16', '3.5.30', '3.6.1']);
    expect(who('experimental-compact-hash-check-enabled')).toEqual(['3.5.16', '3.5.30', '3.6.1']);
    expect(who('feature-gates')).toEqual(['3.6.1']);
    expect(hasFlag('experimental-initial-corrupt-check', '3.7.1')).toBe(false);
  });

  it('come with patch releases too, and not in the order of versions', () => {
    const has = (version: string) => hasFlag('tls-min-version', version);
    expect(['3.4.24', '3.4.25', '3.5.0', '3.5.7', '3.5.8', '3.6.0', '3.6.0-rc.1'].filter(has)).toEqual([
      '3.4.25',
      '3.5.8',
      '3.6.0',
      '3.6.0-rc.1',
    ]);
  });

  it('are, where the version is not known, those that every etcd has', () => {
    expect(hasFlag('snapshot-count', undefined)).toBe(true);
    expect(hasFlag('enable-v2', undefined)).toBe(false);
  });

  it.each([
    ['listen-metrics-urls', '3.4.0', undefined, undefined],
    ['enabel-pprof', '3.5.16', 'no etcd has a flag --enabel-pprof', 'did you mean enable-pprof?'],
    ['proxy', '3.6.1', 'etcd 3.6.1 has no flag --proxy', 'leave it out'],
    ['debug', '3.5.16', 'etcd 3.5.16 has no flag --debug', 'write log-level: debug'],
    ['log-output', '3.5.16', 'etcd 3.5.16 has no flag --log-output', 'write log-outputs'],
    [
      'experimental-initial-corrupt-check',
      '3.7.1',
      'etcd 3.7.1 has no flag --experimental-initial-corrupt-check',
      'write feature-gates: InitialCorruptCheck=true',
    ],
    [
      'experimental-corrupt-check-time',
      '3.7.0',
      'etcd 3.7.0 has no flag --experimental-corrupt-check-time',
      'write corrupt-check-time',
    ],
    [
      'feature-gates',
      '3.5.16',
      'etcd 3.5.16 has no flag --feature-gates',
      'before 3.6 each feature has a flag of its own, experimental-…',
    ],
  ])('%s is explained for etcd %s', (flag, version, wrong, next) => {
    expect(explainFlag(flag, version)).toEqual(wrong && { wrong, next });
  });
});
