import { poseSchema } from '../../contract/result.ts';
import { SURE_SCORE } from './comparison.ts';
import type { Comparison } from './comparison.ts';

const SCORE_TOLERANCE = 0.1;
/** Part of the picture's longer side. */
const DISTANCE = 0.03;

const expectedPoses = poseSchema.pick({ keypoints: true }).loose().array();

/**
 * Poses in their order: keypoints of score ≥ 0.4 may lie 3 % of the picture's longer side apart and
 * differ by 0.1 in score.
 */
export const comparePoses: Comparison = ({ poses: found }, { poses }, picture) => {
  const parsed = expectedPoses.safeParse(poses);
  if (!found || !parsed.success) return undefined;
  const expected = parsed.data;
  if (found.length !== expected.length) {
    return [`${found.length} poses were found, expected ${expected.length}`];
  }
  const reach = DISTANCE * Math.max(picture.width, picture.height);
  return expected.flatMap(({ keypoints }, index) =>
    keypoints
      .filter(({ score }) => score >= SURE_SCORE)
      .filter((wanted) => {
        const match = found[index]!.keypoints.find(({ name }) => name === wanted.name);
        return (
          !match ||
          Math.hypot(match.x - wanted.x, match.y - wanted.y) > reach ||
          Math.abs(match.score - wanted.score) > SCORE_TOLERANCE
        );
      })
      .map(({ name, x, y, score }) => `'${name}' of score ${score} was not found at ${x}, ${y}`),
  );
};
