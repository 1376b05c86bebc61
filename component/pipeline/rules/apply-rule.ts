import type { Verdict } from '../../contract/result.ts';
import type { RuleConfig } from '../../contract/rule-config.ts';
import { applyAnomalyRule } from './anomaly-rule.ts';
import { applyAreaRule } from './area-rule.ts';
import { applyClassRule } from './class-rule.ts';
import { applyCountRule } from './count-rule.ts';
import { applyCrossingRule } from './crossing-rule.ts';
import { applyDwellRule } from './dwell-rule.ts';
import type { ApplyRule, Evidence, NamedRule } from './evidence.ts';
import { applyOccupancyRule } from './occupancy-rule.ts';
import { applyScoreRule } from './score-rule.ts';
import { applyTextRule } from './text-rule.ts';

const RULES: { readonly [K in RuleConfig['kind']]: ApplyRule<K> } = {
  anomaly: applyAnomalyRule,
  count: applyCountRule,
  'score-between': applyScoreRule,
  class: applyClassRule,
  area: applyAreaRule,
  occupancy: applyOccupancyRule,
  dwell: applyDwellRule,
  crossing: applyCrossingRule,
  text: applyTextRule,
};

export function applyRule(rule: NamedRule, evidence: Evidence): Verdict {
  // Each entry takes the rules of its own key; TypeScript does not follow that through a union.
  const apply = RULES[rule.kind] as (rule: NamedRule, evidence: Evidence) => Verdict;
  return apply(rule, evidence);
}
