import { fileURLToPath } from 'node:url';
import { packedFrameBytes, type GenicamOutput } from '../../native/index.ts';
import type { CameraSourceOf } from '../contract/camera-config.ts';
import { entryFile } from '../contract/entry-file.ts';
import { VedetteError } from '../contract/errors.ts';
import type { DropReason, RawPixelFormat, Size } from '../contract/frame.ts';
import type { CameraDriver, FrameSink } from '../contract/ports.ts';
import { FramePipe } from './frame-pipe.ts';
import type { GenicamNews, GenicamOrder } from './genicam-source.ts';
import { SourceProcess, untilEnded, type ProcessEnd } from './source-process.ts';

type GenicamSource = CameraSourceOf<'genicam'>;

/** With their numbers of the GenICam Pixel Format Naming Convention. */
const FORMATS: Readonly<
  Record<GenicamSource['pixelFormat'], { format: RawPixelFormat; number: number }>
> = {
  mono8: { format: 'gray8', number: 0x0108_0001 },
  mono16: { format: 'mono16', number: 0x0110_0007 },
  bayergr8: { format: 'bayergr8', number: 0x0108_0008 },
  bayerrg8: { format: 'bayerrg8', number: 0x0108_0009 },
  bayergb8: { format: 'bayergb8', number: 0x0108_000a },
  bayerbg8: { format: 'bayerbg8', number: 0x0108_000b },
  rgb8: { format: 'rgb24', number: 0x0218_0014 },
};
/** A camera whose silence is normal is watched by nobody else while it opens. */
const OPENING_MS = 20_000;

export interface GenicamCameraOptions {
  readonly source: GenicamSource;
  /** Whether a picture that could not be taken was of a part, which gets an error result then. */
  readonly owesVerdicts: boolean;
}

/**
 * An industrial camera through Aravis (Debian: libaravis-0.8-0), which a child process holds. Its
 * pixels go into slots as they come, Bayer and 16-bit ones too: the addon has a pass for them. One with
 * a trigger is silent as long as nothing comes by; that it is unplugged, the library notices by itself.
 */
export class GenicamCamera implements CameraDriver {
  readonly endsForGood = false;
  readonly stallTimeoutMs?: number;
  readonly #source: GenicamSource;
  readonly #owesVerdicts: boolean;
  #size: Size | undefined;
  #sequence = 0;

  constructor({ source, owesVerdicts }: GenicamCameraOptions) {
    this.#source = source;
    this.#owesVerdicts = owesVerdicts;
    if (source.trigger === undefined) this.stallTimeoutMs = source.stallTimeoutMs;
  }

  /**
   * @throws VedetteError CAMERA_SOURCE_FAILED, CAMERA_SOURCE_MISSING, CAMERA_SETTING_REFUSED,
   * ARAVIS_MISSING
   */
  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const size = this.#source.size ?? this.#size ?? (await this.#learnSize(signal));
    // What cannot be taken is learnt anew: the camera may be set to another size at any time.
    this.#size = undefined;
    if (size === undefined || signal.aborted) return;
    const frameBytes = packedFrameBytes(FORMATS[this.#source.pixelFormat].format, size);
    if (frameBytes > sink.slotBytes) {
      await sink.openSlot(frameBytes, signal);
      throw this.#failed(
        `its frames of ${size.width}×${size.height} take ${frameBytes} bytes, at most ${sink.slotBytes} fit (maxFrameBytes)`,
      );
    }
    await this.#stream(sink, size, signal);
    this.#size = size;
  }

  async #learnSize(signal: AbortSignal): Promise<Size | undefined> {
    let size: Size | undefined;
    await this.#converse({ signal }, (news) => {
      if (news.kind === 'size') size = { width: news.width, height: news.height };
    });
    if (size === undefined && !signal.aborted) throw this.#failed('it did not tell its size');
    return size;
  }

  async #stream(sink: FrameSink, size: Size, signal: AbortSignal): Promise<void> {
    const { format } = FORMATS[this.#source.pixelFormat];
    const pipe = new FramePipe(sink, { ...size, format, isY4m: false }, this.#sequence);
    try {
      await this.#converse({ signal, pipe, size }, (news) =>
        this.#take(news, { sink, pipe, signal }),
      );
      if (signal.aborted) return;
      const { error } = await pipe.ended;
      throw this.#failed(error?.message ?? 'its stream ended');
    } finally {
      pipe.close();
      this.#sequence += pipe.frames;
    }
  }

  #take(news: GenicamNews, { sink, pipe, signal }: Running): void {
    const error = (code: VedetteError['code'], reason: string) => this.#failed(reason, code);
    const lose = (reason: DropReason, why: VedetteError) => {
      if (!this.#owesVerdicts) return sink.countDrop(reason, why);
      // The number that the next picture has: this one never had any.
      const sequence = this.#sequence + pipe.frames;
      void sink.refuse({ sequence, capturedAtMs: Date.now(), reason, error: why }, signal);
    };
    switch (news.kind) {
      case 'open':
        if (this.#source.trigger !== undefined) sink.notifyOpened();
        break;
      case 'incomplete': {
        const text = `packets of a picture are missing (ArvBufferStatus ${news.status})`;
        lose('unreadable', error('IMAGE_CORRUPT', text));
        break;
      }
      case 'overrun':
        for (let left = news.pictures; left > 0; left -= 1) {
          lose('no-free-slot', error('OVERLOADED', 'a picture came while every buffer was full'));
        }
        break;
      case 'size':
      case 'failed':
    }
  }

  /** Runs the child until it ends, or `signal` ends it. */
  async #converse(
    { signal, pipe, size }: { signal: AbortSignal; pipe?: FramePipe; size?: Size },
    onNews: (news: GenicamNews) => void,
  ): Promise<void> {
    const isStreaming = pipe !== undefined && size !== undefined;
    const child = await this.#start(
      isStreaming ? { descriptor: 3, size } : undefined,
      pipe?.writeFd,
    );
    pipe?.closeWriteEnd();
    const opening = new AbortController();
    const timer = setTimeout(() => opening.abort(), OPENING_MS);
    let failure: VedetteError | undefined;
    readNews(child, (news) => {
      if (news.kind === 'open') clearTimeout(timer);
      if (news.kind === 'failed') failure = this.#failed(news.message, news.code);
      onNews(news);
    });
    const end = await untilEnded(child, AbortSignal.any([signal, opening.signal]));
    clearTimeout(timer);
    if (signal.aborted) return;
    if (opening.signal.aborted) throw this.#failed(`it was not open within ${OPENING_MS} ms`);
    if (failure !== undefined) throw failure;
    if (end.code !== 0) throw this.#failed(endOf(end, child));
  }

  #start(output: GenicamOutput | undefined, frameFd: number | undefined): Promise<SourceProcess> {
    const { pixelFormat, kind: _, stallTimeoutMs: __, ...settings } = this.#source;
    const order: GenicamOrder = {
      settings: { ...settings, pixelFormat: FORMATS[pixelFormat].number },
      ...(output === undefined ? {} : { output }),
      newsFd: output === undefined ? 3 : 4,
    };
    return SourceProcess.start({
      path: process.execPath,
      missingCode: 'CAMERA_SOURCE_FAILED',
      arguments: [fileURLToPath(entryFile('genicam-source', import.meta.url))],
      input: JSON.stringify(order),
      ...(frameFd === undefined ? {} : { frameFd }),
      sidePipeCount: 1,
      secrets: [],
    });
  }

  #failed(reason: string, code: VedetteError['code'] = 'CAMERA_SOURCE_FAILED'): VedetteError {
    return new VedetteError(code, `GenICam camera ${this.#source.camera}: ${reason}`);
  }
}

interface Running {
  readonly sink: FrameSink;
  readonly pipe: FramePipe;
  readonly signal: AbortSignal;
}

function readNews({ sidePipes }: SourceProcess, onNews: (news: GenicamNews) => void): void {
  let partial = '';
  sidePipes[0]?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (partial + text).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) onNews(JSON.parse(line) as GenicamNews);
  });
}

const endOf = ({ code, signal }: ProcessEnd, { messages }: SourceProcess): string =>
  `its process ended ${signal === null ? `with code ${code}` : `by ${signal}`}: ${messages.reason}`;
