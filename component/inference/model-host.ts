import type { VedetteError } from '../contract/errors.ts';
import type {
  ChangeCause,
  ModelChangeRequest,
  RollbackCause,
} from '../contract/model-lifecycle.ts';
import type {
  InferenceAnswer,
  InferenceRequest,
  ModelStatus,
  RegionsAnswer,
  RegionsRequest,
  TensorAnswer,
  TensorRequest,
} from '../contract/ports.ts';
import type { CloseReport } from './generation-options.ts';
import type { ModelGeneration } from './model-generation.ts';
import type { ModelPackage } from './package/read-package.ts';
import { ConfiguredVersion } from './versions/configured-version.ts';
import type { ModelConfiguration } from './versions/configured-version.ts';
import { lifecycleStatus } from './versions/lifecycle-status.ts';
import type { CandidateFigures } from './versions/lifecycle-status.ts';
import { ModelChanges } from './versions/model-changes.ts';
import { StartActive } from './versions/start-active.ts';
import { VersionSet } from './versions/version-set.ts';
import type { Candidate, VersionSetOptions } from './versions/version-set.ts';
import { workerCount } from './worker-count.ts';

export type { ModelTrust } from './admit-model.ts';
export type { CloseReport } from './generation-options.ts';

export interface ModelHostOptions extends Omit<VersionSetOptions, 'onChange'> {
  /** What was found out about the candidate. */
  readonly candidateFigures?: () => CandidateFigures;
  /** Told after every change of state, worker or reason. Must not throw. */
  readonly onChange: (status: ModelStatus) => void;
}

/** A change of a model's configuration between two steps: `remember` and `assign`, or `discard`. */
export interface PreparedModel {
  /** @throws VedetteError of the registry: `discard` must follow */
  remember(): Promise<void>;
  /** From the next frame on; cannot fail. */
  assign(): void;
  /** After `assign`: ends what it replaced. */
  finish(): Promise<void>;
  discard(): Promise<void>;
}

/** A configured model on the main thread: its name, the version that answers, and the state shown. */
export class ModelHost {
  #options: ModelHostOptions;
  #started: Promise<void> = Promise.resolve();
  readonly #versions: VersionSet;
  readonly #changes: ModelChanges;
  readonly #starter: StartActive;
  #waiters: (() => void)[] = [];

  constructor(options: ModelHostOptions) {
    const inside: VersionSetOptions = { ...options, onChange: () => this.#onChange() };
    this.#options = options;
    this.#versions = new VersionSet(inside);
    this.#changes = new ModelChanges(inside, this.#versions);
    this.#starter = new StartActive(this.#versions, {
      onFault: options.onFault,
      onCandidate: (candidate) => void this.#changes.resume(candidate),
    });
  }

  get name(): string {
    return this.#options.name;
  }

  /** Of the active version. Present once the package was read. */
  get package(): ModelPackage | undefined {
    return this.#versions.active.package;
  }

  /** Of every version that answers, is tried or is loaded, as far as they were read. */
  get packages(): readonly ModelPackage[] {
    const { active, candidate, incoming } = this.#versions;
    const versions = [active, candidate?.generation, incoming];
    return versions.flatMap((version) => version?.package ?? []);
  }

  get isReady(): boolean {
    return this.#versions.active.isReady;
  }

  /** It answers no more, whichever version is asked. */
  get isClosed(): boolean {
    return this.#versions.isClosed;
  }

  /** Present while one is ready. */
  get candidate(): Candidate | undefined {
    return this.#versions.candidate;
  }

  /** Resolves when the model is ready or failed; never rejects for a fault of the model. */
  start(): Promise<void> {
    this.#started = this.#starter.start().then(() => this.#changes.started());
    return this.#started;
  }

  /**
   * Loads what another configuration asks of this model, beside the model as it is. No other change
   * begins until the new configuration is in force or discarded.
   * @throws VedetteError see ModelGeneration.load: nothing has changed then
   */
  async prepare(next: ModelConfiguration): Promise<PreparedModel> {
    await this.#started;
    const release = await this.#changes.hold(next.config.package);
    try {
      const version = await ConfiguredVersion.load(this.#versions, next);
      return {
        remember: () => version.remember(),
        assign: () => {
          version.assign();
          this.#options = { ...this.#options, ...next };
          this.#changes.configure(next);
          this.#onChange();
        },
        finish: async () => {
          const { isUnloaded } = await version.finish().finally(release);
          if (isUnloaded) void this.start();
        },
        discard: () => version.discard().finally(release),
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Resolves when the model that was started is ready or failed for the first time. */
  whenStarted(): Promise<void> {
    return this.#started;
  }

  /** Resolves when the model is ready, or will never be: closed, or `signal` aborted. */
  async whenReady(signal?: AbortSignal): Promise<void> {
    while (!this.isReady && !this.#versions.isClosed && !signal?.aborted) {
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

  /**
   * The version that answers now, for a camera or for everybody else. To be asked for each frame:
   * whoever keeps it gets answers of a version that may have been replaced.
   */
  servingFor(camera?: string): ModelGeneration {
    return this.#versions.servingFor(camera);
  }

  /** @throws VedetteError see ModelGeneration.infer */
  async infer(request: InferenceRequest): Promise<InferenceAnswer> {
    return this.#versions.active.infer(request);
  }

  /** @throws VedetteError see ModelGeneration.inferRegions */
  async inferRegions(request: RegionsRequest): Promise<RegionsAnswer> {
    return this.#versions.active.inferRegions(request);
  }

  /** @throws VedetteError see ModelGeneration.inferTensors */
  async inferTensors(request: TensorRequest): Promise<TensorAnswer> {
    return this.#versions.active.inferTensors(request);
  }

  /** @throws VedetteError see ModelGeneration.inferPictureTensors */
  async inferPictureTensors(
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer> {
    return this.#versions.active.inferPictureTensors(data, outputs);
  }

  /**
   * Begins a change of versions; `status().lifecycle` tells what becomes of it.
   * @throws VedetteError MODEL_CHANGE_RUNNING, MODEL_PINNED, MODEL_CANDIDATE_EXISTS,
   * MODEL_CANDIDATE_NONE, MODEL_PREVIOUS_NONE, REQUEST_INVALID, SHUTTING_DOWN
   */
  change(request: ModelChangeRequest, cause: ChangeCause = 'person'): void {
    this.#changes.begin(request, cause);
  }

  /** Resolves when no change is under way. */
  changeEnded(): Promise<void> {
    return this.#changes.ended();
  }

  /**
   * The candidate acts no longer, from this moment. Nothing while it is being promoted.
   * @returns whether it was taken back
   */
  rollBackCandidate(cause: RollbackCause, reason: VedetteError): boolean {
    return this.#versions.rollBackCandidate(cause, reason);
  }

  status(): ModelStatus {
    const { active } = this.#versions;
    const { identity, package: model, reason, readings, state, stateSinceMs } = active;
    const figures = this.#options.candidateFigures?.() ?? {};
    return {
      name: this.name,
      state,
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
      lifecycle: lifecycleStatus(this.#versions, this.#changes, figures),
    };
  }

  /** Refuses what comes, lets what was accepted end for up to `drainMs`, then closes its workers. */
  async close(drainMs: number): Promise<CloseReport> {
    this.#changes.close();
    this.#starter.close();
    return this.#versions.close(drainMs);
  }

  #onChange(): void {
    if (this.isReady || this.#versions.isClosed) {
      for (const go of this.#waiters.splice(0)) go();
    }
    this.#options.onChange(this.status());
  }
}
