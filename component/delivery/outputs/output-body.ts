import type { OutputMessage, ToldResult } from '../../contract/output.ts';
import type { NewResult } from '../../contract/ports.ts';

export function toldOf(result: NewResult): ToldResult {
  const { id, thing, camera, triggerId, transaction, context, product, verdict, error, frame } =
    result;
  return {
    ...{ id, thing, verdict, frame },
    ...(camera === undefined ? {} : { camera }),
    ...(triggerId === undefined ? {} : { triggerId }),
    ...(transaction === undefined ? {} : { transaction }),
    ...(context === undefined ? {} : { context }),
    ...(product === undefined ? {} : { product }),
    ...(error === undefined ? {} : { error }),
  };
}

/** The message that receivers get: the verdict and what it belongs to, without what was found. */
export function bodyOf({ result, outcome }: OutputMessage): string {
  const { id, thing, camera, triggerId, transaction, context, product, verdict, error } = result;
  return JSON.stringify({
    ...{ schemaVersion: 1, id, thing, camera, triggerId, transaction, context, product },
    ...{ outcome, verdict, error, capturedAt: result.frame.capturedAt },
  });
}
