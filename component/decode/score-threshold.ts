import type { DecodeContext } from './decoder.ts';

type Thresholds = Pick<DecodeContext, 'thresholds'>;

/** The threshold of a label: the camera's own for it, else the camera's, else the model's. */
export function thresholdOf(label: string, { thresholds }: Thresholds, ofModel: number): number {
  return Object.hasOwn(thresholds.labels, label)
    ? thresholds.labels[label]!
    : (thresholds.score ?? ofModel);
}

/** Nothing with a lower score can be kept, whatever its label. */
export function lowestThreshold({ thresholds }: Thresholds, ofModel: number): number {
  let lowest = thresholds.score ?? ofModel;
  for (const label in thresholds.labels) lowest = Math.min(lowest, thresholds.labels[label]!);
  return lowest;
}
