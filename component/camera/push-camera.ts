import { inspectImage } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import { tooLarge } from './read-picture.ts';

/** Pushed pictures that may wait for a slot; one more is refused with OVERLOADED. */
const MAX_WAITING = 16;

export interface PushOptions {
  /** Gives up waiting for a slot: the frame is counted as `stopped`. Its reason is thrown. */
  readonly signal: AbortSignal;
  readonly fileName?: string;
  /**
   * Told the frame's number before anybody can judge it, so that the answer can be matched with the
   * request. Not called for a frame that is refused.
   */
  readonly onSequence: (sequence: number) => void;
}

/** A camera whose frames a program hands in, one picture at a time. */
export class PushCamera implements CameraDriver {
  readonly kind = 'push';
  readonly endsForGood = false;
  readonly #name: string;
  #sink: FrameSink | undefined;
  #stop: AbortSignal | undefined;
  #sequence = 0;
  #waiting = 0;
  /** Frames reach their slots in the order in which they came. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(name: string) {
    this.#name = name;
  }

  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#sink = sink;
    this.#stop = signal;
    sink.notifyOpened();
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    this.#sink = undefined;
    this.#stop = undefined;
  }

  /**
   * Puts an encoded picture into a slot, waiting for a free one, and resolves with its sequence
   * number. `data` is copied; it may be used again afterwards.
   *
   * @throws VedetteError IMAGE_CORRUPT, IMAGE_FORMAT_UNSUPPORTED (no picture), BODY_TOO_LARGE (larger
   * than a slot), OVERLOADED (too many wait), SHUTTING_DOWN (the camera does not run), and the reason
   * of `signal`
   */
  async push(data: Uint8Array, options: PushOptions): Promise<number> {
    const sink = this.#sink;
    const stop = this.#stop;
    if (sink === undefined || stop === undefined) {
      throw new VedetteError('SHUTTING_DOWN', `camera ${this.#name} is not running`);
    }
    if (this.#waiting >= MAX_WAITING) {
      throw new VedetteError(
        'OVERLOADED',
        `${this.#waiting} pictures already wait for camera ${this.#name}, at most ${MAX_WAITING} may`,
      );
    }
    const capturedAtMs = Date.now();
    const signal = AbortSignal.any([stop, options.signal]);
    this.#waiting += 1;
    const turn = this.#tail.then(() => this.#deliver(sink, signal, data, capturedAtMs, options));
    this.#tail = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }

  async #deliver(
    sink: FrameSink,
    signal: AbortSignal,
    data: Uint8Array,
    capturedAtMs: number,
    options: PushOptions,
  ): Promise<number> {
    const sequence = this.#sequence;
    this.#sequence += 1;
    let info;
    try {
      info = inspectImage(data);
    } catch (error) {
      const refusal = VedetteError.from(error, 'IMAGE_CORRUPT');
      sink.countDrop('unreadable', refusal);
      throw refusal;
    }
    if (data.byteLength > sink.slotBytes) {
      const refusal = tooLarge(data.byteLength, sink.slotBytes);
      sink.countDrop('too-large', refusal);
      throw refusal;
    }
    const writer = await sink.openSlot(data.byteLength, signal);
    if (writer === undefined) throw this.#stopped(options.signal);
    writer.bytes.set(data);
    writer.publish({
      format: info.format,
      width: info.width,
      height: info.height,
      byteLength: data.byteLength,
      sequence,
      capturedAtMs,
      ...(options.fileName === undefined ? {} : { fileName: options.fileName }),
    });
    // Readers run after this turn, so that nobody has seen the frame yet.
    options.onSequence(sequence);
    return sequence;
  }

  #stopped(signal: AbortSignal): VedetteError {
    return signal.reason instanceof VedetteError
      ? signal.reason
      : new VedetteError('SHUTTING_DOWN', `camera ${this.#name} stopped before a slot was free`);
  }
}
