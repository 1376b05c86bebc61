import type { Comparison } from './measure-interleaved.ts';
import { percent, ratio } from './number-text.ts';
import type { MeasuredTarget } from './section.ts';

/** A peer should take at least so many times our time. `reason` is told when it does not. */
export function atLeast(
  what: string,
  least: number,
  measured: Comparison,
  reason?: string,
): MeasuredTarget {
  return target(what, `≥ ${least}×`, measured, measured.ratio / least, reason);
}

/** Ours should take at most so many times the time of what it is measured by. */
export function atMost(
  what: string,
  most: number,
  measured: Comparison,
  reason?: string,
): MeasuredTarget {
  return target(what, `≤ ${most}×`, measured, most / measured.ratio, reason);
}

/** `share` is 1 where the figure is just reached, less where it falls short. */
function target(
  what: string,
  reach: string,
  { ratio: got, lowest, highest }: Comparison,
  share: number,
  reason: string | undefined,
): MeasuredTarget {
  return {
    what,
    reach,
    got: ratio(got),
    byRound: `${ratio(lowest)}–${ratio(highest)}`,
    isReached: share >= 1,
    missedBy: percent(1 - share),
    ...(reason === undefined ? {} : { reason }),
  };
}
