import { open, type FileHandle } from 'node:fs/promises';
import type { CameraConfig, CameraSourceOf } from '../contract/camera-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import { deliverPicture } from './deliver-picture.ts';
import { JpegSplitter, type SplitPicture } from './jpeg-splitter.ts';
import { Pacer } from './pacer.ts';
import { sourceError } from './source-error.ts';

const CHUNK_BYTES = 262_144;

export interface MjpegFileCameraOptions {
  readonly source: CameraSourceOf<'mjpeg-file'>;
  readonly pace: CameraConfig['pace'];
  readonly maxFrameBytes: number;
}

/** A file of JPEG pictures one after another, without a container. */
export class MjpegFileCamera implements CameraDriver {
  readonly endsForGood: boolean;
  readonly #options: MjpegFileCameraOptions;
  #sequence = 0;

  constructor(options: MjpegFileCameraOptions) {
    this.#options = options;
    this.endsForGood = !options.source.shouldLoop;
  }

  /** @throws VedetteError CAMERA_SOURCE_MISSING, CAMERA_SOURCE_FAILED */
  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    const { source, pace } = this.#options;
    const pacer = new Pacer(pace, source.framesPerSecond);
    do {
      const pictures = await this.#playOnce(sink, pacer, signal);
      if (signal.aborted) return;
      if (pictures === 0) {
        throw new VedetteError('CAMERA_SOURCE_FAILED', `file ${source.path} holds no JPEG picture`);
      }
    } while (source.shouldLoop);
  }

  /** Returns how many readable pictures the file held. */
  async #playOnce(sink: FrameSink, pacer: Pacer, signal: AbortSignal): Promise<number> {
    const what = `file ${this.#options.source.path}`;
    const splitter = new JpegSplitter(this.#options.maxFrameBytes);
    const chunk = new Uint8Array(CHUNK_BYTES);
    let pictures = 0;
    let file: FileHandle | undefined;
    try {
      file = await open(this.#options.source.path);
      while (!signal.aborted) {
        const { bytesRead } = await file.read(chunk);
        if (bytesRead === 0) break;
        for (const picture of splitter.push(chunk.subarray(0, bytesRead))) {
          if (await this.#deliver(sink, picture, pacer, signal)) pictures += 1;
          if (signal.aborted) return pictures;
        }
      }
      const rest = splitter.end();
      if (rest !== undefined && !signal.aborted) await this.#deliver(sink, rest, pacer, signal);
      return pictures;
    } catch (error) {
      throw sourceError(error, what);
    } finally {
      await file?.close();
    }
  }

  /** Returns whether it was a readable picture. */
  async #deliver(
    sink: FrameSink,
    picture: SplitPicture,
    pacer: Pacer,
    signal: AbortSignal,
  ): Promise<boolean> {
    await pacer.next(signal);
    if (signal.aborted) return false;
    const sequence = this.#sequence;
    this.#sequence += 1;
    const where = `picture ${sequence} of file ${this.#options.source.path}`;
    const reference = { sequence, capturedAtMs: Date.now() };
    return (await deliverPicture(sink, picture, where, reference, signal)) !== 'refused';
  }
}
