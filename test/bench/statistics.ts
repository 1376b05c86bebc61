/** Sorted copy. */
export function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** The value below which `share` (0–1) of the values lie, by the nearest rank; NaN when there is none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = ascending(values);
  const rank = Math.ceil(share * sorted.length) - 1;
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? NaN;
}

export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export interface Range {
  readonly lowest: number;
  readonly highest: number;
}

export function range(values: readonly number[]): Range {
  return {
    lowest: values.reduce((least, value) => Math.min(least, value), Infinity),
    highest: values.reduce((most, value) => Math.max(most, value), -Infinity),
  };
}

/** Slope of the straight line with the least squared distance to the points. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  let covariance = 0;
  let variance = 0;
  for (const { x, y } of points) {
    covariance += (x - meanX) * (y - meanY);
    variance += (x - meanX) ** 2;
  }
  return covariance / variance;
}
