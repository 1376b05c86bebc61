import type { Outcome, Verdict } from '../../contract/result.ts';
import { notApplicable, ownDecision, scoreText, type ApplyRule } from './evidence.ts';

/** The score against `failAt`, or without it the model's own decision, which need not be the score's. */
export const applyAnomalyRule: ApplyRule<'anomaly'> = (rule, { findings: { anomaly } }) => {
  if (!anomaly) return notApplicable(rule, 'anomaly score');
  const { failAt, reviewAt } = rule;
  const verdict = (outcome: Outcome, reason: string): Verdict => ({
    outcome,
    rule: rule.name,
    reason,
  });
  const text = `anomaly ${scoreText(anomaly.score)}`;
  if (failAt === undefined && anomaly.isAnomalous) return verdict('fail', ownDecision(anomaly));
  if (failAt !== undefined && anomaly.score >= failAt) {
    return verdict('fail', `${text} at or above ${scoreText(failAt)}`);
  }
  const highest = failAt ?? anomaly.threshold;
  if (reviewAt !== undefined && anomaly.score >= reviewAt) {
    const range =
      anomaly.score < highest
        ? `between ${scoreText(reviewAt)} and ${scoreText(highest)}`
        : `at or above ${scoreText(reviewAt)}, not anomalous by the model's decision`;
    return verdict('review', `${text} ${range}`);
  }
  if (failAt === undefined && reviewAt === undefined) return verdict('pass', ownDecision(anomaly));
  return verdict('pass', `${text} below ${scoreText(reviewAt ?? highest)}`);
};
