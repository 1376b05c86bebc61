import { pause } from '../../camera/pause.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { SignalOutputConfig } from '../../contract/output-config.ts';
import type { OutputPort } from './output-port.ts';

/** A value in a machine: a coil, a register, a pin, a node. */
export interface SignalLine {
  /** As in `coil 7`, for what is recorded. */
  readonly description: string;
  /**
   * Connects where that is needed, so that what `write` fails by afterwards is the writing.
   * @throws VedetteError; nothing was set, and it may be called again
   */
  reach(signal: AbortSignal): Promise<void>;
  /**
   * Only after `reach`. Resolves when the machine has the value, with the steady time since when; after `signal` it does not
   * get it any more.
   * @throws VedetteError FIELD_DEVICE_REFUSED when it surely was not set; after any other it may have been
   */
  write(value: number, signal: AbortSignal): Promise<number>;
  /** Lets go of the machine. */
  close(): Promise<void>;
}

/** A machine that does not answer holds up an end for no longer. */
const CLOSE_MS = 1000;
const REST_RETRY_MS = 250;
/** The end of a pulse that takes longer is not waited for: to send it again would move the machine twice. */
const END_MS = 500;

/**
 * Sets the value of the outcome. A value that stays may be set again, and is; a pulse that may have been
 * given is not given again. A pulse that has begun, or may have, is ended whatever comes: until it
 * is, no other begins.
 */
export function signalOutput(config: SignalOutputConfig, line: SignalLine): OutputPort {
  const { values, pulseMs, restValue } = config;
  const open = new AbortController();
  let resting: Promise<void> = Promise.resolve();

  const rest = async () => {
    for (; !open.signal.aborted; await pause(REST_RETRY_MS, open.signal)) {
      try {
        await line.reach(open.signal);
        await line.write(restValue, open.signal);
        return;
      } catch {
        // Records and status say of what comes next that it could not be set.
      }
    }
  };

  const send: OutputPort['send'] = async ({ outcome }, signal, untilMs) => {
    const value = values[outcome];
    if (value === undefined) {
      throw new VedetteError('MESSAGE_REFUSED', `no value is set for outcome ${outcome}`);
    }
    const lateMs = Math.max(0, Math.ceil(untilMs - performance.now()));
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(lateMs)]);
    if (!(await settles(resting, inTime))) {
      const message = `${line.description}: the pulse before could not be ended yet`;
      throw new VedetteError('FIELD_DEVICE_OFFLINE', message);
    }
    const set = `${line.description} = ${value}`;
    await line.reach(inTime);
    if (pulseMs === undefined) {
      await line.write(value, inTime);
      return set;
    }
    let sinceMs: number;
    try {
      sinceMs = await line.write(value, inTime);
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'FIELD_DEVICE_OFFLINE');
      if (error.code === 'FIELD_DEVICE_REFUSED') throw error;
      // The answer may have been lost, and not the value.
      resting = rest();
      throw uncertain(set, error);
    }
    resting = pause(Math.max(0, sinceMs + pulseMs - performance.now()), signal).then(rest);
    const isOver = await settles(resting, AbortSignal.timeout(pulseMs + END_MS));
    return isOver
      ? `${set} for ${pulseMs} ms`
      : `${set}, but ${restValue} could not be set ${pulseMs} ms later and is tried again`;
  };

  let sending: Promise<unknown> = Promise.resolve();
  return {
    send: (message, signal, untilMs) => {
      const sent = send(message, signal, untilMs);
      sending = sent.catch(() => {});
      return sent;
    },
    close: async () => {
      // The pause within a pulse is over, since its signal is aborted.
      const isAtRest = sending.then(() => resting);
      await settles(isAtRest, AbortSignal.timeout(CLOSE_MS));
      open.abort();
      await line.close();
    },
  };
}

/** A second pulse would move the machine twice, and meet the next part. */
const uncertain = (set: string, { message }: VedetteError): VedetteError =>
  new VedetteError(
    'OUTPUT_UNCERTAIN',
    `${set} may have been set, and is not set again: ${message}`,
  );

/** Whether it ends before the signal. */
function settles(one: Promise<void>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const stop = () => resolve(false);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    void one.then(() => {
      signal.removeEventListener('abort', stop);
      resolve(true);
    });
  });
}
