import { packedFrameBytes } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import type { RawPixelFormat, Size } from '../contract/frame.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import { FramePipe } from './frame-pipe.ts';
import { SourceProcess, untilEnded } from './source-process.ts';

/** How pictures leave the pipeline. */
interface PipelineFormat {
  readonly caps: string;
  readonly format: RawPixelFormat;
}

export interface GstreamerCameraOptions {
  /** For messages: `the pipeline of camera dock`. */
  readonly what: string;
  /** Arguments of gst-launch-1.0 from the source to raw pictures, without a sink. */
  readonly elements: readonly string[];
  readonly stallTimeoutMs: number;
}

export const GST_LAUNCH = 'gst-launch-1.0';
/** Limited-range BT.601, which is what raw YUV frames mean (contract/frame.ts). */
const I420: PipelineFormat = {
  caps: 'video/x-raw,format=I420,colorimetry=bt601',
  format: 'i420',
};
const RGBA: PipelineFormat = { caps: 'video/x-raw,format=RGBA', format: 'rgba' };
/** Rows of GStreamer's frames begin at multiples of four bytes, those of a pipe follow each other. */
const packedFormat = ({ width }: Size): PipelineFormat => (width % 8 === 0 ? I420 : RGBA);

/**
 * A GStreamer pipeline in a child process that writes raw frames to a pipe, which the addon reads
 * into slots without the main thread. Its size is learnt from one frame when it is opened for the
 * first time and again after a failure that may have come from a change of size: the size is asked
 * for, so that another one ends the child in place of being written as if it were the same.
 */
export class GstreamerCamera implements CameraDriver {
  readonly endsForGood = false;
  readonly stallTimeoutMs: number;
  readonly #options: GstreamerCameraOptions;
  #size: Size | undefined;
  #sequence = 0;

  constructor(options: GstreamerCameraOptions) {
    this.#options = options;
    this.stallTimeoutMs = options.stallTimeoutMs;
  }

  /** @throws VedetteError CAMERA_SOURCE_FAILED, CAMERA_SOURCE_MISSING, GSTREAMER_MISSING */
  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const size = this.#size ?? (await this.#learnSize(signal));
    // What cannot be taken is learnt anew: the camera may be set to another size at any time.
    this.#size = undefined;
    if (size === undefined || signal.aborted) return;
    const format = packedFormat(size);
    const frameBytes = packedFrameBytes(format.format, size);
    if (frameBytes > sink.slotBytes) {
      // Counts the frame that the size was learnt from.
      await sink.openSlot(frameBytes, signal);
      throw this.#failed(
        `its frames of ${size.width}×${size.height} take ${frameBytes} bytes, at most ${sink.slotBytes} fit (maxFrameBytes)`,
      );
    }
    this.#size = size;
    await this.#stream(sink, format, size, signal);
  }

  async #learnSize(signal: AbortSignal): Promise<Size | undefined> {
    const probe = await this.#start([
      '-v',
      ...this.#options.elements,
      ...['!', 'videoconvert', '!', 'capsfilter', `caps=${RGBA.caps}`],
      ...['!', 'fakesink', 'name=vedette', 'num-buffers=1', 'sync=false'],
    ]);
    await untilEnded(probe, signal);
    if (signal.aborted) return undefined;
    const size = sizeOf(probe.messages.lines);
    if (size === undefined) throw this.#failed(reasonOf(probe));
    return size;
  }

  async #stream(
    sink: FrameSink,
    format: PipelineFormat,
    size: Size,
    signal: AbortSignal,
  ): Promise<void> {
    const { elements } = this.#options;
    const frames = { ...size, format: format.format, isY4m: false };
    const pipe = new FramePipe(sink, frames, this.#sequence);
    let isWhole = false;
    try {
      const child = await this.#start(
        [
          ...elements,
          ...[
            '!',
            'videoconvert',
            '!',
            'capsfilter',
            `caps=${format.caps},width=${size.width},height=${size.height}`,
          ],
          ...['!', 'fdsink', 'fd=3', 'sync=false'],
        ],
        pipe.writeFd,
      );
      pipe.closeWriteEnd();
      // A pipe that is closed first would kill the program before it has closed the camera.
      const end = await untilEnded(child, signal);
      if (signal.aborted) {
        isWhole = true;
        return;
      }
      const { error } = await pipe.ended;
      if (error !== undefined) throw this.#failed(error.message);
      if (end.signal !== null) throw this.#failed(`${GST_LAUNCH} was ended by ${end.signal}`);
      if (end.code !== 0 || pipe.frames === 0) throw this.#failed(reasonOf(child));
      isWhole = true;
    } finally {
      pipe.close();
      this.#sequence += pipe.frames;
      if (!isWhole) this.#size = undefined;
    }
  }

  #failed(reason: string): VedetteError {
    const isMissing = /Could not find camera|Resource not found/.test(reason);
    const code = isMissing ? 'CAMERA_SOURCE_MISSING' : 'CAMERA_SOURCE_FAILED';
    return new VedetteError(code, `${this.#options.what}: ${reason}`);
  }

  #start(launchArguments: readonly string[], frameFd?: number): Promise<SourceProcess> {
    return SourceProcess.start({
      path: GST_LAUNCH,
      missingCode: 'GSTREAMER_MISSING',
      arguments: launchArguments,
      tellsOnOutput: true,
      ...(frameFd === undefined ? {} : { frameFd }),
      secrets: [],
      // What it takes for a wish to end in order: a camera of GigE Vision must be told, or it takes
      // itself for in use until its own time-out.
      stopSignal: 'SIGINT',
    });
  }
}

/** From the line about the sink: `/GstPipeline:pipeline0/GstFakeSink:vedette.GstPad:sink: caps = video/x-raw, …`. */
export function sizeOf(lines: readonly string[]): Size | undefined {
  const caps = lines.findLast((line) => line.includes('GstFakeSink:vedette.GstPad:sink: caps = '));
  const value = (name: string) =>
    Number(new RegExp(`\\b${name}=\\(int\\)(\\d+)`).exec(caps ?? '')?.[1]);
  const [width, height] = [value('width'), value('height')];
  return width > 0 && height > 0 ? { width, height } : undefined;
}

/** Its errors; what it says last is only that it takes the pipeline down. */
function reasonOf({ messages }: SourceProcess): string {
  const errors = messages.lines.filter((line) =>
    /^(?:ERROR|WARNING)|erroneous pipeline/.test(line),
  );
  return errors.length === 0 ? messages.reason : [...new Set(errors)].slice(0, 2).join('; ');
}
