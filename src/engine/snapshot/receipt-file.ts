// Receipts as they are read back: checked like everything that another machine may have written.
import receiptSchema from '../../../schemas/snapshot-receipt.schema.json' with { type: 'json' };
import type { Receipt } from '../../etcd/snapshot/receipt.ts';
import { type Attempt, fail, succeed } from '../../failure.ts';

/** Far above what the prefixes of a Kubernetes cluster need. */
export const LARGEST_RECEIPT_BYTES = 1024 * 1024;

/** @param from what to call it in a message */
export async function parseReceipt(text: string, from: string): Promise<Attempt<Receipt>> {
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  const validate = new Ajv2020({ strict: false }).compile<Receipt>(receiptSchema);
  const wrong = (why: string) =>
    fail({
      reason: 'snapshot',
      message: `${from} is no receipt of a snapshot: ${why}`,
      next: 'move it aside; `quorate snapshot verify` reads the snapshot without it',
    });
  if (text.length > LARGEST_RECEIPT_BYTES) return wrong(`it is longer than ${LARGEST_RECEIPT_BYTES} bytes`);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return wrong((error as Error).message);
  }
  if (validate(document)) return succeed(document);
  const [error] = validate.errors ?? [];
  return wrong(`${error?.instancePath.slice(1) || 'the document'} ${error?.message}`);
}

export function formatReceipt(receipt: Receipt): string {
  return `${JSON.stringify(receipt, undefined, 2)}\n`;
}
