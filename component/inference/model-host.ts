import type { ModelConfig } from '../contract/model-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type {
  InferenceAnswer,
  InferenceRequest,
  ModelState,
  ModelStatus,
  RegionsAnswer,
  RegionsRequest,
  TensorAnswer,
  TensorRequest,
} from '../contract/ports.ts';
import type { ModelTrust } from './admit-model.ts';
import { ModelGeneration } from './model-generation.ts';
import type { CloseReport } from './model-generation.ts';
import type { ModelStore } from './model-store/model-store.ts';
import type { ModelPackage } from './package/read-package.ts';
import { workerCount } from './worker-count.ts';

export type { ModelTrust } from './admit-model.ts';
export type { CloseReport } from './model-generation.ts';

export interface ModelHostOptions {
  /** Key of the model in the configuration: its name in results and addresses. */
  readonly name: string;
  readonly config: ModelConfig;
  /** Pictures with more pixels are refused before they are decoded. */
  readonly maxImagePixels: number;
  readonly trust: ModelTrust;
  /** For packages that are installed or archives. */
  readonly store?: ModelStore;
  /** Told after every change of state, worker or reason. Must not throw. */
  readonly onChange: (status: ModelStatus) => void;
  /** Told of what an operator should find in the log: a lost worker, a failed package. Must not throw. */
  readonly onFault: (fault: VedetteError) => void;
}

/** A failed package is tried again when its files change, or after so long. */
const RETRY_MS = 60_000;
const SIGNATURE_INTERVAL_MS = 2000;

/** A configured model on the main thread: its name, the generation that answers, and the state shown. */
export class ModelHost {
  readonly #options: ModelHostOptions;
  readonly #active: ModelGeneration;
  #isClosed = false;
  #retryTimer: NodeJS.Timeout | undefined;
  #waiters: (() => void)[] = [];

  constructor(options: ModelHostOptions) {
    this.#options = options;
    this.#active = new ModelGeneration({ ...options, onChange: () => this.#onChange() });
  }

  get name(): string {
    return this.#options.name;
  }

  /** Present once the package was read. */
  get package(): ModelPackage | undefined {
    return this.#active.package;
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** Resolves when the model is ready or failed; never rejects for a fault of the model. */
  async start(): Promise<void> {
    await this.#attempt();
  }

  /** Resolves when the model is ready, or will never be: closed, or `signal` aborted. */
  async whenReady(signal?: AbortSignal): Promise<void> {
    while (!this.isReady && !this.#isClosed && !signal?.aborted) {
      await new Promise<void>((resolve) => {
        const go = () => {
          signal?.removeEventListener('abort', go);
          resolve();
        };
        this.#waiters.push(go);
        signal?.addEventListener('abort', go, { once: true });
      });
    }
  }

  /** @throws VedetteError see ModelGeneration.infer */
  async infer(request: InferenceRequest): Promise<InferenceAnswer> {
    return this.#active.infer(request);
  }

  /** @throws VedetteError see ModelGeneration.inferRegions */
  async inferRegions(request: RegionsRequest): Promise<RegionsAnswer> {
    return this.#active.inferRegions(request);
  }

  /** @throws VedetteError see ModelGeneration.inferTensors */
  async inferTensors(request: TensorRequest): Promise<TensorAnswer> {
    return this.#active.inferTensors(request);
  }

  /** @throws VedetteError see ModelGeneration.inferPictureTensors */
  async inferPictureTensors(
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer> {
    return this.#active.inferPictureTensors(data, outputs);
  }

  status(): ModelStatus {
    const { identity, package: model, reason, readings, stateSinceMs } = this.#active;
    return {
      name: this.name,
      state: this.#state,
      stateSinceMs,
      ...(reason ? { reason: reason.serialize() } : {}),
      ...(identity ? { identity } : {}),
      ...(model
        ? {
            task: model.manifest.task,
            description: model.manifest.description,
            variantReason: model.variantReason,
            labels: model.labels,
            ...model.declarations,
          }
        : {}),
      workers: workerCount(this.#options.config, 1),
      ...readings,
    };
  }

  /** Refuses what comes, lets what was accepted end for up to `drainMs`, then closes its workers. */
  async close(drainMs: number): Promise<CloseReport> {
    this.#isClosed = true;
    clearTimeout(this.#retryTimer);
    return this.#active.close(drainMs);
  }

  get #state(): ModelState {
    return this.#active.state;
  }

  async #attempt(): Promise<void> {
    const signature = await this.#active.signature();
    try {
      await this.#active.load(signature);
    } catch (thrown) {
      if (this.#isClosed) return;
      this.#options.onFault(VedetteError.from(thrown));
      this.#retryLater(signature);
    }
  }

  #retryLater(signature: string): void {
    const retryAt = Date.now() + RETRY_MS;
    const look = async () => {
      const now = await this.#active.signature();
      if (this.#isClosed) return;
      if (now !== signature || Date.now() >= retryAt) await this.#attempt();
      else this.#retryTimer = setTimeout(() => void look(), SIGNATURE_INTERVAL_MS);
    };
    this.#retryTimer = setTimeout(() => void look(), SIGNATURE_INTERVAL_MS);
  }

  #onChange(): void {
    if (this.isReady || this.#isClosed) {
      for (const go of this.#waiters.splice(0)) go();
    }
    this.#options.onChange(this.status());
  }
}
