import type { OutputMessage } from '../../contract/output.ts';

/** The message that receivers get: the verdict and what it belongs to, without what was found. */
export function bodyOf({ result, outcome }: OutputMessage): string {
  const { id, thing, camera, triggerId, transaction, context, product, verdict, error } = result;
  return JSON.stringify({
    ...{ schemaVersion: 1, id, thing, camera, triggerId, transaction, context, product },
    ...{ outcome, verdict, error, capturedAt: result.frame.capturedAt },
  });
}
