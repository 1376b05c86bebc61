import { z } from 'zod';
import { boolean, described, integer } from './config-values.ts';

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
