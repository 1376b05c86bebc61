import type { Findings, Verdict } from '../../contract/result.ts';
import type { RuleConfig } from '../../contract/rule-config.ts';

export type NamedRule = RuleConfig & { readonly name: string };
export type RuleOf<K extends RuleConfig['kind']> = Extract<NamedRule, { kind: K }>;

/** What rules look at. */
export interface Evidence {
  readonly findings: Findings;
}

/** The verdict of one rule of a kind. Must be pure: what a rule needs of earlier frames is evidence. */
export type ApplyRule<K extends RuleConfig['kind']> = (
  rule: RuleOf<K>,
  evidence: Evidence,
) => Verdict;

/** A rule that finds nothing of its family to look at cannot vouch for the part. */
export const notApplicable = (rule: NamedRule, wanted: string): Verdict => ({
  outcome: 'review',
  rule: rule.name,
  reason: `the model gives no ${wanted}: this rule does not fit it`,
});

/** A score as reasons show it. */
export const scoreText = (value: number): string => String(Math.round(value * 1000) / 1000);
