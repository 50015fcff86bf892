// kubernetes.applied: an object of the API is as wanted, whatever else others have put into it.
import { nextRuns } from '../../cron.ts';
import { succeed } from '../../failure.ts';
import { isMap } from '../../load/map.ts';
import { quote } from '../../shell/quote.ts';
import type { Value, ValueMap } from '../../value.ts';
import { dumpDocument } from '../file/document.ts';
import type { Change, Module, Refusal } from '../module.ts';
import {
  apiFunctions,
  claimObject,
  holdAgainst,
  OBJECT_REQUIRED,
  type ObjectId,
  objectProperties,
  parseObject,
  readObject,
  type Sighting,
  titleOf,
} from './api.sh.ts';
import { differences } from './compare.ts';

type Want = ObjectId & { document: ValueMap; once: string[]; server_side: boolean; timeout: number; seen?: Value };

export const kubernetesApplied: Module<ObjectId, Want, Sighting> = {
  name: 'kubernetes.applied',
  schema: {
    type: 'object',
    description:
      "An object of Kubernetes' API has all that its document says; what the API and others have added to it stays. Meant for scope: cluster. The host's own API server is asked, with curl or kubectl, and where it does not answer those of the other masters. Written with kubectl's server-side apply, as the field manager quorate. An object that somebody has changed since the plan is left alone. Where no API server answers yet, it is written when one does.",
    properties: {
      ...objectProperties,
      document: {
        type: 'object',
        description: 'The object, with its apiVersion, kind and metadata. Give exactly one of template and document',
        examples: [
          { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'kube-system' }, data: {} },
        ],
      },
      template: {
        type: 'string',
        description: 'A template file beside the state (.yaml or .json), rendered for the host',
        examples: ['templates/cronjob.yaml'],
        'x-template': true,
      },
      once: {
        type: 'array',
        items: { type: 'string' },
        description:
          'Fields at the top of the document that only a new object gets: what the API lets nobody change later stays as it is',
        default: [],
        examples: [['provisioner', 'parameters']],
      },
      server_side: {
        type: 'boolean',
        description: 'Whether the API server merges it, which it can since 1.16; else kubectl does',
        default: true,
        examples: [false],
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
    anyOf: [{ required: ['document'] }, { required: ['template'] }],
    additionalProperties: false,
    examples: [
      {
        api_version: 'v1',
        kind: 'ConfigMap',
        name: 'greeting',
        namespace: 'kube-system',
        server: '10.0.0.1:6443',
        servers: ['10.0.0.2:6443', '10.0.0.3:6443'],
        pki_dir: '/etc/kubernetes/pki',
        kubeconfig: '/etc/kubernetes/admin.conf',
        document: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'greeting', namespace: 'kube-system' },
          data: { says: 'good day' },
        },
      },
    ],
  },
  claims: claimObject,
  read: readObject,
  parse: parseObject,
  diff(want, seen, view) {
    const other = explainOther(want);
    if (other) return other;
    if (seen.state === 'found') return differences(documentFor(want, seen), seen.object);
    const unknown = seen.state !== 'absent' && view?.beginning?.kind !== 'bootstrap';
    const before = unknown ? `(unknown: ${seen.why || 'it does not answer'})` : null;
    return [
      { path: 'exists', before, after: `a ${want.kind}` },
      { path: 'document', before: null, after: dumpDocument(want.document, 'yaml') },
    ];
  },
  warn(want, seen) {
    const runs = tellRuns(want, seen);
    return runs === undefined ? [] : [runs];
  },
  expect: ({ document }) => ({ state: 'found', object: document }),
  // Constant: an API server that comes up in this very run may answer what nobody could say before. The write looks itself.
  fingerprint: () => 'asked',
  prepare: async (want, seen) =>
    succeed({ ...want, document: documentFor(want, seen), seen: seen as unknown as Value }),
  write(want) {
    const how = want.server_side ? 'apply --server-side --force-conflicts --field-manager=quorate' : 'apply';
    return {
      script: `${apiFunctions(want)}
${holdAgainst((want.seen ?? { state: 'unanswered', why: '' }) as unknown as Sighting, want.timeout)}
printf '%s\\n' ${quote(JSON.stringify(want.document))} | q_kubectl ${how} -f -`,
    };
  },
};

/** What is written: of the fields in `once`, those that the object has. */
function documentFor({ document, once }: Want, seen: Sighting): ValueMap {
  if (seen.state !== 'found' || !isMap(seen.object)) return document;
  const { object } = seen;
  return Object.fromEntries(
    Object.entries(document).flatMap(([key, value]): [string, Value][] => {
      if (!once.includes(key)) return [[key, value]];
      return object[key] === undefined ? [] : [[key, object[key]]];
    }),
  );
}

/** The parameters say which object is read, and the document which one is written. */
function explainOther(want: Want): Refusal | undefined {
  const { apiVersion, kind, metadata } = want.document as { apiVersion?: Value; kind?: Value; metadata?: ValueMap };
  const [of, is] = [
    [want.api_version, want.kind, want.namespace, want.name],
    [apiVersion ?? null, kind ?? null, metadata?.namespace ?? null, metadata?.name ?? null],
  ];
  if (of.every((each, index) => each === is[index])) return undefined;
  return {
    refused: `its document is of ${is.join(' ')}, and its parameters are of ${of.join(' ')}`,
    next: 'give api_version, kind, namespace and name as the document has them',
  };
}

const SHOWN_RUNS = 3;

/** For a schedule that is new. */
function tellRuns(want: Want, seen: Sighting): string | undefined {
  const { schedule } = (want.document.spec ?? {}) as { schedule?: Value };
  if (want.kind !== 'CronJob' || typeof schedule !== 'string') return undefined;
  const changes = kubernetesApplied.diff(want, seen, undefined) as Change[];
  if (!changes.some(({ path }) => path === 'exists' || path === 'spec.schedule')) return undefined;
  const times = nextRuns(schedule, SHOWN_RUNS, new Date()).map((time) =>
    time.toISOString().slice(0, 16).replace('T', ' '),
  );
  return `${titleOf(want)} runs next at ${times.join(', ')} (UTC)`;
}
