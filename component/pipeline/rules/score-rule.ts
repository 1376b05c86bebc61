import type { Detection } from '../../contract/result.ts';
import { notApplicable, scoreText, type ApplyRule } from './evidence.ts';

export const applyScoreRule: ApplyRule<'score-between'> = (rule, { findings, thresholdFor }) => {
  const scored: readonly Pick<Detection, 'label' | 'score'>[] | undefined =
    findings.detections ?? findings.classes;
  if (!scored) return notApplicable(rule, 'detections or classes');
  const doubtful = scored.find(
    (one) =>
      (rule.label === undefined || one.label === rule.label) &&
      one.score >= rule.from &&
      (one.score < rule.to || rule.to >= 1),
  );
  const range = `${scoreText(rule.from)} and ${scoreText(rule.to)}`;
  const threshold = thresholdFor?.(rule.label) ?? 0;
  if (!doubtful && rule.from < threshold) {
    return {
      outcome: 'review',
      rule: rule.name,
      reason: `no score between ${range} was seen, but those below the threshold ${scoreText(threshold)} are left out: this rule cannot judge them`,
    };
  }
  if (!doubtful) {
    return { outcome: 'pass', rule: rule.name, reason: `no score between ${range}` };
  }
  return {
    outcome: rule.outcome,
    rule: rule.name,
    reason: `${doubtful.label} ${scoreText(doubtful.score)} between ${range}`,
  };
};
