import { z } from 'zod';
import { boolean, described, integer, number, regionSchema } from './config-values.ts';
import { gpioLine, modbusAddress, opcuaAddress, opcuaNode } from './field-device-config.ts';
import { nameSchema } from './model-manifest.ts';

const triggerBase = {
  camera: described(nameSchema, 'The camera, of `policy: triggered`, that is triggered'),
  isEnabled: described(boolean().default(true), 'Whether it triggers'),
  product: described(
    z.string().min(1).max(128).optional(),
    '`product` of the context, where the trigger itself brings none',
  ),
};

const EDGES = ['rising', 'falling', 'change'] as const;
export type Edge = (typeof EDGES)[number];

/** Of triggers that are edges of a signal. */
const edgeBase = {
  edge: described(
    z.enum(EDGES).default('rising'),
    'Which change triggers: to a larger value, to a smaller one, or any',
  ),
  holdOffMs: described(
    integer(0, 60_000).default(0),
    'Edges within so long after one that triggered do not, in milliseconds: against contacts that bounce',
  ),
};

const productRegisters = z
  .strictObject({
    address: described(integer(0, 65_535), 'The first holding register, from 0'),
    registers: described(
      integer(1, 32).default(1),
      'How many, the high word of a number first; a number has one or two',
    ),
    as: described(
      z.enum(['number', 'text']).default('number'),
      'What they hold: `number`, or `text` of two characters each, up to the first 0',
    ),
  })
  .refine(({ as, registers }) => as === 'text' || registers <= 2, {
    message: 'a number has one or two registers',
    path: ['registers'],
  });

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
  z.strictObject({
    ...triggerBase,
    kind: z.literal('cron').meta({ description: 'Times of day, by a cron expression' }),
    expression: described(
      z.string().min(1).max(200),
      'Five fields (minute, hour, day, month, day of the week), or six with seconds first',
    ),
    timeZone: described(
      z.string().min(1).max(64).optional(),
      'As in `Europe/Berlin`; that of the machine when absent',
    ),
  }),
  z.strictObject({
    ...triggerBase,
    kind: z.literal('folder').meta({ description: 'A file that comes into a folder' }),
    path: described(z.string().min(1).max(4096), 'The folder'),
    suffix: described(
      z.string().min(1).max(32).optional(),
      'What names of files that count end with, as in `.job`; all count when absent',
    ),
    pollMs: described(
      integer(20, 60_000).default(200),
      'The folder is looked at so often, in milliseconds',
    ),
  }),
  z.strictObject({
    ...triggerBase,
    kind: z
      .literal('difference')
      .meta({ description: 'A picture of the camera that differs from the one before' }),
    changedFraction: described(
      number(0.0001, 1).default(0.02),
      'Share of the picture, or of `region`, that must have changed',
    ),
    minDifference: described(
      integer(1, 254).default(25),
      'A pixel has changed when its luma differs by more than so many of 255 levels',
    ),
    region: described(
      regionSchema.optional(),
      'Part of the upright picture that is looked at, in its pixels; all of it when absent',
    ),
    sampleMs: described(
      integer(20, 60_000).default(100),
      'Pictures are compared that are so long apart, in milliseconds, or as far as frames are',
    ),
    holdOffMs: described(
      integer(0, 600_000).default(1000),
      'A change that begins within so long after one that triggered does not, in milliseconds',
    ),
  }),
  z.strictObject({
    ...triggerBase,
    ...edgeBase,
    ...modbusAddress,
    kind: z.literal('modbus').meta({ description: 'A value in a PLC that speaks Modbus TCP' }),
    table: described(
      z.enum(['coil', 'discrete-input', 'holding-register', 'input-register']),
      'Where the value is',
    ),
    address: described(integer(0, 65_535), 'Its address from 0: register 40001 is 0'),
    bit: described(
      integer(0, 15).optional(),
      'The bit of a register that is looked at; the whole value when absent',
    ),
    pollMs: described(
      integer(1, 60_000).default(10),
      'It is read again so long after each answer, in milliseconds; a shorter signal is missed',
    ),
    productFrom: described(
      productRegisters.optional(),
      'Where the product code is, which is read after each edge',
    ),
  }),
  z.strictObject({
    ...triggerBase,
    ...edgeBase,
    ...gpioLine,
    kind: z.literal('gpio').meta({ description: 'An input of a GPIO chip, through libgpiod' }),
    debounceMs: described(
      integer(0, 1000).default(5),
      'A level counts when it has stayed for so long, in milliseconds: so much later comes the trigger',
    ),
  }),
  z.strictObject({
    ...triggerBase,
    ...edgeBase,
    ...opcuaAddress,
    kind: z.literal('opcua').meta({ description: 'A value in an OPC UA server, by subscription' }),
    nodeId: opcuaNode('The node whose value is watched, as in `ns=2;s=Line.Trigger`'),
    samplingMs: described(
      integer(5, 60_000).default(50),
      'The server looks at it so often, if it can, in milliseconds',
    ),
    productNodeId: opcuaNode(
      'The node that holds the product code, read after each edge',
    ).optional(),
  }),
]);

export type TriggerConfig = z.infer<typeof triggerSchema>;
export type TriggerConfigOf<K extends TriggerConfig['kind']> = Extract<TriggerConfig, { kind: K }>;
