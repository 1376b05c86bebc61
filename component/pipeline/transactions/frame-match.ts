import type { FrameLease } from '../../contract/frame.ts';
import type { Transaction } from './transaction.ts';

/** What a frame is to a trigger. */
export type FrameMatch =
  | { readonly kind: 'before'; readonly distanceMs: number }
  | { readonly kind: 'after'; readonly distanceMs: number }
  /** Too far from it on either side. */
  | { readonly kind: 'outside' };

/** How a frame lies to a trigger by the steady times of both, so that no clock that is set changes it. */
export function matchFrame(
  frame: Pick<FrameLease, 'capturedSteadyMs'>,
  transaction: Pick<Transaction, 'openedSteadyMs' | 'config'>,
): FrameMatch {
  const { beforeMs, afterMs } = transaction.config;
  const distanceMs = frame.capturedSteadyMs - transaction.openedSteadyMs;
  // Frames are stamped in whole milliseconds, triggers are not.
  if (distanceMs > -1) {
    return distanceMs <= afterMs
      ? { kind: 'after', distanceMs: Math.max(0, distanceMs) }
      : { kind: 'outside' };
  }
  return -distanceMs <= beforeMs
    ? { kind: 'before', distanceMs: -distanceMs }
    : { kind: 'outside' };
}
