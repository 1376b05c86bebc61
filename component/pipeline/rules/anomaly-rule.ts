import type { Outcome, Verdict } from '../../contract/result.ts';
import { notApplicable, scoreText, type ApplyRule } from './evidence.ts';

export const applyAnomalyRule: ApplyRule<'anomaly'> = (rule, { findings: { anomaly } }) => {
  if (!anomaly) return notApplicable(rule, 'anomaly score');
  const failAt = rule.failAt ?? anomaly.threshold;
  const verdict = (outcome: Outcome, comparison: string): Verdict => ({
    outcome,
    rule: rule.name,
    reason: `anomaly ${scoreText(anomaly.score)} ${comparison}`,
  });
  if (anomaly.score >= failAt) return verdict('fail', `at or above ${scoreText(failAt)}`);
  if (rule.reviewAt !== undefined && anomaly.score >= rule.reviewAt) {
    return verdict('review', `between ${scoreText(rule.reviewAt)} and ${scoreText(failAt)}`);
  }
  return verdict('pass', `below ${scoreText(rule.reviewAt ?? failAt)}`);
};
