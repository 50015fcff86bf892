// Whether members have the same data: all of them, at one revision, with the same things forgotten.
import { describe, expect, it } from 'vitest';
import { compareData, type SurveyOptions } from '../../../../src/engine/snapshot/survey.ts';
import type { AskedMember } from '../../../../src/etcd/snapshot/choose.ts';
import type { MemberStatus } from '../../../../src/etcd/status.ts';
import type { Answer } from '../../../../src/shell/program.ts';
import type { ApplySession } from '../../../../src/transport/session.ts';

interface Said {
  hash?: number;
  compacted?: number;
  error?: string;
}

/** Members that answer `endpoint hashkv` in turn, and the scripts that they were sent. */
function members(turns: { [host: string]: Said[] }) {
  const scripts: string[] = [];
  const sessions = new Map<string, ApplySession>();
  for (const [host, says] of Object.entries(turns)) {
    const read: ApplySession['read'] = async ({ parts }) => {
      scripts.push(parts[0]!.script);
      const { hash, compacted = 5, error = '' } = says.length > 1 ? says.shift()! : says[0]!;
      const json = JSON.stringify([{ Endpoint: 'x', HashKV: { header: {}, hash, compact_revision: compacted } }]);
      const stdout = Buffer.from(hash === undefined ? '' : json);
      const answer: Answer = {
        id: 'etcdctl',
        state: 'ran',
        status: error ? 1 : 0,
        stdout,
        stderr: error,
        truncated: false,
        ms: 1,
      };
      return { answers: [answer] };
    };
    sessions.set(host, { host, read } as ApplySession);
  }
  const names = Object.keys(turns);
  const options: SurveyOptions = {
    sessions,
    members: names,
    pillar: () => ({ etcd_bin_dir: '/usr/local/bin', etcd_data_dir: '/var/lib/etcd', etcd_client_port: 2379 }),
    signal: new AbortController().signal,
    limitMs: 1000,
  };
  const asked: AskedMember[] = names.map((host) => ({ host, status: { learner: false } as MemberStatus }));
  return { options, asked, scripts };
}

describe('the data of members', () => {
  it('is the same where all hashes are, and it was asked for at the revision that was given', async () => {
    const { options, asked, scripts } = members({ m1: [{ hash: 7 }], m2: [{ hash: 7 }] });
    const compared = await compareData(options, asked, 42);
    expect(compared).toEqual({ ok: true, value: { hosts: ['m1', 'm2'], revision: 42, hash: '7', compacted: 5 } });
    expect(scripts).toHaveLength(2);
    for (const script of scripts) expect(script).toMatch(/endpoint hashkv --rev=42 -w json$/);
  });

  it('is not the same where one hash differs', async () => {
    const { options, asked } = members({ m1: [{ hash: 7 }], m2: [{ hash: 8 }], m3: [{ hash: 7 }] });
    expect(await compareData(options, asked, 42)).toMatchObject({
      ok: false,
      failures: [{ reason: 'guard', message: expect.stringContaining('m1 7, m2 8, m3 7') }],
    });
  });

  it('is asked for again where a member is a moment behind, or compacts a moment later', async () => {
    const { options, asked, scripts } = members({
      m1: [{ hash: 9, compacted: 4 }, { hash: 7 }],
      m2: [{ error: 'required revision is a future revision' }, { hash: 7 }],
    });
    expect(await compareData(options, asked, 42)).toMatchObject({ ok: true });
    expect(scripts).toHaveLength(4);
  });

  it('is not taken for the same where a member never gets there', async () => {
    const { options, asked } = members({
      m1: [{ hash: 7 }],
      m2: [{ error: 'a\nrequired revision is a future revision' }],
    });
    expect(await compareData(options, asked, 42)).toMatchObject({
      ok: false,
      failures: [
        { reason: 'guard', message: expect.stringMatching(/of m2 .*: required revision is a future revision$/) },
      ],
    });
  });
});
