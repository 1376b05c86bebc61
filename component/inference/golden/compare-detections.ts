import { intersectionOverUnion } from '../../contract/box-overlap.ts';
import { detectionSchema } from '../../contract/result.ts';
import type { Detection } from '../../contract/result.ts';
import { EXTRA_SCORE, SURE_SCORE } from './comparison.ts';
import type { Comparison } from './comparison.ts';

const MIN_OVERLAP = 0.9;
const SCORE_TOLERANCE = 0.05;

const ANGLE_TOLERANCE_DEGREES = 5;
/** Sides that are nearly as long as each other may change places. */
const NEARLY_SQUARE = 0.9;

const expectedDetections = detectionSchema
  .pick({ label: true, score: true, box: true, orientedBox: true })
  .loose()
  .array();

/**
 * A detection is found when its label is the same, the boxes overlap by IoU ≥ 0.9 and the scores
 * differ by at most 0.05, for every expected one of score ≥ 0.4; nothing further may be found above
 * 0.45. Where an oriented box is expected, its angle may differ by 5 degrees.
 */
export const compareDetections: Comparison = ({ detections: found }, { detections }) => {
  const parsed = expectedDetections.safeParse(detections);
  if (!found || !parsed.success) return undefined;
  const rest = new Set(found);
  const differences: string[] = [];
  for (const wanted of parsed.data) {
    const match = [...rest].find(
      (candidate) =>
        candidate.label === wanted.label &&
        intersectionOverUnion(candidate.box, wanted.box) >= MIN_OVERLAP &&
        Math.abs(candidate.score - wanted.score) <= SCORE_TOLERANCE &&
        isTurnedAlike(candidate.orientedBox, wanted.orientedBox),
    );
    if (match) rest.delete(match);
    else if (wanted.score >= SURE_SCORE) {
      differences.push(`'${wanted.label}' of score ${wanted.score} was not found`);
    }
  }
  for (const { label, score } of rest) {
    if (score > EXTRA_SCORE) differences.push(`'${label}' of score ${score} was not expected`);
  }
  return differences;
};

function isTurnedAlike(found: Detection['orientedBox'], wanted: Detection['orientedBox']): boolean {
  if (!wanted) return true;
  if (!found) return false;
  const period = wanted.height >= NEARLY_SQUARE * wanted.width ? 90 : 180;
  const turn = Math.abs(found.angleDegrees - wanted.angleDegrees) % period;
  return Math.min(turn, period - turn) <= ANGLE_TOLERANCE_DEGREES;
}
