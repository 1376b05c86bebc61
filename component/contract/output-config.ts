import { z } from 'zod';
import { boolean, described, integer, secretSchema } from './config-values.ts';
import { gpioLine, modbusAddress, opcuaAddress, opcuaNode } from './field-device-config.ts';
import { nameSchema } from './model-manifest.ts';

const everyOutput = {
  camera: described(
    nameSchema.optional(),
    'The camera whose verdicts it gets; every one’s when absent',
  ),
  isEnabled: described(boolean().default(true), 'Whether it is told'),
  errorCountsAs: described(
    z.enum(['pass', 'fail', 'review', 'error']).default('fail'),
    'As which outcome an `error` is told',
  ),
};

/** Of outputs that are told the whole verdict. */
const messageBase = {
  ...everyOutput,
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
};

/** A program that holds a line is started and ended for a pulse, which takes up to so long. */
const MIN_GPIO_PULSE_MS = 60;

const signalValue = (maximum: number) => integer(0, maximum).optional();

/** Of outputs that are a value in a machine. What comes too late there belongs to the next part. */
const signalBase = (maximum: number) => ({
  ...everyOutput,
  values: described(
    z.strictObject({
      pass: signalValue(maximum),
      fail: signalValue(maximum),
      review: signalValue(maximum),
      error: signalValue(maximum),
    }),
    'What is set at which outcome; at one that is absent nothing is',
  ),
  pulseMs: described(
    integer(1, 60_000).optional(),
    'After so long `restValue` is set, in milliseconds; when absent the value stays until the next verdict',
  ),
  restValue: described(integer(0, maximum).default(0), 'What is set at the end of a pulse'),
  delayMs: described(
    integer(0, 600_000).default(0),
    'It is set so long after the verdict, in milliseconds: for what acts further down the line',
  ),
  maxQueued: described(
    integer(1, 1000).default(32),
    'Verdicts that wait to be set; the oldest is given up and counted when there are more',
  ),
  giveUpAfterMs: described(
    integer(10, 60_000).default(500),
    'A value that could not be set so long after it was due is given up and counted, in milliseconds',
  ),
});

/** Who is told of verdicts at once; docs/TRIGGERS.md. */
export const outputSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...messageBase,
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
    ...messageBase,
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
  z.strictObject({
    ...signalBase(65_535),
    ...modbusAddress,
    kind: z.literal('modbus').meta({ description: 'A value in a PLC that speaks Modbus TCP' }),
    table: described(z.enum(['coil', 'holding-register']), 'Where the value is'),
    address: described(
      integer(0, 65_535),
      'Its address from 0: register 40001 is 0. A coil is on unless the value is 0',
    ),
  }),
  z.strictObject({
    ...signalBase(1),
    ...gpioLine,
    pulseMs: described(
      integer(MIN_GPIO_PULSE_MS, 60_000).optional(),
      'After so long `restValue` is set, in milliseconds; when absent the value stays until the next verdict. The program that holds a line cannot give a shorter pulse',
    ),
    kind: z.literal('gpio').meta({ description: 'An output of a GPIO chip, through libgpiod' }),
  }),
  z.strictObject({
    ...signalBase(65_535),
    ...opcuaAddress,
    kind: z.literal('opcua').meta({ description: 'A value in an OPC UA server' }),
    nodeId: opcuaNode('The node that is written, of a Boolean, a number or text'),
  }),
]);

export type OutputConfig = z.infer<typeof outputSchema>;
export type OutputConfigOf<K extends OutputConfig['kind']> = Extract<OutputConfig, { kind: K }>;
export type SignalOutputConfig = Extract<OutputConfig, { values: unknown }>;
