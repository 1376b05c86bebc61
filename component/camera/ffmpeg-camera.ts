import { stat } from 'node:fs/promises';
import type { CameraConfig } from '../contract/camera-config.ts';
import type { SecretReference } from '../contract/config-values.ts';
import type { VedetteError } from '../contract/errors.ts';
import type { Size } from '../contract/frame.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import { secretsOfAddress } from '../contract/shown-address.ts';
import { changedRate, countDamaged, requireSize } from './ffmpeg-device.ts';
import {
  colourOf,
  frameFilters,
  i420Bytes,
  parseShowinfo,
  refusedSize,
  y4mFrames,
  type SourceGeometry,
} from './ffmpeg-geometry.ts';
import {
  inputArguments,
  parseInput,
  type FfmpegInput,
  type FfmpegSource,
  type InputPace,
} from './ffmpeg-input.ts';
import { AWAY, ffmpegFailure, lacksParameters } from './ffmpeg-messages.ts';
import {
  COPY_OUTPUT,
  isCopyable,
  notRecorded,
  readSideOutputs,
  SIDE_PIPES,
  TIME_FILTERS,
} from './ffmpeg-side-outputs.ts';
import type { EncodedStream } from './fragment-reader.ts';
import { FramePipe } from './frame-pipe.ts';
import { HardwareTrial } from './hardware-trial.ts';
import type { ProcessMessages } from './process-messages.ts';
import { saidBy, untilBack } from './return-watch.ts';
import { SourceLogin } from './source-login.ts';
import { sourceError } from './source-error.ts';
import {
  SourceProcess,
  untilEnded,
  type ProcessEnd,
  type SourceProcessOptions,
} from './source-process.ts';

export interface FfmpegCameraOptions {
  readonly name: string;
  readonly source: FfmpegSource;
  readonly pace: CameraConfig['pace'];
  readonly ffmpegPath: string;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** Takes the stream as it comes, where MP4 can hold it. */
  readonly encoded?: EncodedStream;
  /** What its pictures of this size are scaled to, no larger; not at all when absent. */
  readonly scaledSize?: ((source: Size) => Size) | undefined;
}

/** Shorter ones, such as `user=1`, would take much else out of a message. */
const isTelling = (secret: string) => secret.length > 3;
/** What ffmpeg would say after long of such a source. A silent one may be making its stream. */
const NOT_OPENED: Readonly<Record<string, string>> = {
  unreachable: 'Connection timed out',
  garbled: 'Invalid data found when processing input',
};
/** Of a device each damaged frame has its line. */
const logLevel = ({ kind }: FfmpegInput) => (kind === 'device' ? 'repeat+warning' : 'warning');
const QUIET = ['-hide_banner', '-nostdin', '-nostats'];
const VIDEO_ONLY = ['-map', '0:v:0', '-an', '-sn', '-dn'];
/**
 * Anything that ffmpeg opens, decoded by a child process that writes I420 frames to a pipe,
 * which the addon reads into slots without the main thread. Needs ffmpeg 5.1 or newer.
 *
 * The size of the picture is learnt from one decoded frame when the source is opened for the first
 * time, and again after it changed: a frame of another size ends the child in place of being scaled.
 */
export class FfmpegCamera implements CameraDriver {
  readonly endsForGood: boolean;
  readonly stallTimeoutMs: number;
  readonly untilBack?: (signal: AbortSignal) => Promise<void>;
  readonly #options: FfmpegCameraOptions;
  #geometry: SourceGeometry | undefined;
  #sequence = 0;
  /** What MP4 did not take, though it may. */
  #refusedCodec: string | undefined;
  /** It gave nothing when it was opened without looking through it first. */
  #mustBeProbed = false;
  /** The device does not give the rate that was asked of it. */
  #rateFault: VedetteError | undefined;
  readonly #hardware: HardwareTrial;
  /** Of the run under way. */
  #messages: ProcessMessages | undefined;
  /** Of the last run. */
  #hasDelivered = false;
  /** Whether the last run failed because nothing could be connected to. */
  #wasAway = false;
  /** It was seen to be there again a moment ago. */
  #isBack = false;
  readonly #login = new SourceLogin();

  /** @throws VedetteError CONFIG_INVALID */
  constructor(options: FfmpegCameraOptions) {
    this.#options = options;
    this.#hardware = new HardwareTrial(options.source);
    this.endsForGood = FfmpegCamera.isRecording(options.source) && !options.source.shouldLoop;
    this.stallTimeoutMs = options.source.stallTimeoutMs;
    // A device tells whether it can be had only when it is opened.
    const isDevice = parseInput(options.source).kind === 'device';
    if (!isDevice) this.untilBack = (signal) => this.#untilBack(signal);
  }

  /** Whether it is a file, which waits and has an end. @throws VedetteError CONFIG_INVALID */
  static isRecording(source: FfmpegSource): boolean {
    return parseInput(source).kind === 'file';
  }

  /**
   * @throws VedetteError CAMERA_SOURCE_MISSING, CAMERA_SOURCE_FAILED, CAMERA_LOGIN_REFUSED,
   * CAMERA_SETTING_REFUSED, FFMPEG_MISSING, SECRET_UNAVAILABLE
   */
  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { source, readSecret } = this.#options;
    const password = source.password === undefined ? undefined : await readSecret(source.password);
    const input = parseInput(source, password);
    this.#login.use(input.credentials);
    await this.#requirePath(input);
    await this.#requireAnswer(input, signal);
    this.#wasAway = false;
    this.#geometry ??= await this.#learnGeometry(input, signal);
    if (this.#geometry === undefined || signal.aborted) return;
    await this.#stream(sink, input, this.#geometry, signal);
  }

  get decoder(): string | undefined {
    if (this.#geometry === undefined) return undefined;
    const isUsed = this.#hardware.isUsed(this.#messages?.lines ?? []);
    return isUsed ? this.#options.source.hardware : 'software';
  }

  async #untilBack(signal: AbortSignal): Promise<void> {
    await untilBack(parseInput(this.#options.source).url, signal, this.#wasAway, this.#login);
    this.#isBack = !signal.aborted;
  }

  async #requirePath({ kind, url }: FfmpegInput): Promise<void> {
    if (kind !== 'file' && kind !== 'device') return;
    try {
      await stat(url);
    } catch (error) {
      throw sourceError(error, `${kind} ${url}`);
    }
  }

  /** A program that opens what cannot be reached, or not in its language, waits for long, and past the moment when it can. */
  async #requireAnswer(input: FfmpegInput, signal: AbortSignal): Promise<void> {
    const mayBeAway = !this.#hasDelivered && !this.#isBack;
    this.#hasDelivered = false;
    this.#isBack = false;
    if (!mayBeAway) return;
    // A stream over HTTP would begin with the question, of cameras that may have one viewer at a time.
    const asked = input.kind === 'rtsp' ? 'question' : 'connection';
    const reason = NOT_OPENED[(await saidBy(input.url, asked, signal)) ?? ''];
    if (reason === undefined || signal.aborted) return;
    this.#wasAway = true;
    throw this.#failed(input, reason);
  }

  /** Decodes one frame to see its size and colours. `undefined` when `signal` was aborted. */
  async #learnGeometry(
    input: FfmpegInput,
    signal: AbortSignal,
  ): Promise<SourceGeometry | undefined> {
    const probe = await this.#probe(input, signal, []);
    if (signal.aborted) return undefined;
    const geometry = parseShowinfo(probe.messages.lines);
    if (geometry === undefined) {
      if (!this.#mustBeProbed && lacksParameters(probe.messages)) {
        this.#mustBeProbed = true;
        return this.#learnGeometry(input, signal);
      }
      this.#wasAway = AWAY.test(probe.messages.reason);
      throw this.#failed(input, probe.messages.reason);
    }
    if (input.kind === 'device') {
      requireSize(this.#options.source, geometry);
      this.#rateFault = changedRate(this.#options.source, probe.messages.lines);
    }
    const decodeOne = async (hardware: readonly string[]) =>
      (await this.#probe(input, signal, hardware)).messages.lines;
    const isKnown = await this.#hardware.try(geometry.codec, decodeOne, signal);
    return isKnown ? geometry : undefined;
  }

  /** Decodes one frame with these options before the input. */
  async #probe(
    input: FfmpegInput,
    signal: AbortSignal,
    hardware: readonly string[],
  ): Promise<SourceProcess> {
    const probe = await this.#start(
      input,
      { isPaced: false, isLooped: false, isQuick: !this.#mustBeProbed },
      ['-loglevel', 'info', '-vf', 'showinfo', '-frames:v', '1', '-f', 'null', '-'],
      { hardware },
    );
    await untilEnded(probe, signal);
    return probe;
  }

  async #stream(
    sink: FrameSink,
    input: FfmpegInput,
    geometry: SourceGeometry,
    signal: AbortSignal,
  ): Promise<void> {
    const { source, pace, encoded, scaledSize } = this.#options;
    const stored = scaledSize?.(geometry) ?? geometry;
    const { width, height } = stored;
    const frameBytes = i420Bytes(stored);
    if (frameBytes > sink.slotBytes) {
      // Counts the frame that the size was learnt from.
      await sink.openSlot(frameBytes, signal);
      // The camera may be set to another size at any time.
      this.#geometry = undefined;
      throw this.#failed(
        input,
        `its frames of ${width}×${height} take ${frameBytes} bytes, at most ${sink.slotBytes} fit (maxFrameBytes)`,
      );
    }
    const frames = { format: 'i420', isY4m: true, ...stored, colour: colourOf(geometry) } as const;
    const pipe = new FramePipe(sink, frames, this.#sequence);
    const isScaled = width !== geometry.width || height !== geometry.height;
    const sent = { width: geometry.width, height: geometry.height };
    sink.scaleFrames(isScaled ? sent : undefined, this.#sequence);
    const { codec } = geometry;
    const isWanted = input.kind === 'rtsp' || encoded !== undefined;
    const hasSides = isWanted && isCopyable(codec) && codec !== this.#refusedCodec;
    const isUnrecorded = encoded !== undefined && !hasSides;
    let closeSides: (() => void) | undefined;
    try {
      const trouble = this.#hardware.fault ?? this.#rateFault;
      if (trouble !== undefined || !isUnrecorded) sink.notifyTrouble(trouble);
      if (isUnrecorded) sink.notifyTrouble(notRecorded(codec));
      const filters = [frameFilters(geometry, stored), ...(hasSides ? TIME_FILTERS : [])].join(',');
      const child = await this.#start(
        input,
        {
          isPaced: pace === 'source',
          isLooped: source.shouldLoop,
          isQuick: !this.#mustBeProbed,
        },
        [
          ...['-loglevel', logLevel(input), '-vf', filters],
          ...y4mFrames(geometry),
          ...(hasSides ? COPY_OUTPUT : []),
        ],
        {
          ...{ frameFd: pipe.writeFd, sidePipeCount: hasSides ? SIDE_PIPES : 0 },
          hardware: this.#hardware.arguments,
          ...(input.kind === 'device' ? { onLine: countDamaged(sink) } : {}),
        },
      );
      this.#messages = child.messages;
      pipe.closeWriteEnd();
      if (hasSides) closeSides = readSideOutputs(child.sidePipes, sink, this.#sequence, encoded);
      const end = await untilEnded(child, signal, () => pipe.close());
      if (signal.aborted) return;
      const { error } = await pipe.ended;
      if (error !== undefined) throw this.#failed(input, error.message);
      // A stream that MP4 does not take is decoded all the same, without its camera's clock.
      const { lines } = child.messages;
      const gaveNothing = pipe.frames === 0 && refusedSize(lines) === undefined;
      const saysMp4 = gaveNothing && lines.some((line) => line.startsWith('[mp4'));
      if (hasSides && saysMp4 && this.#mustBeProbed) this.#refusedCodec = codec;
      this.#mustBeProbed ||= saysMp4 || (gaveNothing && lacksParameters(child.messages));
      this.#judgeEnd(input, child, end, pipe.frames);
    } finally {
      closeSides?.();
      pipe.close();
      this.#sequence += pipe.frames;
      this.#hasDelivered = pipe.frames > 0;
      if (this.#hasDelivered) this.#forgetRefusals();
      // When it is opened again it may be of a codec that can be recorded.
      if (isUnrecorded) this.#geometry = undefined;
    }
  }

  /** What was so while a stream was damaged or changed need not be so when it is opened again. */
  #forgetRefusals(): void {
    this.#mustBeProbed = false;
    this.#refusedCodec = undefined;
  }

  /** @throws VedetteError CAMERA_SOURCE_FAILED unless the source simply came to its end */
  #judgeEnd(input: FfmpegInput, child: SourceProcess, end: ProcessEnd, frames: number): void {
    const { width, height } = this.#geometry!;
    const refused = refusedSize(child.messages.lines);
    // What gave no frame may have another size by now; what was away is first tried as it was,
    // which saves a second opening when it is back.
    this.#wasAway = frames === 0 && AWAY.test(child.messages.reason);
    if (refused !== undefined || (frames === 0 && !this.#wasAway)) this.#geometry = undefined;
    if (refused !== undefined) {
      throw this.#failed(
        input,
        `its picture changed from ${width}×${height} to ${refused.width}×${refused.height}`,
      );
    }
    if (end.signal !== null) throw this.#failed(input, `ffmpeg was ended by ${end.signal}`);
    const isOver = end.code === 0 && frames > 0 && input.kind !== 'device';
    if (!isOver) throw this.#failed(input, child.messages.reason);
  }

  #failed({ url }: FfmpegInput, reason: string): VedetteError {
    return ffmpegFailure(url, reason);
  }

  async #start(
    input: FfmpegInput,
    pace: InputPace,
    output: readonly string[],
    {
      hardware,
      ...pipes
    }: Pick<SourceProcessOptions, 'frameFd' | 'sidePipeCount' | 'onLine'> & {
      readonly hardware: readonly string[];
    },
  ): Promise<SourceProcess> {
    const opened = inputArguments(this.#options.source, input, pace);
    return SourceProcess.start({
      path: this.#options.ffmpegPath,
      missingCode: 'FFMPEG_MISSING',
      arguments: [...QUIET, ...hardware, ...opened.arguments, ...VIDEO_ONLY, ...output],
      ...(opened.playlist === undefined ? {} : { input: opened.playlist }),
      ...pipes,
      secrets: [
        ...secretsOfAddress(input.url).filter(isTelling),
        input.credentials?.password ?? '',
      ],
    });
  }
}
