// Which kubelet goes with which control plane.

/** Why a kubelet of one version does not go with a control plane of another; undefined: they go together. Source: https://kubernetes.io/releases/version-skew-policy/#kubelet. */
export function explainSkew(plane: string, kubelet: string): string | undefined {
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
