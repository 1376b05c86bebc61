import { limitsText, isOutside } from './count-limits.ts';
import { afterInterruption, notApplicable, notTracked, type ApplyRule } from './evidence.ts';

export const applyOccupancyRule: ApplyRule<'occupancy'> = (rule, { findings, space }) => {
  if (!findings.detections) return notApplicable(rule, 'detections');
  if (!space) return notTracked(rule);
  const count = space
    .occupants(rule.zone)
    .filter(({ label }) => rule.label === undefined || label === rule.label).length;
  const isBroken = isOutside(count, rule);
  return afterInterruption(space, {
    outcome: isBroken ? rule.outcome : 'pass',
    rule: rule.name,
    reason: `${count} × ${rule.label ?? 'object'} in ${rule.zone}, ${limitsText(rule)}`,
  });
};
