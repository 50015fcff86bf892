import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEndpointStatus } from '../../../src/etcd/status.ts';

// Written out by hand in the form of each minor version (field names of StatusResponse), not captured from a run.
const STATUS = {
  '3.4':
    '[{"Endpoint":"127.0.0.1:2379","Status":{"header":{"cluster_id":14841639068965178418,"member_id":10276657743932975437,"revision":7,"raft_term":2},"version":"3.4.23","dbSize":20480,"leader":10276657743932975437,"raftIndex":9,"raftTerm":2,"raftAppliedIndex":9,"dbSizeInUse":16384}}]',
  '3.5':
    '[{"Endpoint":"http://127.0.0.1:2379","Status":{"header":{"cluster_id":17237436991929493444,"member_id":9372538179322589801,"raft_term":3},"version":"3.5.16","dbSize":25165824,"leader":10501334649042878790,"raftIndex":20,"raftTerm":3,"raftAppliedIndex":19,"dbSizeInUse":24576,"isLearner":true}}]\n',
  '3.6':
    '[{"Endpoint":"127.0.0.1:2379","Status":{"header":{"cluster_id":1,"member_id":18446744073709551615,"revision":1,"raft_term":2},"version":"3.6.4","dbSize":20480,"raftIndex":4,"raftTerm":2,"raftAppliedIndex":4,"errors":["etcdserver: no leader"],"dbSizeInUse":16384,"storageVersion":"3.6.0","dbSizeQuota":2147483648,"downgradeInfo":{}}}]',
};

test('a leader of 3.4', () => {
  expect(parseEndpointStatus(STATUS['3.4'])).toEqual({
    endpoint: '127.0.0.1:2379',
    healthy: true,
    leader: true,
    memberId: '8e9e05c52164694d',
    clusterId: 'cdf818194e3a8c32',
    leaderId: '8e9e05c52164694d',
    version: '3.4.23',
    learner: false,
    dbSize: 20480,
    dbSizeInUse: 16384,
    revision: 7,
    raftTerm: 2,
    raftIndex: 9,
    raftAppliedIndex: 9,
    errors: [],
  });
});

test('a learner of 3.5 that follows, at revision 0, which Go leaves out', () => {
  expect(parseEndpointStatus(STATUS['3.5'])).toMatchObject({
    healthy: true,
    leader: false,
    learner: true,
    memberId: '8211f1d0f64f3269',
    leaderId: '91bc3c398fb3c146',
    revision: 0,
    raftIndex: 20,
    raftAppliedIndex: 19,
  });
});

test('a member of 3.6 that knows no leader is not healthy', () => {
  const status = parseEndpointStatus(STATUS['3.6'])!;
  expect(status).toMatchObject({
    healthy: false,
    leader: false,
    memberId: 'ffffffffffffffff',
    clusterId: '1',
    storageVersion: '3.6.0',
    dbSizeQuota: 2147483648,
    errors: ['etcdserver: no leader'],
  });
  expect(status).not.toHaveProperty('leaderId');
});

test.each([
  '',
  'null',
  '[]',
  '{}',
  '[null]',
  '[{"Endpoint":"a"}]',
  '[{"Status":{}}]',
  '[{"Status":{"header":{}}}]',
  'Error: x',
  '[1]',
  '"',
])('%s is no status', (text) => {
  expect(parseEndpointStatus(text)).toBeUndefined();
});

test('whatever the text, it is a status or nothing, never an exception', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((json) => `[{"Status":{"header":${json},"errors":${json}}}]`),
  );
  fc.assert(fc.property(texts, (text) => void parseEndpointStatus(text)));
});

test('ids keep all their 64 bits', () => {
  const id = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(id, id, id, (cluster, member, leader) => {
      const text = `[{"Endpoint":"e","Status":{"header":{"cluster_id":${cluster},"member_id":${member}},"version":"3.5.16","leader":${leader}}}]`;
      expect(parseEndpointStatus(text)).toMatchObject({
        clusterId: cluster.toString(16),
        memberId: member.toString(16),
        leaderId: leader.toString(16),
        leader: leader === member,
      });
    }),
  );
});
