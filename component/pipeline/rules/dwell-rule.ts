import {
  afterInterruption,
  notApplicable,
  notTracked,
  secondsText,
  type ApplyRule,
} from './evidence.ts';

export const applyDwellRule: ApplyRule<'dwell'> = (rule, { findings, space }) => {
  if (!findings.detections) return notApplicable(rule, 'detections');
  if (!space) return notTracked(rule);
  const dwells = space
    .occupants(rule.zone)
    .filter(({ label }) => rule.label === undefined || label === rule.label)
    .map(({ dwellMs }) => dwellMs);
  const longest = Math.max(0, ...dwells);
  const isBroken = longest > rule.maximumMs;
  const what = dwells.length === 0 ? `no ${rule.label ?? 'object'}` : (rule.label ?? 'object');
  const time = dwells.length === 0 ? '' : ` for ${secondsText(longest)}`;
  return afterInterruption(space, {
    outcome: isBroken ? rule.outcome : 'pass',
    rule: rule.name,
    reason: `${what} in ${rule.zone}${time}, at most ${secondsText(rule.maximumMs)}`,
  });
};
