import { expect, test } from 'vitest';
import { initialCluster, parseMemberList } from '../../../src/etcd/members.ts';

test('a list of 3.4 and 3.5, with ids of 64 bits, a learner and one that has not started', () => {
  const text = `{"header":{"cluster_id":17237436991929493444,"member_id":9372538179322589801,"raft_term":2},"members":[
    {"ID":9372538179322589801,"name":"m1","peerURLs":["https://10.0.0.1:2380"],"clientURLs":["https://10.0.0.1:2379"]},
    {"ID":18446744073709551615,"name":"","peerURLs":["https://10.0.0.2:2380"],"isLearner":true}]}`;
  expect(parseMemberList(text)).toEqual([
    { id: '8211f1d0f64f3269', name: 'm1', peerUrls: ['https://10.0.0.1:2380'], started: true, learner: false },
    { id: 'ffffffffffffffff', name: '', peerUrls: ['https://10.0.0.2:2380'], started: false, learner: true },
  ]);
});

test.each(['', 'null', '{}', '{"members":[{"name":"m1"}]}', '[]'])('%j is no list', (text) => {
  expect(parseMemberList(text)).toBeUndefined();
});

test('the initial cluster is the same in whatever order its members are declared', () => {
  const members = ['b', 'a', 'c'].map((name) => ({ name, peerUrl: `https://${name}:2380` }));
  expect(initialCluster(members)).toBe('a=https://a:2380,b=https://b:2380,c=https://c:2380');
  expect(initialCluster(members.toReversed())).toBe(initialCluster(members));
});
