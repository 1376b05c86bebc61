import { pause } from '../../camera/pause.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { GpioLineConfig } from '../../contract/field-device-config.ts';
import {
  findGpioPrograms,
  GpioProgram,
  setArguments,
  type GpioPrograms,
} from '../../field-io/gpio-programs.ts';
import type { SignalLine } from './signal-output.ts';

/** A level that is lost is tried to be set again after so long, and as long after it was set last. */
const RESTORE_MS = 250;

interface Held {
  readonly program: GpioProgram;
  readonly value: number;
  readonly sinceMs: number;
}

/**
 * A line that a program of libgpiod holds. A line has one holder, so that the program of the value before
 * ends first: what the line does in the milliseconds between is up to the chip's driver. A program that
 * ends by itself took the level along: it is set again until it holds, or another value is written.
 * @param onLost told of each level that was lost, with why
 */
export function gpioLine(
  config: GpioLineConfig,
  onLost: (error: VedetteError) => void,
): SignalLine {
  let programs: GpioPrograms | undefined;
  let held: Held | undefined;
  let restoring: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  const hold = async (value: number, given: readonly string[]): Promise<number> => {
    const sinceMs = performance.now();
    const own = { program: await GpioProgram.start('gpioset', given), value, sinceMs };
    held = own;
    void own.program.ended().then((error) => {
      if (held !== own) return;
      held = undefined;
      if (error) onLost(error);
      const stop = new AbortController();
      restoring = { stop, done: restore(own, given, stop.signal) };
    });
    return sinceMs;
  };

  const restore = async (lost: Held, given: readonly string[], signal: AbortSignal) => {
    // One that ends again and again is not started without a pause.
    const early = lost.sinceMs + RESTORE_MS - performance.now();
    if (early > 0) await pause(early, signal);
    for (; !signal.aborted; await pause(RESTORE_MS, signal)) {
      try {
        await hold(lost.value, given);
        return;
      } catch {
        // `onLost` has told; of a verdict that comes meanwhile its record says that it could not be set.
      }
    }
  };

  const stopRestoring = async () => {
    restoring?.stop.abort();
    await restoring?.done;
    restoring = undefined;
  };

  const letGo = async () => {
    const before = held;
    held = undefined;
    await before?.program.close();
  };

  return {
    description: `line ${config.line} of ${config.chip}`,
    reach: async () => {
      programs ??= await findGpioPrograms();
    },
    write: async (value, signal) => {
      await stopRestoring();
      if (held?.value === value && held.program.isRunning) return performance.now();
      await letGo();
      if (programs === undefined || signal.aborted) {
        throw new VedetteError('FIELD_DEVICE_REFUSED', 'the line was not free in time');
      }
      try {
        return await hold(value, setArguments(config, value, programs));
      } catch (thrown) {
        const error = VedetteError.from(thrown, 'FIELD_DEVICE_OFFLINE');
        // One that ended by itself never had the line; one that was killed may have set it.
        if (error.details['wasKilled'] !== false) throw error;
        throw new VedetteError('FIELD_DEVICE_REFUSED', error.message, { cause: error });
      }
    },
    close: async () => {
      await stopRestoring();
      await letGo();
    },
  };
}
