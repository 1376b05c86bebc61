import type { EncodedFrame, EncodedStream } from './fragment-reader.ts';

interface TimedFrame extends EncodedFrame {
  /** `performance.now()` of its arrival. */
  readonly arrivalMs: number;
}

interface Recording {
  readonly header: Uint8Array;
  readonly frames: Uint8Array[];
  readonly endMs: number;
  bytes: number;
  readonly done: (pieces: readonly Uint8Array[]) => void;
}

export interface EncodedRingOptions {
  /** Kept before now, from a key frame on, as far as `maxBytes` reaches. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Of what is kept, and of one recording. */
  readonly maxBytes: number;
}

/** The last seconds of an encoded stream as the camera sent it, and what is cut out of it. */
export class EncodedRing implements EncodedStream {
  readonly #options: EncodedRingOptions;
  #header: Uint8Array | undefined;
  #frames: TimedFrame[] = [];
  #bytes = 0;
  #recordings = new Set<Recording>();

  constructor(options: EncodedRingOptions) {
    this.#options = options;
  }

  /** A stream begins. What was recorded of the one before ends here: it may be of another size. */
  header(bytes: Uint8Array): void {
    this.end();
    this.#header = bytes;
  }

  frame(frame: EncodedFrame): void {
    const arrivalMs = performance.now();
    for (const recording of this.#recordings) {
      if (arrivalMs > recording.endMs || recording.bytes > this.#options.maxBytes) {
        this.#finish(recording);
      } else {
        recording.frames.push(frame.bytes);
        recording.bytes += frame.bytes.length;
      }
    }
    this.#frames.push({ ...frame, arrivalMs });
    this.#bytes += frame.bytes.length;
    this.#trim(arrivalMs - this.#options.beforeMs);
  }

  /**
   * The pieces of an MP4 file from `beforeMs` before now (or the key frame before that) to `afterMs`
   * after it, or to the end of the stream. `undefined` when nothing came yet that a file could begin
   * with.
   */
  record(): Promise<readonly Uint8Array[]> | undefined {
    const header = this.#header;
    const first = this.#frames.findIndex(({ isKey }) => isKey);
    if (header === undefined || first < 0) return undefined;
    const frames = this.#frames.slice(first).map(({ bytes }) => bytes);
    const bytes = frames.reduce((sum, { length }) => sum + length, 0);
    const endMs = performance.now() + this.#options.afterMs;
    return new Promise((done) => this.#recordings.add({ header, frames, bytes, endMs, done }));
  }

  /** The stream is over: so are its recordings. */
  end(): void {
    for (const recording of this.#recordings) this.#finish(recording);
    this.#header = undefined;
    this.#frames = [];
    this.#bytes = 0;
  }

  #finish(recording: Recording): void {
    this.#recordings.delete(recording);
    recording.done([recording.header, ...recording.frames]);
  }

  /** Whole groups of pictures go: what follows a key frame is nothing without it. */
  #trim(fromMs: number): void {
    for (;;) {
      const second = this.#frames.findIndex(({ isKey }, index) => isKey && index > 0);
      const isOld = second > 0 && this.#frames[second]!.arrivalMs <= fromMs;
      if (!isOld && this.#bytes <= this.#options.maxBytes) return;
      const gone = this.#frames.splice(0, second > 0 ? second : this.#frames.length);
      this.#bytes -= gone.reduce((sum, { bytes }) => sum + bytes.length, 0);
      if (this.#frames.length === 0) return;
    }
  }
}
