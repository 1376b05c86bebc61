import { anchorOf, contains } from '../space/geometry.ts';
import { isOutside, limitsText } from './count-limits.ts';
import type { Box } from '../../contract/frame.ts';
import type { Pose } from '../../contract/result.ts';
import { notApplicable, type ApplyRule } from './evidence.ts';

export const applyCountRule: ApplyRule<'count'> = (rule, { findings, zones }) => {
  const found = findings.detections ?? findings.poses?.map(withBox);
  if (!found) return notApplicable(rule, 'detections or poses');
  const zone =
    typeof rule.zone === 'string'
      ? zones[rule.zone]
      : rule.zone && { polygon: rule.zone, anchor: rule.anchor };
  const count = found.filter(
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

/** A pose has a box, or at least the one around its keypoints. */
function withBox({ label, box, keypoints }: Pose): { label: string | undefined; box: Box } {
  if (box) return { label, box };
  const [xs, ys] = [keypoints.map(({ x }) => x), keypoints.map(({ y }) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return {
    label,
    box: { x: left, y: top, width: Math.max(...xs) - left, height: Math.max(...ys) - top },
  };
}
