import type { VedetteError } from '../../contract/errors.ts';
import type { NewResult } from '../../contract/ports.ts';
import type { ModelIdentity, Outcome } from '../../contract/result.ts';
import { composeErrorResult, type ResultOrigin } from '../compose-result.ts';

/** The rule that fail-safe verdicts name. */
export const FAIL_SAFE_RULE = 'fail-safe';
/** What frames are numbered from; a trigger that got none has this in place of a number. */
export const NO_FRAME = -1;

/** Of a model that did not answer and of which nothing is known yet but its name. */
export const unknownModel = (name: string): ModelIdentity => ({
  name,
  version: 'none',
  sha256: 'none',
  variant: 'none',
  executionProvider: 'none',
});

/** The verdict that is given for want of a real one: marked as such, with the reason. */
export function composeFailSafe(
  origin: ResultOrigin,
  model: ModelIdentity,
  outcome: Extract<Outcome, 'fail' | 'review'>,
  why: VedetteError,
): NewResult {
  return {
    ...composeErrorResult(origin, model, why),
    verdict: { outcome, rule: FAIL_SAFE_RULE, reason: `${why.code}: ${why.message}` },
  };
}
