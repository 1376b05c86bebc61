import { FrameRing } from '../../native/index.ts';
import type { ModelConfig } from '../contract/model-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { FrameLease } from '../contract/frame.ts';
import type {
  InferenceAnswer,
  InferenceRequest,
  ModelState,
  ModelStatus,
  TensorAnswer,
  TensorRequest,
} from '../contract/ports.ts';
import type { ModelIdentity } from '../contract/result.ts';
import type { TensorValue } from '../contract/tensor.ts';
import { admitModel } from './admit-model.ts';
import type { ModelTrust } from './admit-model.ts';
import { checkOutputNames, checkTensors } from './check-tensors.ts';
import type { ModelStore } from './model-store/model-store.ts';
import { PackageLocation } from './model-store/package-location.ts';
import { modelSetup } from './model-setup.ts';
import type { ModelPackage } from './package/read-package.ts';
import { WorkerPool } from './worker-pool.ts';
import type { PoolReply } from './worker-pool.ts';
import type { PictureReply, TensorReply, WorkerJob } from './worker-protocol.ts';
import type { Lane } from './request-queue.ts';

export type { ModelTrust } from './admit-model.ts';

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

export interface CloseReport {
  /** A worker is inside ONNX Runtime's run(): ending the process normally would abort it. */
  readonly isInsideRun: boolean;
}

/** A failed package is tried again when its files change, or after so long. */
const RETRY_MS = 60_000;
const SIGNATURE_INTERVAL_MS = 2000;

/** Rings count holds by owner; hosts take numbers that cameras do not use. */
const FIRST_OWNER = 1_000_000;
let hosts = 0;

/** A configured model on the main thread: its package, its workers, its queue and its state. */
export class ModelHost {
  readonly #options: ModelHostOptions;
  readonly #owner: number;
  readonly #location: PackageLocation;
  readonly #abort = new AbortController();
  #package: ModelPackage | undefined;
  #identity: ModelIdentity | undefined;
  #pool: WorkerPool | undefined;
  #state: ModelState = 'loading';
  #stateSinceMs = Date.now();
  #reason: VedetteError | undefined;
  #retryTimer: NodeJS.Timeout | undefined;
  #inferences = 0;
  #failures = 0;
  #waiters: (() => void)[] = [];

  constructor(options: ModelHostOptions) {
    this.#options = options;
    this.#location = new PackageLocation(options.config.package, options.store);
    hosts += 1;
    this.#owner = FIRST_OWNER + hosts;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Present once the package was read. */
  get package(): ModelPackage | undefined {
    return this.#package;
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
    while (!this.isReady && this.#state !== 'closed' && !signal?.aborted) {
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
   * Judges one picture. A frame's slot is held here too, until no worker reads it; the caller keeps
   * and releases its own lease.
   * @throws VedetteError MODEL_NOT_READY, OVERLOADED, INFERENCE_TIMEOUT, INFERENCE_FAILED,
   * OUTPUT_INVALID, WORKER_LOST, SHUTTING_DOWN, IMAGE_…, FRAME_INVALID
   */
  async infer(request: InferenceRequest): Promise<InferenceAnswer> {
    const { identity } = this.#ready();
    const { image } = request;
    const { reply, queueMs } =
      image.kind === 'frame'
        ? await this.#runFrame(request, image.frame)
        : await this.#runEncoded(request, image.data);
    const answer = reply as PictureReply;
    return { ...answer, model: identity, timings: { queueMs, ...answer.timings } };
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
    return this.#tensorAnswer(
      identity,
      await this.#run('request', job, [...new Set(transfer)] as ArrayBuffer[]),
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
    return this.#tensorAnswer(identity, await this.#run('request', job, [owned.buffer]));
  }

  status(): ModelStatus {
    const model = this.#package;
    return {
      name: this.name,
      state: this.#state,
      stateSinceMs: this.#stateSinceMs,
      ...(this.#reason ? { reason: this.#reason.serialize() } : {}),
      ...(this.#identity ? { identity: this.#identity } : {}),
      ...(model
        ? {
            task: model.manifest.task,
            description: model.manifest.description,
            variantReason: model.variantReason,
            labels: model.labels,
            ...model.declarations,
          }
        : {}),
      workers: this.#options.config.workers,
      readyWorkers: this.#pool?.readyWorkers ?? 0,
      queueDepth: this.#pool?.queueDepth ?? 0,
      inFlight: this.#pool?.inFlight ?? 0,
      inferences: this.#inferences,
      failures: this.#failures,
      replacements: this.#pool?.replacements ?? 0,
    };
  }

  /** Refuses what comes, lets what was accepted end for up to `drainMs`, then closes its workers. */
  async close(drainMs: number): Promise<CloseReport> {
    this.#setState('closed');
    this.#abort.abort();
    clearTimeout(this.#retryTimer);
    const pool = this.#pool;
    await pool?.close(drainMs);
    await this.#location.release();
    return { isInsideRun: pool?.isInsideRun ?? false };
  }

  async #attempt(): Promise<void> {
    const { config, maxImagePixels, trust, onFault } = this.#options;
    const signature = await this.#location.signature();
    try {
      this.#setState('loading');
      const located = await this.#location.locate(signature, this.#abort.signal);
      const model = await admitModel({
        config,
        located,
        maxImagePixels,
        trust,
        signal: this.#abort.signal,
        onFault,
        onStage: (state, read) => {
          if (read) this.#describe(read);
          this.#setState(state);
        },
      });
      await this.#warmUp(model);
    } catch (error) {
      if (!this.#isClosed) this.#fail(VedetteError.from(error), signature);
    }
  }

  get #isClosed(): boolean {
    return this.#abort.signal.aborted;
  }

  #describe(model: ModelPackage): void {
    this.#package = model;
    this.#identity = {
      name: this.name,
      version: model.manifest.version,
      sha256: model.sha256,
      variant: model.variant.name,
      executionProvider: 'cpu',
    };
  }

  /** Starts the workers; rejects when none of them gets ready the first time. */
  async #warmUp(model: ModelPackage): Promise<void> {
    if (this.#isClosed) return;
    const { config, maxImagePixels, name } = this.#options;
    this.#setState('warming-up');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { signal } = this.#abort;
    signal.addEventListener('abort', reject, { once: true });
    let wasReady = false;
    const pool: WorkerPool = new WorkerPool({
      name,
      setup: modelSetup(model, config.threadsPerWorker, maxImagePixels),
      workers: config.workers,
      queueLimit: config.queueLimit,
      timeoutMs: config.timeoutMs,
      loadTimeoutMs: config.probeTimeoutMs,
      onChange: (fault) => {
        if (!wasReady && pool.readyWorkers === 0) {
          if (fault) reject(fault);
          return;
        }
        wasReady = true;
        resolve();
        this.#follow(pool, fault);
      },
    });
    this.#pool = pool;
    pool.start();
    try {
      await promise;
    } catch (error) {
      // Closed while it warmed up: `close` has the pool and gives its workers time to end.
      if (!this.#isClosed) {
        this.#pool = undefined;
        await pool.close(0);
      }
      throw error;
    } finally {
      signal.removeEventListener('abort', reject);
    }
  }

  /** The state that the workers of a model that was ready once leave it in. */
  #follow(pool: WorkerPool, fault: VedetteError | undefined): void {
    if (this.#isClosed) return;
    if (fault) this.#options.onFault(fault);
    if (pool.readyWorkers > 0) this.#setState('ready');
    else if (pool.isStuck) this.#setState('failed', fault ?? this.#reason);
    else this.#setState('warming-up', fault ?? this.#reason);
  }

  #fail(error: VedetteError, signature: string): void {
    this.#setState('failed', error);
    this.#options.onFault(error);
    const retryAt = Date.now() + RETRY_MS;
    const look = async () => {
      const now = await this.#location.signature();
      if (this.#isClosed) return;
      if (now !== signature || Date.now() >= retryAt) await this.#attempt();
      else this.#retryTimer = setTimeout(() => void look(), SIGNATURE_INTERVAL_MS);
    };
    this.#retryTimer = setTimeout(() => void look(), SIGNATURE_INTERVAL_MS);
  }

  #setState(state: ModelState, reason?: VedetteError): void {
    if (this.#state === 'closed') return;
    if (this.#state !== state) {
      this.#state = state;
      this.#stateSinceMs = Date.now();
    }
    this.#reason = reason;
    if (state === 'ready' || state === 'closed') {
      for (const go of this.#waiters.splice(0)) go();
    }
    this.#options.onChange(this.status());
  }

  #ready(): { identity: ModelIdentity; model: ModelPackage } {
    if (this.#state === 'closed') {
      throw new VedetteError('SHUTTING_DOWN', `model '${this.name}' is being closed`);
    }
    if (!this.isReady || !this.#identity || !this.#package) {
      const why = this.#reason ? `: ${this.#reason.message}` : '';
      throw new VedetteError(
        'MODEL_NOT_READY',
        `model '${this.name}' is ${this.#state}, expected ready${why}`,
        {
          details: {
            model: this.name,
            state: this.#state,
            ...(this.#reason ? { reason: this.#reason.code } : {}),
          },
        },
      );
    }
    return { identity: this.#identity, model: this.#package };
  }

  #runFrame(request: InferenceRequest, frame: FrameLease): Promise<PoolReply> {
    const ring = FrameRing.attach(frame.ringId);
    const hold = ring.retain(frame, this.#owner);
    const job: WorkerJob = { ...request, kind: 'picture', image: { kind: 'frame', frame: hold } };
    return this.#run('frame', job, [], () => ring.release(hold));
  }

  #runEncoded(request: InferenceRequest, data: Uint8Array<ArrayBuffer>): Promise<PoolReply> {
    const owned = ownBytes(data);
    const job: WorkerJob = {
      ...request,
      kind: 'picture',
      image: { kind: 'encoded', data: owned },
    };
    return this.#run('request', job, [owned.buffer]);
  }

  async #run(
    lane: Lane,
    job: WorkerJob,
    transfer: readonly ArrayBuffer[],
    onUnused: () => void = () => undefined,
  ): Promise<PoolReply> {
    try {
      const reply = await this.#pool!.run({ lane, job, transfer, onUnused });
      this.#inferences += 1;
      return reply;
    } catch (error) {
      this.#failures += 1;
      throw error;
    }
  }

  #tensorAnswer(identity: ModelIdentity, { reply, queueMs }: PoolReply): TensorAnswer {
    const { outputs, runMs } = reply as TensorReply;
    return { model: identity, outputs, timings: { queueMs, runMs } };
  }
}

/** Bytes that own their buffer, so that moving it takes nothing else along. */
function ownBytes(data: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return data.byteLength === data.buffer.byteLength ? data : new Uint8Array(data);
}

function movable(tensor: TensorValue): TensorValue {
  const { data } = tensor;
  const isWhole = Array.isArray(data) || data.byteLength === data.buffer.byteLength;
  return isWhole ? tensor : { ...tensor, data: data.slice() };
}
