import { PipeFrameReader, type PipeEnd } from '../../native/index.ts';
import type { RawPixelFormat, SampleMeaning, Size } from '../contract/frame.ts';
import type { FrameSink } from '../contract/ports.ts';

export interface PipedFrames extends Size, SampleMeaning {
  readonly format: RawPixelFormat;
  /** Whether they come as YUV4MPEG2 (`i420` only), else raw. */
  readonly isY4m: boolean;
}

/** A pipe from a program that writes frames, packed, into the slots of a sink. */
export class FramePipe {
  /** Resolves when the program closed its end and every frame was told to the sink. */
  readonly ended: Promise<PipeEnd>;
  readonly #reader: PipeFrameReader;
  #frames = 0;

  /** @throws VedetteError FRAME_INVALID when a frame does not fit a slot */
  constructor(
    sink: FrameSink,
    { format, isY4m, width, height, colour }: PipedFrames,
    firstSequence: number,
  ) {
    const { promise, resolve } = Promise.withResolvers<PipeEnd>();
    this.ended = promise;
    this.#reader = PipeFrameReader.open({
      ringId: sink.ringId,
      format,
      isY4m,
      width,
      height,
      ...(colour === undefined ? {} : { colour }),
      firstSequence,
      mayOverwrite: sink.mayOverwrite,
      onFrames: (publication) => {
        this.#frames += publication.published + publication.discarded;
        sink.notifyPublished(publication);
      },
      onEnd: resolve,
    });
  }

  /** Whole frames that came so far. */
  get frames(): number {
    return this.#frames;
  }

  get writeFd(): number {
    return this.#reader.writeFd;
  }

  closeWriteEnd(): void {
    this.#reader.closeWriteEnd();
  }

  /** Gives up an unfinished frame; the program gets EPIPE. Idempotent. `ended` stays pending. */
  close(): void {
    this.#reader.closeWriteEnd();
    this.#reader.close();
  }
}
