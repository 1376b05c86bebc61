import { VedetteError } from '../../contract/errors.ts';
import type { GpioLineConfig } from '../../contract/field-device-config.ts';
import {
  findGpioPrograms,
  GpioProgram,
  setArguments,
  type GpioPrograms,
} from '../../field-io/gpio-programs.ts';
import type { SignalLine } from './signal-output.ts';

/**
 * A line that a program of libgpiod holds. A line has one holder, so that the program of the value before
 * ends first: what the line does in the milliseconds between is up to the chip's driver.
 */
export function gpioLine(config: GpioLineConfig): SignalLine {
  let programs: GpioPrograms | undefined;
  let held: { readonly program: GpioProgram; readonly value: number } | undefined;
  return {
    description: `line ${config.line} of ${config.chip}`,
    write: async (value, signal) => {
      if (held?.value === value && held.program.isRunning) return performance.now();
      programs ??= await findGpioPrograms();
      await held?.program.close();
      held = undefined;
      if (signal.aborted) {
        throw new VedetteError('FIELD_DEVICE_OFFLINE', 'the line was not free in time');
      }
      const given = setArguments(config, value, programs);
      const sinceMs = performance.now();
      held = { program: await GpioProgram.start('gpioset', given), value };
      return sinceMs;
    },
    close: async () => held?.program.close(),
  };
}
