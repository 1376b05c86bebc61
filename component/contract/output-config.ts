import { z } from 'zod';
import { boolean, described, integer, secretSchema } from './config-values.ts';
import { nameSchema } from './model-manifest.ts';

const outputBase = {
  camera: described(
    nameSchema.optional(),
    'The camera whose verdicts it gets; every one’s when absent',
  ),
  isEnabled: described(boolean().default(true), 'Whether it is told'),
  outcomes: described(
    z
      .strictObject({
        pass: boolean().default(false),
        fail: boolean().default(true),
        review: boolean().default(true),
        error: boolean().default(true),
      })
      .prefault({}),
    'The outcomes that it is told',
  ),
  errorCountsAs: described(
    z.enum(['pass', 'fail', 'review', 'error']).default('fail'),
    'As which outcome an `error` is told',
  ),
};

/** Who is told of verdicts at once; docs/TRIGGERS.md. */
export const outputSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...outputBase,
    kind: z.literal('webhook').meta({ description: 'A POST to a program, signed and tried again' }),
    url: described(
      z.string().regex(/^https?:\/\/[^@/]+(\/.*)?$/),
      '`http(s)://…`, without credentials',
    ),
    secret: described(
      secretSchema.optional(),
      'Where the key of the signature is; requests are not signed when absent',
    ),
    timeoutMs: described(
      integer(100, 60_000).default(5000),
      'An endpoint that has not answered within so long is tried again, in milliseconds',
    ),
    maxQueued: described(
      integer(1, 10_000).default(500),
      'Verdicts that wait to be sent; the oldest is given up and counted when there are more',
    ),
    giveUpAfterMs: described(
      integer(1000, 86_400_000).default(600_000),
      'A verdict that could not be sent for so long is given up and counted, in milliseconds',
    ),
  }),
  z.strictObject({
    ...outputBase,
    kind: z.literal('mqtt').meta({
      description: 'A message, through Greengrass or to `delivery.mqtt`, without the outbox',
    }),
    topic: described(
      z
        .string()
        .min(1)
        .max(256)
        .regex(/^[^#+\0]+$/),
      'The topic; the message is what a webhook gets',
    ),
    maxQueued: described(
      integer(1, 10_000).default(100),
      'Verdicts that wait to be sent; the oldest is given up and counted when there are more',
    ),
    giveUpAfterMs: described(
      integer(1000, 86_400_000).default(10_000),
      'A verdict that could not be sent for so long is given up and counted, in milliseconds',
    ),
  }),
]);

export type OutputConfig = z.infer<typeof outputSchema>;
export type OutputConfigOf<K extends OutputConfig['kind']> = Extract<OutputConfig, { kind: K }>;
