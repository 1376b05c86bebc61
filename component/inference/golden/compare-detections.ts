import type { Box } from '../../contract/frame.ts';
import { detectionSchema } from '../../contract/result.ts';
import { EXTRA_SCORE, SURE_SCORE } from './comparison.ts';
import type { Comparison } from './comparison.ts';

const MIN_OVERLAP = 0.9;
const SCORE_TOLERANCE = 0.05;

const expectedDetections = detectionSchema
  .pick({ label: true, score: true, box: true })
  .loose()
  .array();

/**
 * A detection is found when its label is the same, the boxes overlap by IoU ≥ 0.9 and the scores
 * differ by at most 0.05, for every expected one of score ≥ 0.4; nothing further may be found above
 * 0.45.
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
        Math.abs(candidate.score - wanted.score) <= SCORE_TOLERANCE,
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

export function intersectionOverUnion(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const common = width * height;
  return common / (a.width * a.height + b.width * b.height - common);
}
