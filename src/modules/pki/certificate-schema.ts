// The parameters of pki.certificate.
import { ownershipProperties } from '../file/ownership.ts';
import { pathProperty, SENT_PATH_PATTERN } from '../file/path.ts';
import type { ParameterSchema } from '../module.ts';

const DAYS = { type: 'integer', maximum: 36500 };

export const certificateSchema: ParameterSchema = {
  type: 'object',
  description:
    'A certificate and its key, signed by a CA of this controller. It is made anew when it nears its end or says something else than is wanted here; its key stays unless something is wrong with that. The key is made on the controller, sent to the host, and kept nowhere else. What is replaced is kept in the trash.',
  properties: {
    path: {
      ...pathProperty('Where it is, without its endings: .crt and .key are added', '/etc/kubernetes/pki/etcd/server'),
      pattern: SENT_PATH_PATTERN,
    },
    ca: {
      type: 'string',
      pattern: '^[a-z0-9][a-z0-9_-]*$',
      description: 'The name of the CA that signs it: see pki.ca',
      default: 'etcd',
      examples: ['etcd'],
    },
    common_name: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'Whose it is (CN), 64 letters at most',
      examples: ['m1', 'kube-apiserver-etcd-client'],
    },
    organization: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'The organization of the subject (O); Kubernetes takes it for a group',
      examples: ['system:masters'],
    },
    names: {
      type: 'array',
      items: { type: 'string', pattern: '^([A-Za-z0-9_*][A-Za-z0-9_.-]*|[0-9A-Fa-f:.]+)$' },
      description: 'The DNS names and IP addresses that it is for (subject alternative names); exactly these',
      default: [],
      examples: [['m1', 'localhost', '192.0.2.11', '::1']],
    },
    usages: {
      type: 'array',
      items: { enum: ['serverAuth', 'clientAuth'] },
      minItems: 1,
      uniqueItems: true,
      description: "What it may be used for (extended key usage); etcd wants both in server's and peer's",
      examples: [['serverAuth', 'clientAuth'], ['clientAuth']],
    },
    days: {
      ...DAYS,
      minimum: 1,
      description: 'How long it is valid when it is made; it never outlives its CA',
      default: 365,
      examples: [365],
    },
    renew_days: {
      ...DAYS,
      minimum: 0,
      description: 'It is made anew when it has fewer days left, by the clock of the host; less than days',
      default: 30,
      examples: [30],
    },
    adopted: {
      type: 'boolean',
      description:
        'Somebody else makes it: that it leads to a CA in ca_path, its names, usages and dates are checked, and nothing is ever written',
      default: false,
      examples: [true],
      'x-identity': true,
    },
    optional: {
      type: 'boolean',
      description: 'Of what is adopted: it may be missing, with its key',
      default: false,
      examples: [true],
    },
    ca_path: {
      ...pathProperty(
        'Where the CA certificate is on the host; needed for what is adopted',
        '/etc/kubernetes/pki/etcd/ca.crt',
      ),
    },
    ...ownershipProperties('0600'),
  },
  required: ['path', 'common_name', 'usages'],
  if: { properties: { adopted: { const: true } }, required: ['adopted'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['ca_path'] },
  additionalProperties: false,
  examples: [
    {
      path: '/etc/kubernetes/pki/etcd/server',
      common_name: 'm1',
      names: ['m1', 'localhost', '192.0.2.11', '127.0.0.1', '::1'],
      usages: ['serverAuth', 'clientAuth'],
    },
  ],
};
