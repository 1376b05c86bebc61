import type { RuleConfig } from '../contract/rule-config.ts';
import type { Box, Point } from '../contract/frame.ts';
import type { Detection, Findings, Outcome, Verdict } from '../contract/result.ts';

/** Worst last: the worst outcome of a camera's rules is its verdict. */
const SEVERITY: readonly Outcome[] = ['pass', 'review', 'fail', 'error'];

export type NamedRule = RuleConfig & { readonly name: string };

/**
 * The verdict of rules on findings. Without a rule, an anomaly model's own threshold decides and
 * everything else passes. `labels` are those that the model can give, where that is known: a rule
 * for another one asks for review, since it would never find anything.
 */
export function judge(
  rules: readonly NamedRule[],
  findings: Findings,
  labels: readonly string[] = [],
): Verdict {
  const active = rules.filter((rule) => rule.isEnabled);
  if (active.length === 0) return judgeWithoutRule(findings);
  return active
    .map((rule) => judgeUnknownLabel(rule, labels) ?? applyRule(rule, findings))
    .reduce(worse);
}

function judgeUnknownLabel(rule: NamedRule, labels: readonly string[]): Verdict | undefined {
  if (rule.kind === 'anomaly' || rule.label === undefined || labels.length === 0) return undefined;
  if (labels.includes(rule.label)) return undefined;
  return {
    outcome: 'review',
    rule: rule.name,
    reason: `the model has no label ${JSON.stringify(rule.label)}: this rule does not fit it`,
  };
}

const worse = (a: Verdict, b: Verdict): Verdict =>
  SEVERITY.indexOf(b.outcome) > SEVERITY.indexOf(a.outcome) ? b : a;

function judgeWithoutRule(findings: Findings): Verdict {
  const anomaly = findings.anomaly;
  if (!anomaly) return { outcome: 'pass', reason: 'no rule applies' };
  const comparison = anomaly.isAnomalous ? 'at or above' : 'below';
  return {
    outcome: anomaly.isAnomalous ? 'fail' : 'pass',
    reason: `anomaly ${score(anomaly.score)} ${comparison} ${score(anomaly.threshold)}`,
  };
}

function applyRule(rule: NamedRule, findings: Findings): Verdict {
  switch (rule.kind) {
    case 'anomaly':
      return applyAnomalyRule(rule, findings);
    case 'count':
      return applyCountRule(rule, findings);
    case 'score-between':
      return applyScoreRule(rule, findings);
  }
}

/** A rule that finds nothing of its family to look at cannot vouch for the part. */
const notApplicable = (rule: NamedRule, wanted: string): Verdict => ({
  outcome: 'review',
  rule: rule.name,
  reason: `the model gives no ${wanted}: this rule does not fit it`,
});

function applyAnomalyRule(rule: NamedRule & { kind: 'anomaly' }, findings: Findings): Verdict {
  const anomaly = findings.anomaly;
  if (!anomaly) return notApplicable(rule, 'anomaly score');
  const failAt = rule.failAt ?? anomaly.threshold;
  const verdict = (outcome: Outcome, comparison: string): Verdict => ({
    outcome,
    rule: rule.name,
    reason: `anomaly ${score(anomaly.score)} ${comparison}`,
  });
  if (anomaly.score >= failAt) return verdict('fail', `at or above ${score(failAt)}`);
  if (rule.reviewAt !== undefined && anomaly.score >= rule.reviewAt) {
    return verdict('review', `between ${score(rule.reviewAt)} and ${score(failAt)}`);
  }
  return verdict('pass', `below ${score(rule.reviewAt ?? failAt)}`);
}

function applyCountRule(rule: NamedRule & { kind: 'count' }, findings: Findings): Verdict {
  if (!findings.detections) return notApplicable(rule, 'detections');
  const zone = rule.zone;
  const count = findings.detections.filter(
    (detection) =>
      (rule.label === undefined || detection.label === rule.label) &&
      (zone === undefined || contains(zone, anchorOf(detection.box, rule.anchor))),
  ).length;
  const limits = [
    ...(rule.minimum === undefined ? [] : [`at least ${rule.minimum}`]),
    ...(rule.maximum === undefined ? [] : [`at most ${rule.maximum}`]),
  ].join(' and ');
  const isBroken =
    (rule.minimum !== undefined && count < rule.minimum) ||
    (rule.maximum !== undefined && count > rule.maximum);
  const place = zone === undefined ? '' : ' in zone';
  return {
    outcome: isBroken ? rule.outcome : 'pass',
    rule: rule.name,
    reason: `${count} × ${rule.label ?? 'object'}${place}, ${limits}`,
  };
}

function applyScoreRule(rule: NamedRule & { kind: 'score-between' }, findings: Findings): Verdict {
  const scored: readonly Pick<Detection, 'label' | 'score'>[] | undefined =
    findings.detections ?? findings.classes;
  if (!scored) return notApplicable(rule, 'detections or classes');
  const doubtful = scored.find(
    (one) =>
      (rule.label === undefined || one.label === rule.label) &&
      one.score >= rule.from &&
      one.score < rule.to,
  );
  const range = `${score(rule.from)} and ${score(rule.to)}`;
  if (!doubtful) {
    return { outcome: 'pass', rule: rule.name, reason: `no score between ${range}` };
  }
  return {
    outcome: rule.outcome,
    rule: rule.name,
    reason: `${doubtful.label} ${score(doubtful.score)} between ${range}`,
  };
}

const score = (value: number): string => String(Math.round(value * 1000) / 1000);

export function anchorOf(box: Box, anchor: 'bottom-centre' | 'centre'): Point {
  return { x: box.x + box.width / 2, y: box.y + box.height * (anchor === 'centre' ? 0.5 : 1) };
}

/**
 * Whether a point lies in a polygon, by the even-odd rule (W. R. Franklin, PNPOLY). A point on the
 * left or top edge is inside, on the right or bottom edge outside.
 */
export function contains(polygon: readonly Point[], point: Point): boolean {
  let isInside = false;
  let previous = polygon.at(-1);
  for (const corner of polygon) {
    if (previous && corner.y > point.y !== previous.y > point.y) {
      const crossing =
        ((previous.x - corner.x) * (point.y - corner.y)) / (previous.y - corner.y) + corner.x;
      if (point.x < crossing) isInside = !isInside;
    }
    previous = corner;
  }
  return isInside;
}
