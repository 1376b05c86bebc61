import { VedetteError } from '../contract/errors.ts';
import { WHOLE_FRAME } from '../contract/frame.ts';
import type { InferenceAnswer, InferenceRequest } from '../contract/ports.ts';
import type { ModelIdentity } from '../contract/result.ts';
import { modelSetup } from './model-setup.ts';
import type { ModelPackage } from './package/read-package.ts';
import { runProbe } from './run-probe.ts';
import { WorkerPool } from './worker-pool.ts';
import type { PictureReply } from './worker-protocol.ts';

export interface PictureRunnerOptions {
  readonly workers: number;
  readonly threadsPerWorker: number;
  /** Pictures with more pixels are refused before they are decoded. */
  readonly maxImagePixels: number;
  /** Longest wait for one picture, and for the workers to load, in milliseconds. */
  readonly timeoutMs: number;
  /** Memory limit of the first run in the probe; absent for a model that passed one on this machine. */
  readonly probeMemoryMegabytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type PictureRequest = Pick<InferenceRequest, 'thresholds' | 'wantsAnomalyMap'>;

/**
 * A model that judges pictures away from any camera: the door for commands and for the publisher. It
 * is the way of a frame without a slot: the first run in the probe, then the model's workers.
 */
export class PictureRunner {
  readonly model: ModelPackage;
  readonly identity: ModelIdentity;
  readonly workers: number;
  readonly #pool: WorkerPool;

  /**
   * Resolves when every worker is ready. Golden pictures are not compared: who looks at what a model
   * does wants to see it also when it changed.
   * @throws VedetteError those of runProbe, and MODEL_LOAD_FAILED, INFERENCE_TIMEOUT, WORKER_LOST
   */
  static async start(model: ModelPackage, options: PictureRunnerOptions): Promise<PictureRunner> {
    const { workers, threadsPerWorker, maxImagePixels, timeoutMs, signal } = options;
    if (options.probeMemoryMegabytes !== undefined) {
      const untested = { ...model, manifest: { ...model.manifest, golden: [] } };
      const memoryMegabytes = options.probeMemoryMegabytes;
      const limits = { memoryMegabytes, timeoutMs, threads: threadsPerWorker, maxImagePixels };
      await runProbe(untested, limits, signal);
    }
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const pool: WorkerPool = new WorkerPool({
      name: model.manifest.name,
      setup: modelSetup(model, threadsPerWorker, maxImagePixels),
      workers,
      queueLimits: { requests: 2 * workers, bytes: Infinity },
      batchDelayMs: 0,
      timeoutMs,
      loadTimeoutMs: timeoutMs,
      onChange: (fault) => {
        if (pool.readyWorkers === workers) resolve();
        else if (fault) reject(fault);
      },
    });
    const runner = new PictureRunner(model, workers, pool);
    pool.start();
    try {
      await promise;
    } catch (error) {
      await runner.close();
      throw error;
    }
    return runner;
  }

  private constructor(model: ModelPackage, workers: number, pool: WorkerPool) {
    this.model = model;
    this.workers = workers;
    this.#pool = pool;
    this.identity = {
      name: model.manifest.name,
      version: model.manifest.version,
      sha256: model.sha256,
      variant: model.variant.name,
      executionProvider: 'cpu',
    };
  }

  /** Its workers hang inside the model, and no further one is started: nothing will be answered. */
  get isStuck(): boolean {
    return this.#pool.isStuck;
  }

  /**
   * Judges an encoded picture. `data` is moved to the worker. At most three times as many at once as
   * there are workers.
   * @throws VedetteError INFERENCE_TIMEOUT, INFERENCE_FAILED, OUTPUT_INVALID, WORKER_LOST, OVERLOADED,
   * IMAGE_…
   */
  async judge(data: Uint8Array<ArrayBuffer>, request: PictureRequest): Promise<InferenceAnswer> {
    const isWhole = data.byteLength === data.buffer.byteLength;
    const owned = isWhole ? data : new Uint8Array(data);
    const { reply, queueMs } = await this.#pool.run({
      source: 'requests',
      job: {
        ...request,
        kind: 'picture',
        image: { kind: 'encoded', data: owned },
        view: WHOLE_FRAME,
      },
      transfer: [owned.buffer],
      onUnused: () => undefined,
    });
    const answer = reply as PictureReply;
    return { ...answer, model: this.identity, timings: { queueMs, ...answer.timings } };
  }

  /**
   * @returns whether a worker is still inside ONNX Runtime: then the process must not end by itself,
   * which would abort it, but by SIGKILL
   */
  async close(): Promise<{ readonly isInsideRun: boolean }> {
    await this.#pool.close(CLOSE_MS);
    return { isInsideRun: this.#pool.isInsideRun };
  }
}

const CLOSE_MS = 4000;

/** @throws VedetteError INFERENCE_TIMEOUT when nothing further will be answered */
export function requireUsable(runner: PictureRunner): void {
  if (!runner.isStuck) return;
  throw new VedetteError(
    'INFERENCE_TIMEOUT',
    `model '${runner.identity.name}' hangs: its workers did not return from ONNX Runtime, and the rest of the pictures was not tried`,
  );
}
