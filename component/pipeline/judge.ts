import type { Findings, Outcome, Verdict } from '../contract/result.ts';
import { labelOf } from '../contract/rule-config.ts';
import { applyRule } from './rules/apply-rule.ts';
import { ownDecision, type Evidence, type NamedRule } from './rules/evidence.ts';

/** Worst last: the worst outcome of a camera's rules is its verdict. */
const SEVERITY: readonly Outcome[] = ['pass', 'review', 'fail', 'error'];

/**
 * The verdict of rules on findings. Without a rule, an anomaly model's own decision holds and
 * everything else passes. `labels` are those that the model can give, where that is known: a rule
 * for another one asks for review, since it would never find anything. `scene` is what the camera knows
 * beside the findings of this picture.
 */
export function judge(
  rules: readonly NamedRule[],
  findings: Findings,
  labels: readonly string[] = [],
  scene: Partial<Omit<Evidence, 'findings'>> = {},
): Verdict {
  const active = rules.filter((rule) => rule.isEnabled);
  if (active.length === 0) return judgeWithoutRule(findings);
  const evidence: Evidence = { zones: {}, ...scene, findings };
  return active
    .map((rule) => judgeUnknownLabel(rule, labels) ?? applyRule(rule, evidence))
    .reduce(worse);
}

function judgeUnknownLabel(rule: NamedRule, labels: readonly string[]): Verdict | undefined {
  const label = labelOf(rule);
  if (label === undefined || labels.length === 0 || labels.includes(label)) return undefined;
  return {
    outcome: 'review',
    rule: rule.name,
    reason: `the model has no label ${JSON.stringify(label)}: this rule does not fit it`,
  };
}

const worse = (a: Verdict, b: Verdict): Verdict =>
  SEVERITY.indexOf(b.outcome) > SEVERITY.indexOf(a.outcome) ? b : a;

function judgeWithoutRule(findings: Findings): Verdict {
  const anomaly = findings.anomaly;
  if (!anomaly) return { outcome: 'pass', reason: 'no rule applies' };
  return { outcome: anomaly.isAnomalous ? 'fail' : 'pass', reason: ownDecision(anomaly) };
}
