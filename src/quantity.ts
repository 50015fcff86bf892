// Quantities as Kubernetes writes them: 100m, 1.5, 2Gi, 1e3. Exact: a fraction that is rounded wrongly is a cpu too many.

const FORM = /^(\d+)(?:\.(\d*))?([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d{1,2})?$/;
const BINARY = 'KMGTPE';
const DECIMAL: { [suffix: string]: number } = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
/** Kubernetes keeps nothing smaller: one billionth. */
const DIGITS = 9;

/**
 * In billionths of its unit (a cpu, a byte), rounded up; undefined where it is no quantity. Negative ones mean nothing here.
 * Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/.
 */
export function parseQuantity(text: string): bigint | undefined {
  const [, whole, fraction = '', suffix = ''] = FORM.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const digits = BigInt(whole + fraction);
  if (suffix.endsWith('i')) {
    const times = 1024n ** BigInt(BINARY.indexOf(suffix[0]!) + 1);
    return scale(digits * times, DIGITS - fraction.length);
  }
  return scale(digits, DIGITS - fraction.length + (DECIMAL[suffix] ?? Number(suffix.slice(1))));
}

/** How many `units`, given in billionths, it takes to hold a quantity in billionths. */
export function countUnits(quantity: bigint, unit: bigint): number {
  return Number((quantity + unit - 1n) / unit);
}

function scale(number: bigint, tens: number): bigint {
  if (tens >= 0) return number * 10n ** BigInt(tens);
  const by = 10n ** BigInt(-tens);
  return (number + by - 1n) / by;
}
