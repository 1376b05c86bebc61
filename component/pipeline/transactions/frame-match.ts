import type { FrameLease } from '../../contract/frame.ts';
import type { Clock, Transaction } from './transaction.ts';

/** What a frame is to a trigger. */
export type FrameMatch =
  | { readonly kind: 'before'; readonly distanceMs: number }
  | { readonly kind: 'after'; readonly distanceMs: number }
  /** Too far from it on either side. */
  | { readonly kind: 'outside' };

/**
 * How a frame lies to a trigger by the times of both. A frame from the future was stamped by a clock
 * that was set back since, or by a camera whose clock is ahead: then it counts as captured now.
 */
export function matchFrame(
  frame: Pick<FrameLease, 'capturedAtMs'>,
  transaction: Pick<Transaction, 'triggeredAtMs' | 'config'>,
  clock: Clock,
): FrameMatch {
  const { beforeMs, afterMs } = transaction.config;
  const capturedAtMs = Math.min(frame.capturedAtMs, clock.wallMs());
  const distanceMs = capturedAtMs - transaction.triggeredAtMs;
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
