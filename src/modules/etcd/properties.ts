// Parameters that the modules of this family share.
import type { ParameterProperty } from '../module.ts';

export const clusterProperty: ParameterProperty = {
  type: 'string',
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
  description: 'The name of the cluster: etcd_cluster of its group',
  examples: ['main'],
  'x-identity': true,
};
