import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etcdContent } from '../../../../src/modules/etcd/content.ts';
import { complete, describeCases } from '../cases.ts';
import { Host, SHELLS } from '../host.ts';

const CANARY = '{"run":"r1"}';
const WANT = {
  keys: 12,
  prefixes: { '/registry/pods': 8, '/registry/services': 1, '/registry/services/specs': 2 },
  canary: CANARY,
};
const VALUE = Buffer.from(CANARY).toString('base64');
const NEXT =
  'find out who writes to this cluster already (an API server elsewhere?); `quorate undo` takes the restore back';
const said = (...counts: number[]) =>
  `asked\n${counts.join('\n')}\n{"header":{"revision":3},"kvs":[{"key":"x","value":"${VALUE}"}],"count":1}\n`;

describeCases(etcdContent, [
  { it: 'is content with what the snapshot had', want: WANT, observed: said(12, 8, 3, 2) },
  {
    it: 'refuses one key too many, and says of which kind',
    want: WANT,
    observed: said(13, 9, 3, 2),
    changes: {
      refused:
        'the cluster does not serve what the snapshot had; API servers stay down\nkeys: 12 in the snapshot, 13 in the cluster\nkeys of /registry/pods: 8 in the snapshot, 9 in the cluster',
      next: NEXT,
    },
  },
  {
    it: 'refuses an empty cluster',
    want: WANT,
    observed: 'asked\n0\n0\n0\n0\n{"header":{"revision":1}}\n',
    changes: {
      refused:
        'the cluster does not serve what the snapshot had; API servers stay down\nkeys: 12 in the snapshot, 0 in the cluster\nkeys of /registry/pods: 8 in the snapshot, 0 in the cluster\nkeys of /registry/services: 1 in the snapshot, 0 in the cluster\nkeys of /registry/services/specs: 2 in the snapshot, 0 in the cluster\nthe canary is not that of the snapshot',
      next: NEXT,
    },
  },
]);

describe.each(SHELLS)('with %s', (shell) => {
  let host: Host;
  beforeEach(() => {
    host = new Host(shell);
  });
  afterEach(() => host.remove());

  const want = () => complete(etcdContent, { ...WANT, bin_dir: host.binaries, pki_dir: host.root });
  function etcdctl(text: string): void {
    writeFileSync(join(host.binaries, 'etcdctl'), `#!/bin/sh\n${text}\n`);
    chmodSync(join(host.binaries, 'etcdctl'), 0o755);
  }

  it('asks for all keys, those of each kind, and the canary', () => {
    etcdctl(`for last; do :; done
case $last in
  '') echo '{"header":{},"kvs":[{"key":"YQ=="}],"more":true,"count":12}' ;;
  /registry/pods/) echo '{"header":{},"kvs":[{"key":"YQ=="}],"count":8}' ;;
  /registry/services/) echo '{"header":{},"count":3}' ;;
  /registry/services/specs/) echo '{"header":{}}' ;;
  json) echo '{"header":{},"kvs":[{"key":"YQ==","value":"${VALUE}"}],"count":1}' ;;
esac`);
    expect(host.read(etcdContent, want()).seen).toEqual({ keys: 12, below: [8, 3, 0], canary: CANARY });
  });

  it('fails where the member does not answer, instead of counting nothing', () => {
    etcdctl('echo "context deadline exceeded" >&2; exit 1');
    expect(host.run(etcdContent.read(want() as never))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('context deadline exceeded'),
    });
  });
});
