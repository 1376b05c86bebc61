import { z } from 'zod';
import { described, integer } from './config-values.ts';
import { nameSchema } from './model-manifest.ts';
import { outcome, ruleBase } from './rule-base.ts';

/** Rules on objects that are followed from frame to frame; a camera that has one tracks. */

const label = described(z.string().min(1).optional(), 'The label looked at; any when absent');
const outcomeWhenBroken = described(outcome.default('fail'), 'Outcome when the rule is broken');

export const occupancyRuleSchema = z.strictObject({
  ...ruleBase,
  kind: z.literal('occupancy').meta({
    description:
      'The number of followed objects in a zone decides; one that is hidden for a moment still counts',
  }),
  zone: described(nameSchema, 'Name of the zone'),
  label,
  minimum: described(integer(0, 100_000).optional(), 'Fewer than this breaks the rule'),
  maximum: described(integer(0, 100_000).optional(), 'More than this breaks the rule'),
  outcome: outcomeWhenBroken,
});

export const dwellRuleSchema = z.strictObject({
  ...ruleBase,
  kind: z.literal('dwell').meta({ description: 'How long an object stays in a zone decides' }),
  zone: described(nameSchema, 'Name of the zone'),
  label,
  maximumMs: described(
    integer(0, 86_400_000),
    'An object that is in the zone for longer breaks the rule, in milliseconds',
  ),
  outcome: outcomeWhenBroken,
});

export const crossingRuleSchema = z.strictObject({
  ...ruleBase,
  kind: z
    .literal('crossing')
    .meta({ description: 'The number of objects that cross a line decides' }),
  line: described(nameSchema, 'Name of the line'),
  direction: described(
    z.enum(['forward', 'backward', 'either']).default('either'),
    'The direction that counts; see `lines.*.points`',
  ),
  label,
  withinMs: described(
    integer(1, 86_400_000).optional(),
    'Crossings of so many milliseconds up to the frame are counted; those of the frame alone when absent',
  ),
  minimum: described(
    integer(1, 100_000).optional(),
    'Fewer than this breaks the rule, once the line was watched for `withinMs`',
  ),
  maximum: described(integer(0, 100_000).optional(), 'More than this breaks the rule'),
  outcome: outcomeWhenBroken,
});
