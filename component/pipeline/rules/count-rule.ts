import { anchorOf, contains } from './geometry.ts';
import { notApplicable, type ApplyRule } from './evidence.ts';

export const applyCountRule: ApplyRule<'count'> = (rule, { findings }) => {
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
};
