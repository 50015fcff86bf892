// kubernetes.kubelet: there is a kubelet, and one that the control plane's version can have.
import { quote } from '../../shell/quote.ts';
import { pathProperty } from '../file/path.ts';
import type { Module } from '../module.ts';

type Id = { path: string };
type Want = Id & { kubernetes_version: string | null };
/** Its version; `-`: there is none, `?`: it does not say. */
type Seen = string;

export const kubernetesKubelet: Module<Id, Want, Seen> = {
  name: 'kubernetes.kubelet',
  schema: {
    type: 'object',
    description:
      'The program of the kubelet is there, and of a version that goes with that of the control plane: never a newer minor version, and up to three older (two for a kubelet before 1.25). It is not installed: what is missing, or does not go with it, is refused.',
    properties: {
      path: pathProperty('Where it is', '/usr/bin/kubelet'),
      kubernetes_version: {
        type: ['string', 'null'],
        pattern: '^\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?$',
        description: 'The version of the control plane. null: any kubelet will do',
        default: null,
        examples: ['1.34.1'],
      },
    },
    required: ['path'],
    additionalProperties: false,
    examples: [{ path: '/usr/bin/kubelet', kubernetes_version: '1.34.1' }],
  },
  claims: ({ path }) => `kubelet:${path}`,
  read: ({ path }) => `kubelet=${quote(path)}
if ! [ -f "$kubelet" ] || ! [ -x "$kubelet" ]; then
  echo -
else
  said=$("$kubelet" --version 2>/dev/null </dev/null)
  case $said in "Kubernetes v"[0-9]*) said=\${said#Kubernetes v}; echo "\${said%% *}" ;; *) echo '?' ;; esac
fi`,
  parse: ({ stdout }) => new TextDecoder().decode(stdout).trimEnd(),
  diff({ path, kubernetes_version: wanted }, seen) {
    if (seen === '-') {
      return {
        refused: `there is no kubelet at ${path}`,
        next: 'install it (the package kubelet of your Kubernetes version), or set kubelet_bin',
      };
    }
    if (wanted === null || explainSkew(wanted, seen) === undefined) return [];
    return {
      refused: `${path} is ${seen === '?' ? 'of an unknown version' : seen}, which does not go with a control plane of ${wanted}: ${explainSkew(wanted, seen)}`,
      next: 'install a kubelet of the same minor version, or correct kubernetes_version',
    };
  },
  expect: (_want, seen) => seen,
  fingerprint: (seen) => seen,
  write: () => ({ script: ':' }),
};

/** Source: https://kubernetes.io/releases/version-skew-policy/#kubelet. Undefined: they go together. */
function explainSkew(plane: string, kubelet: string): string | undefined {
  const [control, own] = [minorOf(plane), minorOf(kubelet)];
  if (own === undefined || control === undefined) return 'its version cannot be read';
  if (own > control) return 'a kubelet is never newer than its API server';
  const behind = own >= 25 ? 3 : 2;
  return control - own > behind ? `it is more than ${behind} minor versions behind` : undefined;
}

function minorOf(version: string): number | undefined {
  const minor = /^1\.(\d+)\./.exec(version)?.[1];
  return minor === undefined ? undefined : Number(minor);
}
