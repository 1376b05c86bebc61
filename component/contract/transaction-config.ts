import { z } from 'zod';
import { boolean, described, integer } from './config-values.ts';

export const QUEUE_POLICIES = ['queue', 'drop', 'replace'] as const;

/** How a camera of policy `triggered` answers its triggers; docs/TRIGGERS.md. */
export const transactionSchema = z.strictObject({
  deadlineMs: described(
    integer(10, 600_000).default(1000),
    'A trigger has its verdict within so long, in milliseconds; else it gets `failSafe`',
  ),
  failSafe: described(
    z.enum(['fail', 'review']).default('fail'),
    'The outcome of a trigger that could not be judged in time',
  ),
  whenBusy: described(
    z.enum(QUEUE_POLICIES).default('queue'),
    'What becomes of a trigger while another one is open: `queue`: it waits, as long as fewer than `maxQueued` do; `drop`: it is refused; `replace`: it takes the place of those that no model judges yet',
  ),
  maxQueued: described(
    integer(1, 32).default(8),
    'Triggers that may be open besides the first, with `queue`; the camera has so many more slots for their frames',
    'camera',
  ),
  beforeMs: described(
    integer(0, 60_000).default(0),
    'A frame captured at most so long before the trigger is taken when it is nearer than the first one after it, in milliseconds; 0: only frames after it',
  ),
  afterMs: described(
    integer(1, 600_000).default(1000),
    'A frame captured later than so long after the trigger is not taken, in milliseconds',
  ),
  isByFrame: described(
    boolean().default(false),
    'Each frame is its own trigger: of a camera that takes a picture when its own trigger input says so. Pushed pictures and watched files are in any case',
    'camera',
  ),
  repeatWindowMs: described(
    integer(0, 3_600_000).default(60_000),
    'A trigger with an id that came within so long gets the answer of the first, in milliseconds',
  ),
});

export type TransactionConfig = z.infer<typeof transactionSchema>;
