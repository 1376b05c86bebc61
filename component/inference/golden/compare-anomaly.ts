import { anomalySchema } from '../../contract/result.ts';
import type { Comparison } from './comparison.ts';

const TOLERANCE = 0.03;

const expectedAnomaly = anomalySchema.pick({ score: true, isAnomalous: true }).loose();

/** Scores may differ by 0.03, with the same verdict. */
export const compareAnomaly: Comparison = ({ anomaly: found }, { anomaly }) => {
  const parsed = expectedAnomaly.safeParse(anomaly);
  if (!found || !parsed.success) return undefined;
  const expected = parsed.data;
  const isSame =
    found.isAnomalous === expected.isAnomalous &&
    Math.abs(found.score - expected.score) <= TOLERANCE;
  if (isSame) return [];
  return [
    `anomaly score ${found.score} (${found.isAnomalous}), expected ${expected.score} (${expected.isAnomalous})`,
  ];
};
