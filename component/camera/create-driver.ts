import type { CameraConfig } from '../contract/camera-config.ts';
import type { SecretReference } from '../contract/config-values.ts';
import {
  checkCameraSource,
  hasTriggerInput,
  isAwaited,
  owesVerdicts,
} from '../contract/check-camera-source.ts';
import { VedetteError } from '../contract/errors.ts';
import type { Size } from '../contract/frame.ts';
import type { CameraDriver } from '../contract/ports.ts';
import { FfmpegCamera } from './ffmpeg-camera.ts';
import type { EncodedStream } from './fragment-reader.ts';
import { FolderCamera } from './folder-camera.ts';
import { GenicamCamera } from './genicam-camera.ts';
import { GstreamerCamera } from './gstreamer-camera.ts';
import { pipelineElements } from '../contract/gstreamer-pipeline.ts';
import type { FramePolicy } from './frame-slots.ts';
import { HttpMjpegCamera } from './http-mjpeg-camera.ts';
import { HttpSnapshotCamera } from './http-snapshot-camera.ts';
import { MjpegFileCamera } from './mjpeg-file-camera.ts';
import { PushCamera } from './push-camera.ts';
import { SharedCamera } from './shared-camera.ts';
import type { SourceBoard } from './source-board.ts';
import { TestPatternCamera } from './test-pattern-camera.ts';
import { WatchedFolderCamera } from './watched-folder-camera.ts';

export interface CreateDriverOptions {
  readonly name: string;
  readonly camera: CameraConfig;
  /** `ffmpeg.path` of the configuration. */
  readonly ffmpegPath: string;
  /** Reads a secret when the source is opened. @throws VedetteError SECRET_UNAVAILABLE */
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** Takes the encoded stream of a source of kind `ffmpeg`. */
  readonly encoded?: EncodedStream;
  /** What pictures of a source with `scaling: model` are scaled to. */
  readonly scaledSize?: (source: Size) => Size;
  /** Where a source of kind `camera` finds the other; there is none outside of a runtime. */
  readonly board?: SourceBoard;
}

/**
 * The driver for a camera's source. Opens nothing.
 * @throws VedetteError CONFIG_INVALID with every problem that `checkCameraSource` finds
 */
export function createDriver(options: CreateDriverOptions): CameraDriver {
  const { name, camera, ffmpegPath, readSecret, encoded, scaledSize } = options;
  const { source, pace } = camera;
  const problems = checkCameraSource(name, camera);
  if (problems.length > 0) {
    const list = problems.map(({ path, message }) => `${path}: ${message}`);
    throw new VedetteError('CONFIG_INVALID', list.join('\n'), { details: { problems } });
  }
  switch (source.kind) {
    case 'folder':
      return source.mode === 'watch'
        ? new WatchedFolderCamera(source)
        : new FolderCamera({ source, pace });
    case 'mjpeg-file':
      return new MjpegFileCamera({ source, pace, maxFrameBytes: camera.maxFrameBytes });
    case 'ffmpeg':
      return new FfmpegCamera({
        ...{ name, source, pace, ffmpegPath, readSecret },
        ...(encoded === undefined ? {} : { encoded }),
        ...(source.scaling === 'model' ? { scaledSize } : {}),
      });
    case 'push':
      return new PushCamera(name);
    case 'http-snapshot':
      return new HttpSnapshotCamera({ source, readSecret });
    case 'http-mjpeg':
      return new HttpMjpegCamera({ source, readSecret });
    case 'gstreamer':
      return new GstreamerCamera({
        what: `the pipeline of camera ${name}`,
        elements: pipelineElements(source.pipeline),
        stallTimeoutMs: source.stallTimeoutMs,
      });
    case 'genicam':
      return new GenicamCamera({ source, owesVerdicts: owesVerdicts(camera) });
    case 'test-pattern':
      return new TestPatternCamera({ source, pace });
    case 'camera':
      return new SharedCamera(source.camera, sharedBoard(options, source.camera));
  }
}

/** @throws VedetteError CONFIG_INVALID */
function sharedBoard({ name, board }: CreateDriverOptions, other: string): SourceBoard {
  if (board !== undefined) return board;
  const message = `camera ${name} has the frames of camera ${other}, which only a runtime shares; open camera ${other} instead`;
  throw new VedetteError('CONFIG_INVALID', message);
}

/**
 * The policy of a camera with `auto` resolved: each frame of folders, of pushed pictures, of recordings
 * played `fast` (nothing in them gets stale, and a source that is not waited for would be decoded for
 * nothing) and of cameras with a trigger input (each is a part); the newest of everything else. Triggered cameras look at each frame as it
 * passes; pushed pictures and files are waited for.
 * @throws VedetteError CONFIG_INVALID as `createDriver`
 */
export function resolvePolicy(camera: CameraConfig): FramePolicy {
  if (camera.policy === 'triggered') return isAwaited(camera) ? 'every' : 'passing';
  // Another camera is never made to wait.
  if (camera.source.kind === 'camera') return camera.policy === 'every' ? 'passing' : 'newest';
  if (camera.policy !== 'auto') return camera.policy;
  switch (camera.source.kind) {
    case 'folder':
    case 'push':
      return 'every';
    case 'mjpeg-file':
    case 'test-pattern':
      return camera.pace === 'fast' ? 'every' : 'newest';
    case 'http-snapshot':
    case 'http-mjpeg':
    case 'gstreamer':
      return 'newest';
    case 'genicam':
      return hasTriggerInput(camera) ? 'every' : 'newest';
    case 'ffmpeg':
      return camera.pace === 'fast' && FfmpegCamera.isRecording(camera.source) ? 'every' : 'newest';
  }
}
