import { z } from 'zod';
import { boolean, described } from './config-values.ts';
import { nameSchema } from './model-manifest.ts';

/** What a rule may make of what it finds. */
export const outcome = z.enum(['pass', 'fail', 'review']);

/** The settings that every rule has. */
export const ruleBase = {
  camera: described(nameSchema, 'The camera whose results it judges'),
  product: described(
    z.string().min(1).max(128).optional(),
    'The product of `cameras.*.products` whose pictures it judges; those of every product when absent',
  ),
  isEnabled: described(boolean().default(true), 'Whether the rule is applied'),
};
