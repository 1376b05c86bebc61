import type { EncodedFrame, EncodedStream } from './fragment-reader.ts';

interface TimedFrame extends EncodedFrame {
  /** `performance.now()` of its arrival. */
  readonly arrivalMs: number;
}

/** From one opening of the source to its end: timestamps and encoding are its own. */
interface Stream {
  readonly header: Uint8Array;
  readonly beganMs: number;
  frames: TimedFrame[];
  bytes: number;
  /** Whether its first frames have left the ring. */
  isTrimmed: boolean;
}

/** What is cut out of a stream. Times are of `performance.now()`. */
export interface EncodedRecording {
  /** The pieces of an MP4 file, when its last is there. */
  readonly pieces: Promise<readonly Uint8Array[]>;
  /**
   * Whether it shows the frame that arrived at `momentMs`. One that still runs goes on to `afterMs`
   * from now; where that is beyond its longest length, it is not the recording of this moment.
   */
  covers(momentMs: number): boolean;
}

interface Running {
  readonly stream: Stream;
  readonly frames: Uint8Array[];
  readonly latestEndMs: number;
  endMs: number;
  bytes: number;
  /** `lastMs`: frames that arrived until then are surely in it. */
  readonly finish: (lastMs: number) => void;
}

export interface EncodedRingOptions {
  /** Kept before now, from a key frame on, as far as `maxBytes` reaches. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Of what is kept, and of one recording. */
  readonly maxBytes: number;
}

/** A frame is kept for so much longer, until its verdict is there. */
const JUDGING_MS = 2000;
/** A recording ends at the latest after so many times `afterMs`, however many verdicts extend it. */
const LONGEST_IN_AFTERS = 4;

/** The last seconds of an encoded stream as the camera sent it, and what is cut out of it. */
export class EncodedRing implements EncodedStream {
  readonly #options: EncodedRingOptions;
  #live: Stream | undefined;
  /** The stream before: the last of its frames may not be judged yet. */
  #ended: Stream | undefined;
  readonly #running = new Set<Running>();

  constructor(options: EncodedRingOptions) {
    this.#options = options;
  }

  /** A stream begins. What was recorded of the one before ends here: it may be of another size. */
  header(bytes: Uint8Array): void {
    this.end();
    const beganMs = performance.now();
    this.#live = { header: bytes, beganMs, frames: [], bytes: 0, isTrimmed: false };
  }

  frame(frame: EncodedFrame): void {
    const stream = this.#live;
    if (stream === undefined) return;
    const arrivalMs = performance.now();
    stream.frames.push({ ...frame, arrivalMs });
    stream.bytes += frame.bytes.length;
    for (const running of this.#running) {
      running.frames.push(frame.bytes);
      running.bytes += frame.bytes.length;
      // The first one after its end is taken too: a frame is here only when the next was decoded.
      const isOver = arrivalMs > running.endMs || running.bytes > this.#options.maxBytes;
      if (isOver) this.#finish(running, stream.frames.at(-2)?.arrivalMs ?? -Infinity);
    }
    this.#trim(stream, arrivalMs - this.#options.beforeMs - JUDGING_MS);
  }

  /**
   * Records from `beforeMs` before the frame that arrived at `momentMs` (or the key frame before
   * that) to `afterMs` after now, or to the end of its stream. `undefined` when the frame is not in
   * the ring.
   */
  record(momentMs: number): EncodedRecording | undefined {
    const stream = this.#streamOf(momentMs);
    const first = stream === undefined ? -1 : this.#firstOf(stream, momentMs);
    if (stream === undefined || first < 0) return undefined;
    const { afterMs } = this.#options;
    const taken = stream.frames.slice(first);
    const fromMs = first === 0 && !stream.isTrimmed ? stream.beganMs : taken[0]!.arrivalMs;
    const nowMs = performance.now();
    let lastMs: number | undefined;
    const { promise, resolve } = Promise.withResolvers<readonly Uint8Array[]>();
    const running: Running = {
      stream,
      frames: taken.map(({ bytes }) => bytes),
      bytes: taken.reduce((sum, { bytes }) => sum + bytes.length, 0),
      endMs: nowMs + afterMs,
      latestEndMs: nowMs + Math.max(LONGEST_IN_AFTERS * afterMs, JUDGING_MS),
      finish: (atMs) => {
        lastMs = atMs;
        resolve([stream.header, ...running.frames]);
      },
    };
    if (stream === this.#live) this.#running.add(running);
    else running.finish(Infinity);
    const covers = (atMs: number): boolean => {
      if (atMs < fromMs || this.#streamOf(atMs) !== stream) return false;
      if (lastMs !== undefined) return atMs <= lastMs;
      const endMs = performance.now() + afterMs;
      if (endMs > running.latestEndMs) return false;
      running.endMs = Math.max(running.endMs, endMs);
      return true;
    };
    return { pieces: promise, covers };
  }

  /** The stream is over: so are its recordings. What is in the ring waits for its verdicts. */
  end(): void {
    for (const running of this.#running) this.#finish(running, Infinity);
    if (this.#live === undefined) return;
    this.#ended = this.#live;
    this.#live = undefined;
  }

  #finish(running: Running, lastMs: number): void {
    this.#running.delete(running);
    running.finish(lastMs);
  }

  #streamOf(momentMs: number): Stream | undefined {
    return [this.#live, this.#ended].find(
      (stream) => stream !== undefined && momentMs >= stream.beganMs,
    );
  }

  /**
   * The key frame that a recording of this moment begins with, -1 when there is none. What comes
   * before the moment takes half of `maxBytes` where it can, so that there is room for the rest.
   */
  #firstOf({ frames, bytes, isTrimmed }: Stream, momentMs: number): number {
    const { beforeMs, maxBytes } = this.#options;
    let first = -1;
    let rest = bytes;
    let restOfFirst = bytes;
    for (const [index, frame] of frames.entries()) {
      const isTooLate = first >= 0 && frame.arrivalMs > momentMs;
      if (isTooLate) break;
      const isBetter =
        first < 0 || frame.arrivalMs <= momentMs - beforeMs || restOfFirst > maxBytes / 2;
      if (frame.isKey && isBetter) [first, restOfFirst] = [index, rest];
      rest -= frame.bytes.length;
    }
    if (first < 0) return -1;
    const holds = (first === 0 && !isTrimmed) || frames[first]!.arrivalMs <= momentMs;
    return holds ? first : -1;
  }

  /** Whole groups of pictures go: what follows a key frame is nothing without it. */
  #trim(stream: Stream, fromMs: number): void {
    const { maxBytes } = this.#options;
    const ended = this.#ended;
    const isOver = (ended?.frames.at(-1)?.arrivalMs ?? 0) <= fromMs;
    if (ended !== undefined && (isOver || ended.bytes + stream.bytes > maxBytes)) {
      this.#ended = undefined;
    }
    for (;;) {
      const second = stream.frames.findIndex(({ isKey }, index) => isKey && index > 0);
      const isOld = second > 0 && stream.frames[second]!.arrivalMs <= fromMs;
      if (!isOld && stream.bytes <= maxBytes) return;
      const gone = stream.frames.splice(0, second > 0 ? second : stream.frames.length);
      stream.bytes -= gone.reduce((sum, { bytes }) => sum + bytes.length, 0);
      stream.isTrimmed = true;
      if (stream.frames.length === 0) return;
    }
  }
}
