import type { DecodeContext } from './decoder.ts';

type Thresholds = Pick<DecodeContext, 'thresholds'>;

/** The threshold of a label: the camera's own for it, else the camera's, else the model's. */
export function thresholdOf(label: string, { thresholds }: Thresholds, ofModel: number): number {
  return Object.hasOwn(thresholds.labels, label)
    ? thresholds.labels[label]!
    : (thresholds.score ?? ofModel);
}

/** Everything with this score or a higher one is kept, whatever its label. */
export function highestThreshold(
  labels: readonly string[],
  { thresholds }: Thresholds,
  ofModel: number,
): number {
  const known = labels.length > 0 ? labels : Object.keys(thresholds.labels);
  const all = known.map((label) => thresholdOf(label, { thresholds }, ofModel));
  return labels.length > 0 ? Math.max(...all) : Math.max(thresholds.score ?? ofModel, ...all);
}

/** Nothing with a lower score can be kept, whatever its label. */
export function lowestThreshold({ thresholds }: Thresholds, ofModel: number): number {
  let lowest = thresholds.score ?? ofModel;
  for (const label in thresholds.labels) lowest = Math.min(lowest, thresholds.labels[label]!);
  return lowest;
}
