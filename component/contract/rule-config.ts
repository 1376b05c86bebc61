import { z } from 'zod';
import { described, integer, number } from './config-values.ts';
import { areaRuleSchema, classRuleSchema } from './finding-rule-config.ts';
import { nameSchema } from './model-manifest.ts';
import { outcome, ruleBase } from './rule-base.ts';
import { anchorSchema, polygonSchema } from './space-config.ts';
import { crossingRuleSchema, dwellRuleSchema, occupancyRuleSchema } from './space-rule-config.ts';
import { textRuleSchema } from './text-rule-config.ts';

export const ruleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...ruleBase,
    kind: z
      .literal('anomaly')
      .meta({ description: 'The anomaly score, or the model’s own decision, decides' }),
    failAt: described(
      number(0, 1).optional(),
      "A score at or above fails; the model's own decision when absent (its threshold, or what its `decision` looks at)",
    ),
    reviewAt: described(
      number(0, 1).optional(),
      'A score at or above, but below `failAt`, asks for review',
    ),
  }),
  z.strictObject({
    ...ruleBase,
    kind: z
      .literal('count')
      .meta({ description: 'The number of detections, or poses, of a label decides' }),
    label: described(z.string().min(1).optional(), 'The label counted; any when absent'),
    zone: described(
      z.union([polygonSchema, nameSchema]).optional(),
      'Name of a zone, or a polygon in source pixels; a detection is inside when its anchor is. The whole picture when absent',
    ),
    anchor: described(
      anchorSchema.default('bottom-centre'),
      'The point of a box that must lie in the polygon; a named zone has its own',
    ),
    minimum: described(integer(0, 100_000).optional(), 'Fewer than this breaks the rule'),
    maximum: described(integer(0, 100_000).optional(), 'More than this breaks the rule'),
    outcome: described(outcome.default('fail'), 'Outcome when the rule is broken'),
  }),
  z.strictObject({
    ...ruleBase,
    kind: z.literal('score-between').meta({
      description: 'A detection or class whose score lies between two values asks for review',
    }),
    label: described(z.string().min(1).optional(), 'The label looked at; any when absent'),
    from: described(
      number(0, 1),
      'Lowest score that counts; not below the threshold under which findings are left out',
    ),
    to: described(
      number(0, 1),
      'First score that no longer counts; 1 counts every one from `from`',
    ),
    outcome: described(outcome.default('review'), 'Outcome when there is one'),
  }),
  classRuleSchema,
  areaRuleSchema,
  occupancyRuleSchema,
  dwellRuleSchema,
  crossingRuleSchema,
  textRuleSchema,
]);

export type RuleConfig = z.infer<typeof ruleSchema>;

/** The label that a rule looks for, which the camera's model must be able to give. */
export const labelOf = (rule: RuleConfig): string | undefined =>
  'label' in rule ? rule.label : undefined;
