import type { Findings } from '../../contract/result.ts';
import { isOutside } from './count-limits.ts';
import { notApplicable, type ApplyRule } from './evidence.ts';

export const applyAreaRule: ApplyRule<'area'> = (rule, { findings }) => {
  const fraction =
    rule.label === undefined
      ? findings.anomaly?.areaFraction
      : segmentFraction(findings, rule.label);
  if (fraction === undefined) {
    return notApplicable(rule, rule.label === undefined ? 'anomalous areas' : 'segments');
  }
  const { minimumFraction: minimum, maximumFraction: maximum } = rule;
  const limits = [
    ...(minimum === undefined ? [] : [`at least ${percentText(minimum)}`]),
    ...(maximum === undefined ? [] : [`at most ${percentText(maximum)}`]),
  ].join(' and ');
  return {
    outcome: isOutside(fraction, { minimum, maximum }) ? rule.outcome : 'pass',
    rule: rule.name,
    reason: `${rule.label ?? 'anomalous'} ${percentText(fraction)} of the picture, ${limits}`,
  };
};

function segmentFraction({ segments }: Findings, label: string): number | undefined {
  return segments
    ?.filter((segment) => segment.label === label)
    .reduce((sum, { areaFraction }) => sum + areaFraction, 0);
}

/** Fine enough that two values on either side of a limit are not shown as the same. */
const percentText = (fraction: number): string => `${Math.round(fraction * 100_000) / 1000} %`;
