import { z } from 'zod';
import { boolean, described, number } from './config-values.ts';
import { outcome, ruleBase } from './rule-base.ts';

/** What a text rule looks for: exactly one of them. */
export const TEXT_WANTED = ['text', 'contextKey', 'pattern'] as const;

export const textRuleSchema = z.strictObject({
  ...ruleBase,
  kind: z.literal('text').meta({ description: 'What is read decides: it must be there' }),
  text: described(z.string().min(1).max(1000).optional(), 'What must be read'),
  contextKey: described(
    z.string().min(1).max(200).optional(),
    'Key of the context that came with the picture, such as `lot`, whose value must be read',
  ),
  pattern: described(
    z.string().min(1).max(1000).optional(),
    'Regular expression that must match; `^` and `$` stand for the ends of a line',
  ),
  isExact: described(
    boolean().default(false),
    'Whether spaces and case count for `text` and `contextKey`',
  ),
  minScore: described(
    number(0, 1).default(0),
    'Lines that were read with a lower score do not count',
  ),
  outcome: described(outcome.default('fail'), 'Outcome when it is not there'),
});
