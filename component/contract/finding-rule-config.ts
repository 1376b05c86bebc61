import { z } from 'zod';
import { boolean, described, number } from './config-values.ts';
import { outcome, ruleBase } from './rule-base.ts';

const outcomeWhenBroken = described(outcome.default('fail'), 'Outcome when the rule is broken');

export const classRuleSchema = z.strictObject({
  ...ruleBase,
  kind: z.literal('class').meta({ description: 'The class that the model is surest of decides' }),
  label: described(z.string().min(1), 'The class looked for'),
  isWanted: described(
    boolean().default(true),
    '`true`: the first class must be this one; `false`: it must be another',
  ),
  minimumScore: described(
    number(0, 1).default(0),
    'The class counts as found with at least this score',
  ),
  outcome: outcomeWhenBroken,
});

export const areaRuleSchema = z.strictObject({
  ...ruleBase,
  kind: z.literal('area').meta({
    description:
      'How much of the picture a segment takes decides; of an anomaly model, its anomalous areas together',
  }),
  label: described(
    z.string().min(1).optional(),
    'The segment looked at; when absent the anomalous areas',
  ),
  minimumFraction: described(
    number(0, 1).optional(),
    'Less than this part of the picture breaks the rule, 0–1',
  ),
  maximumFraction: described(
    number(0, 1).optional(),
    'More than this part of the picture breaks the rule, 0–1',
  ),
  outcome: outcomeWhenBroken,
});
