import { z } from 'zod';
import { boolean, described, integer } from './config-values.ts';
import { nameSchema } from './model-manifest.ts';

const triggerBase = {
  camera: described(nameSchema, 'The camera, of `policy: triggered`, that is triggered'),
  isEnabled: described(boolean().default(true), 'Whether it triggers'),
  product: described(
    z.string().min(1).max(128).optional(),
    '`product` of the context, where the trigger itself brings none',
  ),
};

/** What triggers a camera besides requests over HTTP; docs/TRIGGERS.md. */
export const triggerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...triggerBase,
    kind: z
      .literal('mqtt')
      .meta({ description: 'A message, through Greengrass or from `delivery.mqtt`' }),
    topic: described(
      z.string().min(1).max(256),
      'The topic, `+` and `#` as in MQTT. A message is empty or `{"id": …, "context": {…}}`',
    ),
  }),
  z.strictObject({
    ...triggerBase,
    kind: z.literal('schedule').meta({ description: 'A fixed interval' }),
    intervalMs: described(
      integer(50, 86_400_000),
      'From one trigger to the next, in milliseconds of running time',
    ),
  }),
]);

export type TriggerConfig = z.infer<typeof triggerSchema>;
