import { anchorOf, contains } from '../space/geometry.ts';
import { isOutside, limitsText } from './count-limits.ts';
import { notApplicable, type ApplyRule } from './evidence.ts';

export const applyCountRule: ApplyRule<'count'> = (rule, { findings, zones }) => {
  if (!findings.detections) return notApplicable(rule, 'detections');
  const zone =
    typeof rule.zone === 'string'
      ? zones[rule.zone]
      : rule.zone && { polygon: rule.zone, anchor: rule.anchor };
  const count = findings.detections.filter(
    (detection) =>
      (rule.label === undefined || detection.label === rule.label) &&
      (zone === undefined || contains(zone.polygon, anchorOf(detection.box, zone.anchor))),
  ).length;
  const place = typeof rule.zone === 'string' ? ` in ${rule.zone}` : zone ? ' in zone' : '';
  return {
    outcome: isOutside(count, rule) ? rule.outcome : 'pass',
    rule: rule.name,
    reason: `${count} × ${rule.label ?? 'object'}${place}, ${limitsText(rule)}`,
  };
};
