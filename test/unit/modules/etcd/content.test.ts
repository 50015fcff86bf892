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
const WRONG = 'the cluster does not serve what the snapshot had; API servers stay down';
const canary = `canary {"header":{"revision":3},"kvs":[{"key":"x","value":"${VALUE}"}],"count":1}\n`;
const said = (...counts: number[]) => `asked\nnow 3\ncurrent ${counts.join(' ')}\n${canary}`;
const AT = { ...WANT, revision: 7 };
const saidAt = (counted: string, current: string) => `asked\nnow 1000000009\n${counted}${current}${canary}`;

describeCases(etcdContent, [
  { it: 'is content with what the snapshot had', want: WANT, observed: said(12, 8, 3, 2) },
  {
    it: 'refuses one key too many, and says of which kind',
    want: WANT,
    observed: said(13, 9, 3, 2),
    changes: {
      refused: `${WRONG}\nkeys: 12 in the snapshot, 13 in the cluster\nkeys of /registry/pods: 8 in the snapshot, 9 in the cluster`,
      next: NEXT,
    },
  },
  {
    it: 'refuses an empty cluster',
    want: WANT,
    observed: 'asked\nnow 1\ncurrent 0 0 0 0\ncanary {"header":{"revision":1}}\n',
    changes: {
      refused: `${WRONG}\nkeys: 12 in the snapshot, 0 in the cluster\nkeys of /registry/pods: 8 in the snapshot, 0 in the cluster\nkeys of /registry/services: 1 in the snapshot, 0 in the cluster\nkeys of /registry/services/specs: 2 in the snapshot, 0 in the cluster\nthe canary is not that of the snapshot`,
      next: NEXT,
    },
  },
  {
    it: 'is content where keys have gone with their leases since the snapshot’s revision',
    want: AT,
    observed: saidAt('counted 12 8 3 2\n', 'current 9 5 3 2\n'),
  },
  {
    it: 'refuses what was not all there at that revision',
    want: AT,
    observed: saidAt('counted 11 7 3 2\n', 'current 11 7 3 2\n'),
    changes: {
      refused: `${WRONG}\nkeys: 12 in the snapshot, 11 in the cluster\nkeys of /registry/pods: 8 in the snapshot, 7 in the cluster`,
      next: NEXT,
    },
  },
  {
    it: 'refuses a key that was written since, though others have gone',
    want: AT,
    observed: saidAt('counted 12 8 3 2\n', 'current 8 3 4 2\n'),
    changes: { refused: `${WRONG}\nkeys of /registry/services: 1 in the snapshot, 2 in the cluster`, next: NEXT },
  },
  {
    it: 'takes fewer keys where etcd has compacted that revision, and never more',
    want: AT,
    observed: saidAt('', 'current 9 5 3 2\n'),
  },
  {
    it: 'refuses more where etcd has compacted that revision',
    want: AT,
    observed: saidAt('', 'current 12 9 2 2\n'),
    changes: { refused: `${WRONG}\nkeys of /registry/pods: 8 in the snapshot, 9 in the cluster`, next: NEXT },
  },
  {
    it: 'refuses a cluster that has not come as far as the snapshot',
    want: AT,
    observed: `asked\nnow 6\ncurrent 12 8 3 2\n${canary}`,
    changes: { refused: `${WRONG}\nrevision: 7 in the snapshot, 6 in the cluster`, next: NEXT },
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

  /** `now`: its revision. `gone`: the revisions that it has compacted. At now it has lost two pods. */
  const member = (now: number, gone: string) => `for last; do :; done
case " $* " in *" --rev=${gone} "*) echo "etcdserver: mvcc: required revision has been compacted" >&2; exit 1;; esac
case " $* " in *' --rev='*) pods=8 ;; *) pods=6 ;; esac
case $last in
  '') echo '{"header":{},"kvs":[{"key":"YQ=="}],"more":true,"count":'$((pods + 4))'}' ;;
  /registry/pods/) echo '{"header":{},"kvs":[{"key":"YQ=="}],"count":'$pods'}' ;;
  /registry/services/) echo '{"header":{},"count":3}' ;;
  /registry/services/specs/) echo '{"header":{}}' ;;
  /quorate/canary) echo '{"header":{"revision":${now}},"kvs":[{"key":"YQ==","value":"${VALUE}"}],"count":1}' ;;
esac`;
  const current = { keys: 10, below: [6, 3, 0] };
  const counted = { keys: 12, below: [8, 3, 0] };
  it.each([
    ['as of now where no revision is wanted', null, 9, 'none', null],
    ['at the revision of the snapshot', 7, 9, 'none', counted],
    ['at that revision as it was raised', 7, 1_000_000_009, '7', counted],
    ['as of now where that was compacted', 7, 1_000_000_009, '1000000007', null],
    ['as of now where the cluster is behind it', 7, 6, 'none', null],
  ])('counts all keys and those of each kind, %s', (_when, revision, now, gone, exact) => {
    etcdctl(member(now, gone));
    expect(host.read(etcdContent, { ...want(), revision }).seen).toEqual({
      now,
      current,
      counted: exact,
      canary: CANARY,
    });
  });

  it('counts once where nothing was written since', () => {
    etcdctl(member(7, 'none'));
    expect(host.read(etcdContent, { ...want(), revision: 7 }).seen).toEqual({
      now: 7,
      current: counted,
      counted,
      canary: CANARY,
    });
  });

  it('fails where the member does not answer, instead of counting nothing', () => {
    etcdctl('echo "context deadline exceeded" >&2; exit 1');
    expect(host.run(etcdContent.read(want() as never))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('context deadline exceeded'),
    });
  });
});
