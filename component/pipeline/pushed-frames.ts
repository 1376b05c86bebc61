import type { PushCamera } from '../camera/push-camera.ts';
import type { RuntimeConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameReference } from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { CameraModel } from '../inference/chain/camera-model.ts';
import type { FrameSettings } from './frame-settings.ts';

/** How often who waits for a pushed picture looks whether its model can still answer. */
const MODEL_CHECK_MS = 100;

type Context = Readonly<Record<string, unknown>> | undefined;

interface PushedWait {
  readonly context: Context;
  readonly resolve: (result: InferenceResult) => void;
  readonly reject: (error: VedetteError) => void;
  /** The model is done with it, and the answer is on its way to the disk. */
  isJudged: boolean;
}

/** Pictures that were pushed to a camera, and who waits for their results. */
export class PushedFrames {
  readonly #camera: string;
  readonly #settings: () => FrameSettings;
  readonly #waiting = new Map<number, PushedWait>();
  /** Frames whose pusher was told that there is no answer, and that nobody has looked at yet. */
  readonly #abandoned = new Set<number>();

  constructor(camera: string, settings: () => FrameSettings) {
    this.#camera = camera;
    this.#settings = settings;
  }

  /** Those without an answer yet. */
  get size(): number {
    return this.#waiting.size;
  }

  isAwaited({ sequence }: FrameReference): boolean {
    return this.#waiting.has(sequence);
  }

  contextOf({ sequence }: FrameReference): Context {
    return this.#waiting.get(sequence)?.context;
  }

  /** To be asked once: the frame is forgotten then. */
  isAbandoned({ sequence }: FrameReference): boolean {
    return this.#abandoned.delete(sequence);
  }

  judged({ sequence }: FrameReference): void {
    const waiting = this.#waiting.get(sequence);
    if (waiting) waiting.isJudged = true;
  }

  /** Who pushed a picture that got no answer is told why, as with a picture sent to a model. */
  settle({ sequence }: FrameReference, kept: InferenceResult | VedetteError): void {
    this.#abandoned.delete(sequence);
    const waiting = this.#waiting.get(sequence);
    if (kept instanceof VedetteError) waiting?.reject(kept);
    else waiting?.resolve(kept);
  }

  rejectAll(error: VedetteError): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
  }

  /** @throws VedetteError MODEL_NOT_READY, IMAGE_…, OVERLOADED, SHUTTING_DOWN, and what `settle` is told */
  async push(
    driver: PushCamera,
    data: Uint8Array,
    context: Context,
    fileName: string | undefined,
  ): Promise<InferenceResult> {
    const { model } = this.#settings().sets.of(context);
    if (model.status().state === 'failed') throw this.#modelNotReady(model);
    const { promise, resolve, reject } = Promise.withResolvers<InferenceResult>();
    promise.catch(() => {});
    let sequence: number | undefined;
    const giveUp = new AbortController();
    const watch = this.#watchModel(model, () => {
      if (sequence !== undefined && this.#waiting.get(sequence)?.isJudged) return;
      const error = this.#modelNotReady(model);
      giveUp.abort(error);
      reject(error);
    });
    try {
      await driver.push(data, {
        signal: giveUp.signal,
        ...(fileName === undefined ? {} : { fileName }),
        onSequence: (number) => {
          sequence = number;
          this.#waiting.set(number, { context, resolve, reject, isJudged: false });
        },
      });
      return await promise;
    } finally {
      clearInterval(watch);
      if (sequence !== undefined && this.#waiting.delete(sequence) && giveUp.signal.aborted) {
        this.#abandoned.add(sequence);
      }
    }
  }

  /**
   * Frames of other sources wait for the model to be mended; who pushes waits for an answer: until
   * the model failed, or was not ready for as long as an answer may take.
   */
  #watchModel(model: CameraModel, onNotReady: () => void): NodeJS.Timeout {
    const limitMs = answerLimitMs(this.#settings().config, model.name);
    let readyAtMs = performance.now();
    const watch = setInterval(() => {
      const nowMs = performance.now();
      if (model.isReady) readyAtMs = nowMs;
      else if (model.status().state === 'failed' || nowMs - readyAtMs > limitMs) {
        clearInterval(watch);
        onNotReady();
      }
    }, MODEL_CHECK_MS);
    return watch;
  }

  #modelNotReady(model: CameraModel): VedetteError {
    const { name, state, reason } = model.status();
    const why = reason === undefined ? '' : `: ${reason.message}`;
    return new VedetteError(
      'MODEL_NOT_READY',
      `model '${name}' of camera ${this.#camera} is ${state}, expected ready${why}`,
      { details: { model: name, state, ...(reason ? { reason: reason.code } : {}) } },
    );
  }
}

/** How long an answer may take; of a chain that of the slowest of its models. */
function answerLimitMs({ models, chains }: RuntimeConfig, name: string): number {
  const steps = Object.values(chains[name]?.steps ?? {}).map(({ model }) => model);
  return Math.max(0, ...[name, ...steps].map((model) => models[model]?.timeoutMs ?? 0));
}
