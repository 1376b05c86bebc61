import { FrameRing } from '../../native/index.ts';
import { VedetteError } from '../contract/errors.ts';
import type {
  InferenceAnswer,
  InferenceRequest,
  ModelState,
  PictureSource,
  RegionsAnswer,
  RegionsRequest,
  TensorAnswer,
  TensorRequest,
} from '../contract/ports.ts';
import type { ModelIdentity } from '../contract/result.ts';
import { MAX_TILES } from '../contract/tiles.ts';
import { admitModel } from './admit-model.ts';
import type { AdmittedModel } from './admit-model.ts';
import { checkOutputNames, checkTensors } from './check-tensors.ts';
import type { ExecutionReport, ExecutionSetup } from './execution/execution-setup.ts';
import { processLibrary } from './execution/runtime-library.ts';
import type { CloseReport, GenerationOptions, RunCounts } from './generation-options.ts';
import { GenerationState } from './generation-state.ts';
import { generationPool, generationWorkers } from './generation-workers.ts';
import { movable, ownBytes } from './job-memory.ts';
import { PackageLocation } from './model-store/package-location.ts';
import type { ModelPackage } from './package/read-package.ts';
import type { RequestSource } from './request-queue.ts';
import { requireMemory } from './require-memory.ts';
import { startPool } from './start-pool.ts';
import type { PoolReply, WorkerPool } from './worker-pool.ts';
import type { PictureReply, RegionsReply, TensorReply, WorkerJob } from './worker-protocol.ts';

/** Rings count holds by owner; generations take numbers that cameras do not use. */
const FIRST_OWNER = 1_000_000;
let generations = 0;

/**
 * One version of a model: its package, its workers, its queue and its state. Every answer names the
 * identity of the generation that gave it.
 */
export class ModelGeneration {
  readonly #options: GenerationOptions;
  readonly #owner: number;
  readonly #location: PackageLocation;
  readonly #abort = new AbortController();
  #package: ModelPackage | undefined;
  #identity: ModelIdentity | undefined;
  #pool: WorkerPool | undefined;
  readonly #state: GenerationState;
  readonly #runs: RunCounts;

  constructor(options: GenerationOptions) {
    this.#options = options;
    this.#state = new GenerationState(options.name, options.onChange);
    this.#runs = options.runs ?? { inferences: 0, failures: 0 };
    this.#location = new PackageLocation(options.config.package, options.store);
    generations += 1;
    this.#owner = FIRST_OWNER + generations;
  }

  get name(): string {
    return this.#options.name;
  }

  /** As it was named: an installed `name@version`, or a path. */
  get packageName(): string {
    return this.#options.config.package;
  }

  /** Present once the package was read. */
  get package(): ModelPackage | undefined {
    return this.#package;
  }

  get identity(): ModelIdentity | undefined {
    return this.#identity;
  }

  get state(): ModelState {
    return this.#state.now;
  }

  get stateSinceMs(): number {
    return this.#state.sinceMs;
  }

  get reason(): VedetteError | undefined {
    return this.#state.reason;
  }

  get isReady(): boolean {
    return this.state === 'ready';
  }

  get readings() {
    return {
      readyWorkers: this.#pool?.readyWorkers ?? 0,
      queueDepth: this.#pool?.queueDepth ?? 0,
      inFlight: this.#pool?.inFlight ?? 0,
      ...this.#runs,
      replacements: this.#pool?.replacements ?? 0,
    };
  }

  /** Another text means another content of the package. */
  signature(): Promise<string> {
    return this.#location.signature();
  }

  /**
   * Reads, tries and warms up; may be called again after it failed.
   * @throws VedetteError of admitModel, of the package's location, and of the first worker; the
   * state is `failed` with that reason then. Anything once it is closed.
   */
  async load(signature: string): Promise<void> {
    const { config, maxImagePixels, trust, onFault, occasion, check } = this.#options;
    try {
      this.#state.set('loading');
      const located = await this.#location.locate(signature, this.#abort.signal);
      const execution = {
        providers: config.executionProviders,
        library: await processLibrary(this.#options.library),
      };
      const admitted = await admitModel({
        config,
        execution,
        located,
        occasion,
        maxImagePixels,
        trust,
        signal: this.#abort.signal,
        onFault,
        onStage: (state, read) => {
          if (read) {
            check?.(read);
            this.#describe(read);
          }
          this.#state.set(state);
        },
      });
      await this.#requireMemory(admitted);
      await this.#warmUp(admitted, execution);
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      this.#state.set('failed', error);
      throw error;
    }
  }

  /**
   * Judges one picture. A frame's slot is held here too, until no worker reads it; the caller keeps
   * and releases its own lease.
   * @throws VedetteError MODEL_NOT_READY, OVERLOADED, INFERENCE_TIMEOUT, INFERENCE_FAILED,
   * OUTPUT_INVALID, WORKER_LOST, SHUTTING_DOWN, IMAGE_…, FRAME_INVALID
   */
  async infer(request: InferenceRequest): Promise<InferenceAnswer> {
    const { identity } = this.#ready();
    const jobOf = (image: PictureSource) => ({ ...request, kind: 'picture', image }) as const;
    return pictureAnswer<PictureReply>(identity, await this.#runPicture(request.image, jobOf));
  }

  /**
   * Judges several regions of one picture, which is decoded once. A graph whose batch dimension is
   * free runs up to `maxBatch` of them at once, one with a fixed batch as many as that.
   * @throws VedetteError REQUEST_INVALID, and as `infer`: for all regions, whichever it is about
   */
  async inferRegions(request: RegionsRequest): Promise<RegionsAnswer> {
    const { identity } = this.#ready();
    requireViews(request.views.length);
    const jobOf = (image: PictureSource) => ({ ...request, kind: 'regions', image }) as const;
    return pictureAnswer<RegionsReply>(identity, await this.#runPicture(request.image, jobOf));
  }

  /**
   * Runs the graph on tensors as they are. Arrays that own their whole buffer are moved.
   * @throws VedetteError TENSOR_INVALID, and as `infer`
   */
  async inferTensors(request: TensorRequest): Promise<TensorAnswer> {
    const { identity, model } = this.#ready();
    checkTensors(request, model.declarations.inputs, model.declarations.outputs);
    const inputs = request.inputs.map(movable);
    const transfer = inputs.flatMap(({ data }) => (Array.isArray(data) ? [] : [data.buffer]));
    const job: WorkerJob = { kind: 'tensors', ...request, inputs };
    return tensorAnswer(
      identity,
      await this.#run('requests', job, [...new Set(transfer)] as ArrayBuffer[]),
    );
  }

  /**
   * An encoded picture through the model's own preprocessing to raw outputs; all of them unless
   * named. `data` is moved.
   * @throws VedetteError TENSOR_INVALID, and as `infer`
   */
  async inferPictureTensors(
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer> {
    const { identity, model } = this.#ready();
    checkOutputNames(outputs, model.declarations.outputs);
    const owned = ownBytes(data);
    const job: WorkerJob = { kind: 'picture-tensors', data: owned, outputs };
    return tensorAnswer(identity, await this.#run('requests', job, [owned.buffer]));
  }

  /**
   * Refuses what comes, lets what was accepted end for up to `drainMs`, then closes its workers.
   * @param handsBack what waits is refused at once: another version answers it sooner
   */
  async close(drainMs: number, handsBack = false): Promise<CloseReport> {
    this.#state.set('closed');
    this.#abort.abort();
    const pool = this.#pool;
    if (handsBack) pool?.handBack();
    await pool?.close(drainMs);
    await this.#location.release();
    return { isInsideRun: pool?.isInsideRun ?? false };
  }

  get #isClosed(): boolean {
    return this.#abort.signal.aborted;
  }

  #describe(model: ModelPackage): void {
    this.#package = model;
    this.#identity = {
      name: this.#options.name,
      version: model.manifest.version,
      sha256: model.sha256,
      variant: model.variant.name,
      executionProvider: 'cpu',
    };
  }

  /** What was tried beside a model that works has to find room beside it. */
  async #requireMemory({ report }: AdmittedModel): Promise<void> {
    const { name, occasion, makeRoom } = this.#options;
    if (occasion === 'start' || !report) return;
    const workers = generationWorkers(this.#options);
    await requireMemory(name, report.modelMegabytes, workers, async () => makeRoom?.());
  }

  /** What a worker found that its model runs on; what it had to do without is told. */
  #learn({ provider, fallbacks }: ExecutionReport): void {
    if (this.#identity) this.#identity = { ...this.#identity, executionProvider: provider };
    for (const fault of fallbacks) this.#options.onFault(VedetteError.deserialize(fault));
  }

  /** Starts the workers; rejects when none of them gets ready the first time. */
  async #warmUp(admitted: AdmittedModel, execution: ExecutionSetup): Promise<void> {
    if (this.#isClosed) return;
    this.#state.set('warming-up');
    try {
      await startPool({
        options: {
          ...generationPool(this.#options, admitted, execution),
          onExecution: (report) => this.#learn(report),
        },
        signal: this.#abort.signal,
        onCreated: (pool) => (this.#pool = pool),
        onChange: (pool, fault) => this.#follow(pool, fault),
      });
    } catch (error) {
      // Closed while it warmed up: `close` has the pool and gives its workers time to end.
      if (!this.#isClosed) this.#pool = undefined;
      throw error;
    }
  }

  /** The state that the workers of a model that was ready once leave it in. */
  #follow(pool: WorkerPool, fault: VedetteError | undefined): void {
    if (this.#isClosed) return;
    if (fault) this.#options.onFault(fault);
    if (pool.readyWorkers > 0) this.#state.set('ready');
    else if (pool.isStuck) this.#state.set('failed', fault ?? this.reason);
    else this.#state.set('warming-up', fault ?? this.reason);
  }

  #ready(): { identity: ModelIdentity; model: ModelPackage } {
    if (!this.isReady || !this.#identity || !this.#package) throw this.#state.refusal();
    return { identity: this.#identity, model: this.#package };
  }

  #runPicture(
    image: PictureSource,
    jobOf: (image: PictureSource) => WorkerJob,
  ): Promise<PoolReply> {
    if (image.kind === 'encoded') {
      const data = ownBytes(image.data);
      return this.#run('requests', jobOf({ kind: 'encoded', data }), [data.buffer]);
    }
    const ring = FrameRing.attach(image.frame.ringId);
    const hold = ring.retain(image.frame, this.#owner);
    const job = jobOf({ kind: 'frame', frame: hold });
    return this.#run(`ring-${image.frame.ringId}`, job, [], () => ring.release(hold));
  }

  async #run(
    source: RequestSource,
    job: WorkerJob,
    transfer: readonly ArrayBuffer[],
    onUnused: () => void = () => undefined,
  ): Promise<PoolReply> {
    try {
      const reply = await this.#pool!.run({ source, job, transfer, onUnused });
      this.#runs.inferences += 1;
      return reply;
    } catch (error) {
      this.#runs.failures += 1;
      throw error;
    }
  }
}

/** The answer of the version that has this identity, on what the worker that gave it runs on. */
function pictureAnswer<Reply extends PictureReply | RegionsReply>(
  identity: ModelIdentity,
  { reply, queueMs, executionProvider }: PoolReply,
) {
  const answer = reply as Reply;
  return {
    ...answer,
    model: { ...identity, executionProvider },
    timings: { queueMs, ...answer.timings },
  };
}

function tensorAnswer(
  identity: ModelIdentity,
  { reply, queueMs, executionProvider }: PoolReply,
): TensorAnswer {
  const { outputs, runMs } = reply as TensorReply;
  return { model: { ...identity, executionProvider }, outputs, timings: { queueMs, runMs } };
}

function requireViews(count: number): void {
  if (count >= 1 && count <= MAX_TILES) return;
  throw new VedetteError(
    'REQUEST_INVALID',
    `1 to ${MAX_TILES} regions of a picture can be judged at once, got ${count}`,
    { details: { regions: count, maxRegions: MAX_TILES } },
  );
}
