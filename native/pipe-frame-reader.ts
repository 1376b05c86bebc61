import { getSystemErrorName } from 'node:util';
import type { RawPixelFormat, SampleMeaning, Size } from '../component/contract/frame.ts';
import { VedetteError } from '../component/contract/errors.ts';
import { callAddon, type PipeHandle } from './addon.ts';
import { packedFrameBytes } from './packed-frame-bytes.ts';
import { RING, at, numeric, writeFrame } from './ring-numbers.ts';

/** Frames counted since the last report. */
export interface PipeCounts {
  /** Written to a slot and ready to be read. */
  readonly published: number;
  /** Published earlier, unread, and lost to a newer one. */
  readonly overwritten: number;
  /** Read from the pipe and thrown away because no slot was free. */
  readonly discarded: number;
}

export interface PipeEnd {
  /** Bytes of a last frame (of its line too, in Y4M) that was not finished. */
  readonly partialBytes: number;
  /**
   * CAMERA_SOURCE_FAILED when reading failed or something else than `isY4m` says was read, after
   * which the writer gets EPIPE; absent when the writer closed its end.
   */
  readonly error?: VedetteError;
}

export interface PipeFrameReaderOptions extends Size, SampleMeaning {
  readonly ringId: number;
  /** Frames come with packed rows, planes back to back, as ffmpeg's `rawvideo` writes them. */
  readonly format: RawPixelFormat;
  /**
   * The frames come in a YUV4MPEG2 stream of this size, as ffmpeg's `yuv4mpegpipe` writes it, which
   * copies each picture once less than `rawvideo`. Only of `i420`.
   */
  readonly isY4m?: boolean;
  /** Sequence of the first frame; each frame that comes, kept or not, adds one. */
  readonly firstSequence: number;
  /**
   * Whether a new frame takes the place of the oldest unread one. Otherwise the pipe waits for a free
   * slot, and with it the program that writes.
   */
  readonly mayOverwrite: boolean;
  /** Called soon after frames came, once for several when they come fast. */
  readonly onFrames: (counts: PipeCounts) => void;
  /** Called once, after the last `onFrames`, unless `close` came first. */
  readonly onEnd: (end: PipeEnd) => void;
}

const numbers = new Float64Array(RING.length);

/**
 * Reads raw frames from a pipe straight into slots of a ring, on a thread of the addon: JavaScript
 * sees counts only. `capturedAtMs` is when a frame's first byte came. Keeps the process alive until
 * the pipe ends or `close`.
 *
 * Give `writeFd` to the program that writes (`stdio: ['ignore', reader.writeFd, 'pipe']`), then call
 * `closeWriteEnd()`: the end of the pipe is only seen when nobody else has it open.
 */
export class PipeFrameReader {
  readonly #handle: PipeHandle;
  readonly #onFrames: PipeFrameReaderOptions['onFrames'];
  #isClosed = false;

  /** @throws VedetteError FRAME_INVALID (a frame does not fit a slot, no such ring), INTERNAL */
  static open(options: PipeFrameReaderOptions): PipeFrameReader {
    return new PipeFrameReader(options);
  }

  private constructor(options: PipeFrameReaderOptions) {
    const { onFrames, onEnd, format, width, height, colour, levels } = options;
    writeFrame(numbers, {
      format,
      width,
      height,
      byteLength: packedFrameBytes(format, options),
      sequence: options.firstSequence,
      capturedAtMs: 0,
      ...(colour === undefined ? {} : { colour }),
      ...(levels === undefined ? {} : { levels }),
    });
    this.#onFrames = onFrames;
    this.#handle = callAddon((addon) =>
      addon.pipeOpen(
        numeric(options.ringId),
        numbers,
        options.mayOverwrite,
        options.isY4m === true,
        (published, overwritten, discarded, hasEnded, partialBytes, errno, fault) => {
          if (published + overwritten + discarded > 0) {
            onFrames({ published, overwritten, discarded });
          }
          if (hasEnded === 0 || this.#isClosed) return;
          const reason = fault === '' && errno !== 0 ? getSystemErrorName(-errno) : fault;
          onEnd({ partialBytes, ...(reason === '' ? {} : { error: readError(reason) }) });
        },
      ),
    );
  }

  /** The write end's file descriptor; −1 after `closeWriteEnd` or `close`. */
  get writeFd(): number {
    return callAddon((addon) => addon.pipeWriteFd(this.#handle));
  }

  /** Closes this process's copy of the write end. Idempotent. */
  closeWriteEnd(): void {
    callAddon((addon) => addon.pipeCloseWriteEnd(this.#handle));
  }

  /**
   * Stops reading; an unfinished frame is given up and the writer gets EPIPE. Frames that were not
   * reported yet are, before this returns; `onEnd` is not called any more. Idempotent.
   */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    callAddon((addon) => addon.pipeClose(this.#handle, numbers));
    const [published, overwritten, discarded] = [at(numbers, 0), at(numbers, 1), at(numbers, 2)];
    if (published + overwritten + discarded > 0) {
      this.#onFrames({ published, overwritten, discarded });
    }
  }
}

function readError(reason: string): VedetteError {
  return new VedetteError('CAMERA_SOURCE_FAILED', `reading frames from the pipe failed: ${reason}`);
}
