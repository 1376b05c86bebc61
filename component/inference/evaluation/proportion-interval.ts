/** Where the true share lies with 95 % confidence, 0–1. */
export interface ProportionInterval {
  readonly low: number;
  readonly high: number;
}

/** 97.5 % quantile of the standard normal distribution. */
const Z = 1.959964;

/**
 * Wilson's score interval (E. B. Wilson, JASA 22, 1927) for `count` of `total`: unlike the plain
 * normal one it says something for none of a few, which is what inspection sets hold.
 * @param total 0 gives the whole range
 */
export function proportionInterval(count: number, total: number): ProportionInterval {
  if (total === 0) return { low: 0, high: 1 };
  const share = count / total;
  const weight = 1 + Z ** 2 / total;
  const centre = (share + Z ** 2 / (2 * total)) / weight;
  const half = (Z * Math.sqrt((share * (1 - share)) / total + Z ** 2 / (4 * total ** 2))) / weight;
  return {
    low: count === 0 ? 0 : centre - half,
    high: count === total ? 1 : centre + half,
  };
}
