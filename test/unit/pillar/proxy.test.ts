import { expect, test } from 'vitest';
import { proxyVariables } from '../../../src/pillar/proxy.ts';
import { isSensitive, Sensitive } from '../../../src/sensitive.ts';

const MEMBERS = ['192.0.2.11', 'm2.example.com', 'fd00::13'];
const HTTP = 'http://proxy.example.com:3128';

test('the members of the cluster are never reached through the proxy', () => {
  expect(proxyVariables({ proxy: { http: HTTP, https: null } }, MEMBERS)).toEqual({
    HTTP_PROXY: HTTP,
    NO_PROXY: '192.0.2.11,m2.example.com,fd00::13,localhost,127.0.0.1,::1',
  });
});

test('neither is what is only inside Kubernetes, where the control plane is managed', () => {
  const pillar = {
    control_plane_endpoint: '[fd00::100]:6443',
    service_cidr: '10.96.0.0/12',
    dns_domain: 'cluster.local',
    proxy: { https: HTTP, no_proxy: ['.internal', '192.0.2.11'] },
  };
  expect(proxyVariables({ control_plane: 'managed', ...pillar }, MEMBERS)!.NO_PROXY).toBe(
    '192.0.2.11,m2.example.com,fd00::13,localhost,127.0.0.1,::1,fd00::100,10.96.0.0/12,.svc,.cluster.local,.internal',
  );
  expect(proxyVariables({ control_plane: 'none', ...pillar }, MEMBERS)!.NO_PROXY).toBe(
    '192.0.2.11,m2.example.com,fd00::13,localhost,127.0.0.1,::1,.internal',
  );
});

test('without a proxy there are no variables', () => {
  expect(proxyVariables({}, MEMBERS)).toBeUndefined();
  expect(proxyVariables({ proxy: { http: null, no_proxy: ['x'] } }, MEMBERS)).toBeUndefined();
});

test('a secret stays one', () => {
  const secret = new Sensitive('secret.example.com');
  const variables = proxyVariables({ proxy: { http: new Sensitive(HTTP), no_proxy: [secret] } as never }, MEMBERS)!;
  expect(isSensitive(variables.HTTP_PROXY) && isSensitive(variables.NO_PROXY)).toBe(true);
});
