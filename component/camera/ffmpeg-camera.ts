import { stat } from 'node:fs/promises';
import type { CameraConfig, SecretReference } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import {
  frameFilters,
  i420Bytes,
  parseShowinfo,
  refusedSize,
  type SourceGeometry,
} from './ffmpeg-geometry.ts';
import { inputArguments, parseInput, type FfmpegInput, type FfmpegSource } from './ffmpeg-input.ts';
import { FfmpegProcess } from './ffmpeg-process.ts';
import { sourceError } from './source-error.ts';

export interface FfmpegCameraOptions {
  readonly name: string;
  readonly source: FfmpegSource;
  readonly pace: CameraConfig['pace'];
  readonly ffmpegPath: string;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
}

const QUIET = ['-hide_banner', '-nostdin', '-nostats'];

/**
 * Anything that ffmpeg opens, decoded by a child process that writes raw I420 frames to a pipe,
 * which the addon reads into slots without the main thread. Needs ffmpeg 5.1 or newer.
 *
 * The size of the picture is learnt from one decoded frame when the source is opened for the first
 * time, and again after it changed: a frame of another size ends the child in place of being scaled.
 */
export class FfmpegCamera implements CameraDriver {
  readonly endsForGood: boolean;
  readonly stallTimeoutMs: number;
  readonly #options: FfmpegCameraOptions;
  #geometry: SourceGeometry | undefined;
  #sequence = 0;

  /** @throws VedetteError CONFIG_INVALID */
  constructor(options: FfmpegCameraOptions) {
    this.#options = options;
    this.endsForGood = FfmpegCamera.isRecording(options.source) && !options.source.shouldLoop;
    this.stallTimeoutMs = options.source.stallTimeoutMs;
  }

  /** Whether it is a file, which waits and has an end. @throws VedetteError CONFIG_INVALID */
  static isRecording(source: FfmpegSource): boolean {
    return parseInput(source).kind === 'file';
  }
}
