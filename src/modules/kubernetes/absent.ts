// kubernetes.absent: there is no such object in the API.
import { succeed } from '../../failure.ts';
import { quote } from '../../shell/quote.ts';
import type { Value } from '../../value.ts';
import type { Module } from '../module.ts';
import {
  apiFunctions,
  claimObject,
  holdAgainst,
  NO_CERTIFICATE,
  OBJECT_REQUIRED,
  type ObjectId,
  objectProperties,
  parseObject,
  readObject,
  resourceOf,
  type Sighting,
  titleOf,
} from './api.sh.ts';

type Want = ObjectId & { note: string | null; timeout: number; seen?: Value };

export const kubernetesAbsent: Module<ObjectId, Want, Sighting> = {
  name: 'kubernetes.absent',
  schema: {
    type: 'object',
    description:
      "There is no such object in Kubernetes' API. Meant for scope: cluster. It is read as kubernetes.applied does; what is deleted is kept as JSON in the trash of the host that deletes it, and what belongs to it (the jobs of a CronJob) goes with it. Where no API server answers nothing is done, and the plan says so.",
    properties: {
      ...objectProperties,
      note: {
        type: ['string', 'null'],
        description: 'What a plan that deletes it says beside that, for example what stays',
        default: null,
        examples: ['the volume stays'],
      },
      timeout: {
        type: 'integer',
        minimum: 1,
        maximum: 3600,
        description:
          'How long to wait for an API server. Seconds; the limit of one program (--program-limit) must be longer',
        default: 60,
        examples: [300],
      },
    },
    required: OBJECT_REQUIRED,
    additionalProperties: false,
    examples: [
      {
        api_version: 'batch/v1',
        kind: 'CronJob',
        name: 'kube-etcd-snapshot',
        namespace: 'kube-system',
        server: '10.0.0.1:6443',
        servers: ['10.0.0.2:6443', '10.0.0.3:6443'],
        pki_dir: '/etc/kubernetes/pki',
        kubeconfig: '/etc/kubernetes/admin.conf',
      },
    ],
  },
  claims: claimObject,
  read: readObject,
  parse: parseObject,
  // Where nobody could say it is most likely not there, as nearly always: no run is held up for that.
  diff: ({ kind }, { state }) => (state === 'found' ? [{ path: 'exists', before: `a ${kind}`, after: null }] : []),
  warn(want, seen) {
    if (seen.state === 'found') return want.note === null ? [] : [want.note];
    if (seen.state !== 'unanswered' || seen.why === NO_CERTIFICATE) return [];
    return [
      `whether there is a ${titleOf(want)}, which is not wanted, nobody could say (${seen.why}); the next apply asks again`,
    ];
  },
  expect: () => ({ state: 'absent' }),
  // Constant, as that of kubernetes.applied.
  fingerprint: () => 'asked',
  prepare: async (want, seen) => succeed({ ...want, seen: seen as unknown as Value }),
  write(want) {
    const kept = `${want.kind}-${want.name}.json`;
    const inside = want.namespace === null ? '' : ` --namespace=${quote(want.namespace)}`;
    return {
      script: `${apiFunctions(want)}
${holdAgainst((want.seen ?? { state: 'unanswered', why: '' }) as unknown as Sighting, want.timeout)}
[ "$q_state" = found ] || exit 0
file="$Q_HOME/runs/$Q_RUN/"${quote(kept)}
(umask 077 && printf '%s\\n' "$q_body" >"$file") && q_trash "$file" || exit 1
q_kubectl delete ${quote(resourceOf(want))} ${quote(want.name)}${inside} --ignore-not-found --timeout=${want.timeout}s`,
    };
  },
};
