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
    reach: async () => {
      programs ??= await findGpioPrograms();
    },
    write: async (value, signal) => {
      if (held?.value === value && held.program.isRunning) return performance.now();
      await held?.program.close();
      held = undefined;
      if (programs === undefined || signal.aborted) {
        throw new VedetteError('FIELD_DEVICE_REFUSED', 'the line was not free in time');
      }
      const given = setArguments(config, value, programs);
      const sinceMs = performance.now();
      try {
        held = { program: await GpioProgram.start('gpioset', given), value };
      } catch (thrown) {
        const error = VedetteError.from(thrown, 'FIELD_DEVICE_OFFLINE');
        // One that ended by itself never had the line; one that was killed may have set it.
        if (error.details['wasKilled'] !== false) throw error;
        throw new VedetteError('FIELD_DEVICE_REFUSED', error.message, { cause: error });
      }
      return sinceMs;
    },
    close: async () => held?.program.close(),
  };
}
