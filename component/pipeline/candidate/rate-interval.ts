/** A part of a whole: so many of so many. */
export interface Count {
  readonly part: number;
  readonly of: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Two-sided 99.9 %: so seldom one look alone is wrong. */
export const Z_999 = 3.2905;
/** Two-sided 95 %. */
export const Z_95 = 1.959964;

/**
 * Wilson's score interval of a rate: E. B. Wilson, «Probable inference, the law of succession, and
 * statistical inference», JASA 22 (1927), 209–212. Unlike the normal approximation it holds for few
 * results and for rates near 0 and 1. Nothing is known of nothing: 0 to 1.
 */
export function wilson({ part, of }: Count, z: number): Interval {
  if (of === 0) return { low: 0, high: 1 };
  const rate = part / of;
  const z2 = z * z;
  const centre = (rate + z2 / (2 * of)) / (1 + z2 / of);
  const half = (z / (1 + z2 / of)) * Math.sqrt((rate * (1 - rate)) / of + z2 / (4 * of * of));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/**
 * Interval of the difference of two independent rates, `a` − `b`: R. G. Newcombe, «Interval estimation
 * for the difference between independent proportions», Statistics in Medicine 17 (1998), 873–890,
 * method 10 (square-and-add of Wilson's intervals).
 */
export function newcombe(a: Count, b: Count, z: number): Interval {
  const [first, second] = [wilson(a, z), wilson(b, z)];
  if (a.of === 0 || b.of === 0) return { low: -1, high: 1 };
  const [rateA, rateB] = [a.part / a.of, b.part / b.of];
  const difference = rateA - rateB;
  return {
    low: difference - Math.hypot(rateA - first.low, second.high - rateB),
    high: difference + Math.hypot(first.high - rateA, rateB - second.low),
  };
}

export const median = (values: readonly number[]): number | undefined => quantile(values, 0.5);

/** The value below which this part of the values lies (nearest rank). */
export function quantile(values: readonly number[], part: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
}
