import { BackOff } from '../../camera/back-off.ts';
import { pause } from '../../camera/pause.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

const RETRY = { firstMs: 250, maximumMs: 10_000 };

/**
 * A trigger that needs a peer: `listen` connects, calls `listening`, and ends by throwing, or when its
 * signal is aborted. It is called again for ever, with growing pauses while nothing answers.
 */
export function keepConnected(
  listener: TriggerListener,
  listen: (signal: AbortSignal, listening: () => void) => Promise<void>,
): TriggerSource {
  const stop = new AbortController();
  const run = async () => {
    const backOff = new BackOff(RETRY);
    const listening = () => {
      backOff.reset();
      listener.listening();
    };
    while (!stop.signal.aborted) {
      try {
        await listen(stop.signal, listening);
      } catch (thrown) {
        if (stop.signal.aborted) return;
        listener.lost(VedetteError.from(thrown, 'FIELD_DEVICE_OFFLINE'));
      }
      await pause(backOff.next(), stop.signal);
    }
  };
  const ran = run();
  return {
    close: async () => {
      stop.abort();
      await ran;
    },
  };
}
