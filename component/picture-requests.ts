import type { RuntimeConfig } from './contract/config.ts';
import { WHOLE_FRAME } from './contract/frame.ts';
import type {
  InferenceAnswer,
  InferenceRequest,
  TensorAnswer,
  TensorRequest,
} from './contract/ports.ts';
import type { InferenceResult } from './contract/result.ts';
import type { PictureRequest } from './edge-runtime.ts';
import { inferPicture } from './inference/chain/camera-model.ts';
import type { ModelFleet } from './model-fleet.ts';
import { composeResult } from './pipeline/compose-result.ts';
import { judge } from './pipeline/judge.ts';
import type { Metrics } from './pipeline/metrics.ts';
import { PROMISE_MS, stalled } from './pipeline/result-storage.ts';
import type { Registry } from './registry/registry.ts';
import { settledWithin } from './timing/settled-within.ts';

export interface PictureRequestsOptions {
  readonly config: () => RuntimeConfig;
  readonly models: ModelFleet;
  readonly registry: Registry;
  readonly metrics: Metrics;
  readonly onResult: (result: InferenceResult) => void;
}

/** What programs ask models by name, without a camera and its rules. */
export class PictureRequests {
  readonly #options: PictureRequestsOptions;
  #requests = 0;

  constructor(options: PictureRequestsOptions) {
    this.#options = options;
  }

  /**
   * Answers when the result is stored. @throws VedetteError as `infer`, of the registry, and
   * REGISTRY_UNAVAILABLE when the disk does not take it in time
   */
  async inferAndStore(request: PictureRequest): Promise<InferenceResult> {
    const { config, registry, metrics, onResult } = this.#options;
    const takenAtMs = performance.now();
    const capturedAtMs = Date.now();
    const { thing } = config();
    const answer = await this.infer(request.model, request.data);
    const origin = {
      thing,
      ...(request.context ? { context: request.context } : {}),
      frame: {
        ...answer.picture,
        sequence: this.#requests++,
        capturedAtMs,
        ...(request.fileName === undefined ? {} : { fileName: request.fileName }),
      },
      takenAtMs,
    };
    const result = composeResult(origin, answer, judge([], answer.findings));
    const storing = registry.appendResult(result, { durability: 'promised' });
    if (!(await settledWithin(storing, PROMISE_MS))) throw stalled(PROMISE_MS);
    const stored = await storing;
    metrics.countResult('http', stored.model.name, stored);
    onResult(stored);
    return stored;
  }

  /** @throws VedetteError MODEL_NOT_FOUND, IMAGE_…, and as `inferPicture` */
  async infer(model: string, data: Uint8Array<ArrayBuffer>): Promise<InferenceAnswer> {
    const request: InferenceRequest = {
      image: { kind: 'encoded', data },
      view: WHOLE_FRAME,
      thresholds: { labels: {} },
      wantsAnomalyMap: false,
    };
    const { tiling } = this.#options.config().models[model] ?? {};
    return inferPicture(this.#options.models.cameraModel(model), request, tiling);
  }

  async inferTensors(model: string, request: TensorRequest): Promise<TensorAnswer> {
    return this.#options.models.model(model).host.inferTensors(request);
  }

  async inferPictureTensors(
    model: string,
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer> {
    return this.#options.models.model(model).host.inferPictureTensors(data, outputs);
  }
}
