import { z } from 'zod';
import { described, integer, number } from './config-values.ts';

const band = (what: string) =>
  described(
    z.strictObject({ from: number(0, 1), to: number(0, 1) }).optional(),
    `The part of ${what} that a canary may have, such as \`{ from: 0, to: 0.1 }\`; when absent it is compared with the version that ran before`,
  );

/** How a new version of a model comes in and goes back; docs/MODEL-LIFECYCLE.md has the rules. */
export const rolloutSchema = z.strictObject({
  keepWarmMs: described(
    integer(0, 604_800_000).default(600_000),
    'After a swap the version before stays loaded for so long, in milliseconds, for an instant rollback',
  ),
  minimumResults: described(
    integer(10, 1_000_000).default(50),
    'Results of a canary on a camera before its latency and verdicts are looked at',
  ),
  latencyFactor: described(
    number(1, 1000).default(1.5),
    'A canary goes back when its median latency is above so many times that of the version before',
  ),
  maxErrorRate: described(
    number(0, 1).default(0.01),
    'A canary goes back when the part of its results that are errors is above this',
  ),
  rateTolerance: described(
    number(0, 1).default(0.05),
    'So far the part of fails or reviews of a canary may be from that of the version before',
  ),
  failRate: band('results with outcome `fail`'),
  reviewRate: band('results with outcome `review`'),
  promoteBy: described(
    z.enum(['person', 'labels']).default('person'),
    '`person`: somebody promotes a candidate; `labels`: it is promoted by itself when people’s labels agree with it no less than with the version that runs',
  ),
  minimumLabels: described(
    integer(10, 1_000_000).default(100),
    'Labelled results of either version that a promotion by labels needs',
  ),
});

export type RolloutConfig = z.infer<typeof rolloutSchema>;
