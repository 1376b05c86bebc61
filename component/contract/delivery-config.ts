import { z } from 'zod';
import { boolean, described, integer, mapOf, secretSchema } from './config-values.ts';

const hour = () => integer(0, 23);

/** Where batches of the ledger and captures go. */
export const storeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('s3').meta({ description: 'A bucket of Amazon S3' }),
    bucket: described(z.string().min(3).max(63), 'The bucket'),
    prefix: described(
      z
        .string()
        .max(256)
        .regex(/^[a-zA-Z0-9!_.*'()/-]*$/)
        .default('vedette'),
      'Before every key',
    ),
    region: described(z.string().min(1).optional(), 'Region; that of the environment when absent'),
  }),
  z.strictObject({
    kind: z.literal('folder').meta({ description: 'A folder, such as a mounted share' }),
    path: described(z.string().min(1), 'The folder'),
  }),
]);

/** What leaves the device and how; docs/DELIVERY.md. */
export const deliverySchema = z.strictObject({
  results: described(
    z.enum(['notable', 'all', 'none']).default('notable'),
    '`notable`: fails, reviews, errors and a summary a minute; `all`: every result; `none`: nothing of cameras',
  ),
  cameras: described(
    mapOf(
      z.strictObject({
        results: described(z.enum(['notable', 'all', 'none']), 'In place of `delivery.results`'),
      }),
    ).default({}),
    'What is otherwise for a camera',
  ),
  maxBytes: described(
    integer(1_048_576, 1e13).default(1_073_741_824),
    'What waits for delivery may take this much of the database, in bytes; beyond, the oldest that is no alarm is given up first, counted and reported',
  ),
  messages: z
    .strictObject({
      isEnabled: described(
        boolean().default(true),
        'Whether messages are sent, through Greengrass or to `delivery.mqtt`',
      ),
      profile: described(
        z.enum(['full', 'compact', 'summary']).default('full'),
        '`full`: the whole result; `compact`: without outlines, vectors and tensors; `summary`: verdict and counts. What does not fit a message goes in numbered parts',
      ),
      timeToLiveSeconds: described(
        integer(1, 315_360_000).default(604_800),
        'What has waited longer is no longer sent as a message (the ledger still gets it), in seconds of running time',
      ),
      acknowledgementTopic: described(
        z
          .string()
          .min(1)
          .max(256)
          .regex(/^[^#+\0]+$/)
          .optional(),
        'Topic on which a receiver confirms what it has: `{ "camera": "dock", "sequence": 812 }`; then nothing is removed before',
      ),
    })
    .prefault({}),
  mqtt: described(
    z
      .strictObject({
        url: described(
          z.string().regex(/^mqtts?:\/\/[^@/]+\/?$/),
          '`mqtt://host:1883` or `mqtts://host:8883`, without credentials',
        ),
        clientId: described(z.string().min(1).max(128).optional(), 'The thing name when absent'),
        username: described(z.string().min(1).optional(), 'User name'),
        password: described(secretSchema.optional(), 'Where the password is'),
        caFile: described(
          z.string().min(1).optional(),
          'Certificates (PEM) of authorities that signed the broker’s; the system’s when absent',
        ),
      })
      .optional(),
    'A broker that messages go to, in place of Greengrass',
  ),
  store: described(storeSchema.optional(), 'Where the ledger and captures go; nowhere when absent'),
  ledger: z
    .strictObject({
      isEnabled: described(
        boolean().default(true),
        'Whether batches of results are put into `delivery.store`',
      ),
      intervalSeconds: described(
        integer(1, 86_400).default(300),
        'A batch is put there at the latest after so many seconds',
      ),
      maxBatchBytes: described(
        integer(4096, 67_108_864).default(4_194_304),
        'And as soon as it has so many bytes before compression',
      ),
    })
    .prefault({}),
  captures: z
    .strictObject({
      isEnabled: described(
        boolean().default(true),
        'Whether captures are put into `delivery.store`',
      ),
      maxBytesPerSecond: described(
        integer(1024, 1e10).optional(),
        'Mean rate of uploads, in bytes per second; no limit when absent',
      ),
      hours: described(
        z
          .strictObject({
            from: described(hour(), 'First hour, 0–23'),
            to: described(hour(), 'Hour in which it ends, 0–23; may be on the next day'),
          })
          .optional(),
        'Hours of the day, by the device’s clock and time zone, in which captures are uploaded; always when absent',
      ),
    })
    .prefault({}),
});

export type DeliveryConfig = z.infer<typeof deliverySchema>;
export type DeliveryStoreConfig = z.infer<typeof storeSchema>;
export type PayloadProfile = DeliveryConfig['messages']['profile'];
