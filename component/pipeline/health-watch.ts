import { readFile } from 'node:fs/promises';
import { CameraHealth, type CameraHealthChange } from '../camera/camera-health.ts';
import type { FrameSlots } from '../camera/frame-slots.ts';
import {
  correlation,
  meanDifference,
  measurePicture,
  type LumaPicture,
} from '../camera/picture-measures.ts';
import type { CameraConfig } from '../contract/camera-config.ts';
import type {
  CameraHealthConfig,
  CameraMeasures,
  CameraPictureHealth,
} from '../contract/camera-health.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameLease, FrameView } from '../contract/frame.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import type { Pictures } from './pictures.ts';

const LIVE_KINDS: ReadonlySet<string> = new Set([
  'camera',
  'ffmpeg',
  'gstreamer',
  'genicam',
  'http-mjpeg',
  'http-snapshot',
]);
/** A rate is counted over so long at least. */
const RATE_WINDOW_MS = 5000;
/** Pause before a reference picture that could not be read is read again. */
const REFERENCE_RETRY_MS = 60_000;

export interface HealthWatchOptions {
  readonly camera: string;
  readonly slots: FrameSlots;
  readonly pictures: Pictures;
  readonly faults: FaultLog;
  readonly settings: () => CameraConfig;
  /** After each condition that began or ended. Must not throw. */
  readonly onChange: (changes: readonly CameraHealthChange[]) => void;
}

/**
 * Looks at a judged picture of a camera now and then, hears when it comes again, and knows what is wrong
 * with it.
 */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #health = new CameraHealth();
  #before: LumaPicture | undefined;
  #reference: { readonly path: string; readonly picture: LumaPicture } | undefined;
  #unreadable: { readonly path: string; readonly sinceMs: number } | undefined;
  #lastMs = -Infinity;
  #lastRepeatMs = -Infinity;
  #measuredSequence: number | undefined;
  /** The picture that came again, and when it first did. */
  #repeated: { readonly sequence: number | undefined; readonly sinceMs: number } | undefined;
  #isMeasuring = false;
  #rate: { readonly atMs: number; readonly frames: number } | undefined;
  #framesPerSecond: number | undefined;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
  }

  /** `undefined` when nothing was measured yet. */
  get state(): CameraPictureHealth | undefined {
    const { state } = this.#health;
    return state.measures === undefined && state.conditions.length === 0 ? undefined : state;
  }

  /** A frame that is held by the caller until this returns. */
  offer(frame: FrameLease, view: FrameView): void {
    const { settings, slots } = this.#options;
    const { health } = settings();
    const nowMs = performance.now();
    if (!this.#mayMeasure || nowMs - this.#lastMs < health.intervalMs) return;
    this.#lastMs = nowMs;
    this.#isMeasuring = true;
    const held = slots.retain(frame);
    void this.#measure(held, view, health).finally(() => {
      slots.release(held);
      this.#isMeasuring = false;
    });
  }

  /**
   * The source gave the picture again that it gave last, which so is no frame. When it is not the one that
   * was measured, only the time for which it comes again is known of it.
   */
  repeat(): void {
    const { settings, slots, onChange } = this.#options;
    const { health } = settings();
    const nowMs = performance.now();
    const sequence = slots.newestSequence;
    if (this.#repeated === undefined || this.#repeated.sequence !== sequence) {
      this.#repeated = { sequence, sinceMs: nowMs };
    }
    const lastMs = Math.max(this.#lastMs, this.#lastRepeatMs);
    if (!this.#mayMeasure || nowMs - lastMs < health.intervalMs) return;
    // A new picture is not put off by the one before.
    this.#lastRepeatMs = nowMs;
    const atMs = Date.now();
    const { measures } = this.#health.state;
    const isMeasured = measures !== undefined && sequence === this.#measuredSequence;
    const again = isMeasured
      ? { measures: { ...measures, ...this.#stream(), atMs, difference: 0 } }
      : {};
    const { sinceMs } = this.#repeated;
    const changes = this.#health.repeat({ atMs, sinceMs, ...again }, health, nowMs);
    if (changes.length > 0) onChange(changes);
  }

  get #mayMeasure(): boolean {
    const { health, source } = this.#options.settings();
    return health.isEnabled && LIVE_KINDS.has(source.kind) && !this.#isMeasuring;
  }

  /** What is measured of the stream, not of a picture. */
  #stream(): Pick<CameraMeasures, 'framesPerSecond' | 'clockDifferenceMs'> {
    const { slots } = this.#options;
    const framesPerSecond = this.#countRate(slots.framesDelivered);
    const { clockDifferenceMs } = slots;
    return {
      ...(framesPerSecond === undefined ? {} : { framesPerSecond }),
      ...(clockDifferenceMs === undefined ? {} : { clockDifferenceMs }),
    };
  }

  async #measure(frame: FrameLease, view: FrameView, config: CameraHealthConfig): Promise<void> {
    const { camera, pictures, faults, onChange } = this.#options;
    try {
      const picture = await pictures.luma(frame, view);
      const reference = await this.#referenceFor(config.referencePicture);
      const difference = this.#before && meanDifference(picture, this.#before);
      const likeness = reference && correlation(picture, reference);
      if (reference && likeness === undefined) this.#tellUnlike(picture, reference);
      this.#before = picture;
      this.#measuredSequence = frame.sequence;
      const nowMs = performance.now();
      const isRepeated = this.#repeated?.sequence === frame.sequence;
      const changes = this.#health.take(
        {
          atMs: Date.now(),
          ...measurePicture(picture),
          ...(difference === undefined ? {} : { difference }),
          ...(likeness === undefined ? {} : { correlation: likeness }),
          ...this.#stream(),
        },
        config,
        nowMs,
        isRepeated ? this.#repeated?.sinceMs : nowMs,
      );
      if (changes.length > 0) onChange(changes);
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      faults.warn(`health/${camera}`, { camera, error }, 'a picture could not be measured');
    }
  }

  /**
   * Read once for each path. A picture that cannot be read is told, and leaves `moved` unjudged until
   * it can.
   */
  async #referenceFor(path: string | undefined): Promise<LumaPicture | undefined> {
    if (path === undefined) return undefined;
    if (this.#reference?.path === path) return this.#reference.picture;
    const nowMs = performance.now();
    const failed = this.#unreadable;
    if (failed?.path === path && nowMs - failed.sinceMs < REFERENCE_RETRY_MS) return undefined;
    try {
      const data = new Uint8Array(await readFile(path));
      const picture = await this.#options.pictures.lumaOfFile(data);
      this.#reference = { path, picture };
      return picture;
    } catch (thrown) {
      this.#unreadable = { path, sinceMs: nowMs };
      this.#tellUnjudged(VedetteError.from(thrown));
      return undefined;
    }
  }

  #tellUnlike(picture: LumaPicture, reference: LumaPicture): void {
    const sizeOf = ({ width, height }: LumaPicture) => `${width}×${height}`;
    const error = new VedetteError(
      'CONFIG_INVALID',
      `referencePicture cannot be compared: scaled down it has ${sizeOf(reference)}, the picture of the camera ${sizeOf(picture)}, or one of them is of one grey only`,
    );
    this.#tellUnjudged(error);
  }

  #tellUnjudged(error: VedetteError): void {
    const { camera, faults } = this.#options;
    faults.warn(`health/${camera}/reference`, { camera, error }, 'moved cannot be judged');
  }

  #countRate(frames: number): number | undefined {
    const atMs = performance.now();
    this.#rate ??= { atMs, frames };
    const elapsedMs = atMs - this.#rate.atMs;
    if (elapsedMs < RATE_WINDOW_MS) return this.#framesPerSecond;
    this.#framesPerSecond = ((frames - this.#rate.frames) * 1000) / elapsedMs;
    this.#rate = { atMs, frames };
    return this.#framesPerSecond;
  }
}
