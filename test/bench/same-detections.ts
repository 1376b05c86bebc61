import type { Box } from '../../component/contract/frame.ts';

export interface SeenObject {
  readonly label: string;
  readonly score: number;
  readonly box: Box;
}

export interface Tolerance {
  readonly minIou: number;
  readonly maxScoreDifference: number;
}

/** Of samples/README.md: two right ways to decode and scale differ by a grey level or so. */
export const SAMPLE_TOLERANCE: Tolerance = { minIou: 0.9, maxScoreDifference: 0.05 };
/** sharp scales with anti-aliasing, which moves a box by some pixels: the same objects all the same. */
export const PEER_TOLERANCE: Tolerance = { minIou: 0.7, maxScoreDifference: 0.12 };

const MUST_BE_FOUND = 0.4;
const MUST_BE_EXPECTED = 0.45;

/**
 * What is wrong with `seen`: every expected object of score ≥ 0.4 must be found with its label, and
 * nothing else above 0.45 (plus the score difference allowed beyond that of the samples).
 */
export function detectionProblems(
  seen: readonly SeenObject[],
  expected: readonly SeenObject[],
  tolerance: Tolerance,
): string[] {
  const unmatched = new Set(seen);
  const problems: string[] = [];
  for (const object of [...expected].sort((a, b) => b.score - a.score)) {
    const match = bestMatch(object, unmatched, tolerance);
    if (match) unmatched.delete(match);
    else if (object.score >= MUST_BE_FOUND) {
      problems.push(
        `no ${object.label} with score ${object.score.toFixed(2)} where one is expected`,
      );
    }
  }
  const slack = tolerance.maxScoreDifference - SAMPLE_TOLERANCE.maxScoreDifference;
  for (const { label, score } of unmatched) {
    if (score <= MUST_BE_EXPECTED + slack) continue;
    problems.push(`a ${label} with score ${score.toFixed(2)} where none is expected`);
  }
  return problems;
}

function bestMatch(
  object: SeenObject,
  candidates: Iterable<SeenObject>,
  { minIou, maxScoreDifference }: Tolerance,
): SeenObject | undefined {
  return [...candidates]
    .filter(({ label }) => label === object.label)
    .filter(({ score }) => Math.abs(score - object.score) <= maxScoreDifference)
    .map((candidate) => ({ candidate, iou: overlap(candidate.box, object.box) }))
    .filter(({ iou }) => iou >= minIou)
    .sort((a, b) => b.iou - a.iou)[0]?.candidate;
}

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const common = Math.max(0, width) * Math.max(0, height);
  return common / (a.width * a.height + b.width * b.height - common);
}
