import type { LabelFigures } from '../../contract/model-lifecycle.ts';
import type { RolloutConfig } from '../../contract/rollout-config.ts';
import { newcombe, Z_95 } from './rate-interval.ts';

/**
 * Whether people's labels promote a candidate: both versions have `minimumLabels` labelled results,
 * and the candidate is right no less often, by at most `rateTolerance`, with 95 % confidence
 * (non-inferiority by Newcombe's interval). How often the two agree with each other plays no part: a
 * better model disagrees by design.
 */
export function isPromotedByLabels(
  { active, candidate }: LabelFigures,
  { minimumLabels, rateTolerance }: RolloutConfig,
): boolean {
  if (Math.min(active.labelled, candidate.labelled) < minimumLabels) return false;
  const { low } = newcombe(
    { part: candidate.right, of: candidate.labelled },
    { part: active.right, of: active.labelled },
    Z_95,
  );
  return low > -rateTolerance;
}
