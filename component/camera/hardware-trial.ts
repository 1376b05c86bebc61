import type { VedetteError } from '../contract/errors.ts';
import { parseShowinfo } from './ffmpeg-geometry.ts';
import type { FfmpegSource } from './ffmpeg-input.ts';
import { hardwareArguments, hardwareFault } from './hardware-decoding.ts';

/** Hardware that was busy or away may be there again when a stream is opened so much later. */
const RETRY_MS = 600_000;

/** Whether the hardware that a source asks for decodes its stream: learnt from one frame. */
export class HardwareTrial {
  readonly #source: FfmpegSource;
  #arguments: readonly string[] = [];
  #fault: VedetteError | undefined;
  #triedMs = -Infinity;
  /** Tries in a row that were aborted. */
  #abortedTries = 0;

  constructor(source: FfmpegSource) {
    this.#source = source;
  }

  /** Options before the input by which hardware decodes; none while it does not. */
  get arguments(): readonly string[] {
    return this.#arguments;
  }

  /** Why the processor decodes though hardware was asked for. */
  get fault(): VedetteError | undefined {
    return this.#fault;
  }

  /** @param said by ffmpeg since it opened the stream with `arguments` */
  isUsed(said: readonly string[]): boolean {
    return this.#arguments.length > 0 && hardwareFault(this.#source, said, true) === undefined;
  }

  /**
   * @param decodeOne decodes one frame with these options before the input; what ffmpeg says of it
   * @param signal aborts that
   * @returns whether `arguments` and `fault` are known now
   */
  async try(
    codec: string | undefined,
    decodeOne: (options: readonly string[]) => Promise<readonly string[]>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const nowMs = performance.now();
    if (this.#source.hardware === 'none') return true;
    if (this.#fault && nowMs - this.#triedMs < RETRY_MS) return true;
    const options = hardwareArguments(this.#source, codec);
    const lines = await decodeOne(options);
    this.#abortedTries = signal.aborted ? this.#abortedTries + 1 : 0;
    // Hardware that hangs each time would keep the stream from ever being opened.
    if (this.#abortedTries === 1) return false;
    this.#triedMs = nowMs;
    this.#fault = hardwareFault(this.#source, lines, parseShowinfo(lines) !== undefined);
    this.#arguments = this.#fault === undefined ? options : [];
    return true;
  }
}
