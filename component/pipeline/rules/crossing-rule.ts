import { isOutside, limitsText } from './count-limits.ts';
import {
  afterInterruption,
  notApplicable,
  notTracked,
  secondsText,
  type ApplyRule,
} from './evidence.ts';

export const applyCrossingRule: ApplyRule<'crossing'> = (rule, { findings, space }) => {
  if (!findings.detections) return notApplicable(rule, 'detections');
  if (!space) return notTracked(rule);
  const count = space
    .crossings(rule.line, rule.withinMs)
    .filter(
      ({ direction, label }) =>
        (rule.direction === 'either' || direction === rule.direction) &&
        (rule.label === undefined || label === rule.label),
    ).length;
  // Fewer crossings than wanted mean nothing before the line was watched for long enough.
  const isWatchedEnough = space.watchedMs >= (rule.withinMs ?? 0);
  const limits = isWatchedEnough ? rule : { maximum: rule.maximum };
  const way = rule.direction === 'either' ? '' : ` ${rule.direction}`;
  const time = rule.withinMs === undefined ? '' : ` in ${secondsText(rule.withinMs)}`;
  const patience = isWatchedEnough ? '' : ` (watched for ${secondsText(space.watchedMs)})`;
  return afterInterruption(space, {
    outcome: isOutside(count, limits) ? rule.outcome : 'pass',
    rule: rule.name,
    reason: `${count} × ${rule.label ?? 'object'} across ${rule.line}${way}${time}, ${limitsText(rule)}${patience}`,
  });
};
