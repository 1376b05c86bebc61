import { z } from 'zod';
import { boolean, described, integer, secretSchema } from './config-values.ts';

/** Where a Modbus TCP device is. */
export const modbusAddress = {
  host: described(z.string().min(1).max(253), 'Name or address of the device'),
  port: described(integer(1, 65_535).default(502), 'Its TCP port'),
  unitId: described(
    integer(0, 255).default(1),
    'Which device behind a gateway; one that stands alone does not look at it',
  ),
  timeoutMs: described(
    integer(10, 60_000).default(1000),
    'A connection or an answer that takes longer counts as lost, in milliseconds',
  ),
};

/** A line of a GPIO chip, as libgpiod names them. */
export const gpioLine = {
  chip: described(
    z
      .string()
      .regex(/^[a-zA-Z0-9][\w.:-]{0,63}$/)
      .default('gpiochip0'),
    'The chip, as `gpiodetect` names it',
  ),
  line: described(integer(0, 1023), 'The line’s number on the chip, as `gpioinfo` lists it'),
  isActiveLow: described(boolean().default(false), 'Whether 1 is the low level'),
  bias: described(
    z.enum(['as-is', 'disabled', 'pull-up', 'pull-down']).default('as-is'),
    'The resistor of the line',
  ),
};

export interface GpioLineConfig {
  readonly chip: string;
  readonly line: number;
  readonly isActiveLow: boolean;
  readonly bias: 'as-is' | 'disabled' | 'pull-up' | 'pull-down';
}

/** Where an OPC UA server is, and how it is spoken to. */
export const opcuaAddress = {
  endpointUrl: described(
    z.string().regex(/^opc\.tcp:\/\/[^@/]+(\/.*)?$/),
    '`opc.tcp://host:4840/…`, without credentials',
  ),
  securityMode: described(
    z.enum(['none', 'sign', 'sign-and-encrypt']).default('none'),
    'What protects messages. With another than `none` both sides must trust each other’s certificate, docs/TRIGGERS.md',
  ),
  securityPolicy: described(
    z
      .enum(['Basic256Sha256', 'Aes128_Sha256_RsaOaep', 'Aes256_Sha256_RsaPss'])
      .default('Basic256Sha256'),
    'Algorithms, where `securityMode` is not `none`',
  ),
  username: described(z.string().min(1).max(128).optional(), 'Nobody signs in when absent'),
  password: described(secretSchema.optional(), 'Where the password of `username` is'),
  timeoutMs: described(
    integer(100, 60_000).default(5000),
    'A connection or an answer that takes longer counts as lost, in milliseconds',
  ),
};

const nodeIdText = z.string().regex(/^(ns=\d{1,5};)?[isgb]=.{1,500}$/);
/** A node of an OPC UA server, as in `ns=2;s=Line.Trigger`. */
export const opcuaNode = (description: string) => described(nodeIdText, description);
