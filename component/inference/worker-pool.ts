import { VedetteError } from '../contract/errors.ts';
import type { ModelSetup } from './model-setup.ts';
import { RequestQueue } from './request-queue.ts';
import type { Lane } from './request-queue.ts';
import { WorkerHandle } from './worker-handle.ts';
import type { WorkerJob, WorkerReply } from './worker-protocol.ts';

export interface WorkerPoolOptions {
  readonly name: string;
  readonly setup: ModelSetup;
  readonly workers: number;
  readonly queueLimit: number;
  readonly timeoutMs: number;
  /** Longest wait for a worker to load the model and warm it up. */
  readonly loadTimeoutMs: number;
  /** A worker came, went or changed; `fault` says what went wrong where something did. */
  readonly onChange: (fault?: VedetteError) => void;
}

export interface PoolRequest {
  readonly lane: Lane;
  readonly job: WorkerJob;
  readonly transfer: readonly ArrayBuffer[];
  /** Told when no worker reads the job's memory any longer: always, once, whatever became of it. */
  readonly onUnused: () => void;
}

export interface PoolReply {
  readonly reply: WorkerReply;
  readonly queueMs: number;
}

interface Waiting extends PoolRequest {
  readonly enqueuedAt: number;
  readonly resolve: (reply: PoolReply) => void;
  readonly reject: (error: VedetteError) => void;
  deadline?: NodeJS.Timeout;
  dispatchedAt?: number;
}

const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 30_000;
/** More workers that never return would fill the memory. */
const MOST_ABANDONED = 1;

/**
 * The workers of one model and what waits for them. A worker that does not answer in time is
 * abandoned, not terminated, and closed when its run returns; a replacement takes its place at once,
 * for the first one. A worker that ends is replaced after a back-off that doubles until an answer
 * succeeds.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #queue: RequestQueue<Waiting>;
  readonly #workers = new Set<WorkerHandle>();
  readonly #abandoned = new Set<WorkerHandle>();
  readonly #loadTimers = new Map<WorkerHandle, NodeJS.Timeout>();
  readonly #inFlight = new Set<Waiting>();
  #started = 0;
  #backOffMs = FIRST_BACK_OFF_MS;
  #refillTimer: NodeJS.Timeout | undefined;
  #isClosing = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#queue = new RequestQueue(options.queueLimit);
  }

  get queueDepth(): number {
    return this.#queue.length;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get readyWorkers(): number {
    return [...this.#workers].filter(({ state }) => state === 'idle' || state === 'busy').length;
  }

  /** Workers that were started after the first ones. */
  get replacements(): number {
    return Math.max(0, this.#started - this.#options.workers);
  }

  /** Too many workers never returned: nothing more is started until one does. */
  get isStuck(): boolean {
    return this.#abandoned.size > MOST_ABANDONED && this.readyWorkers === 0;
  }

  get isInsideRun(): boolean {
    return [...this.#workers, ...this.#abandoned].some((worker) => worker.isInsideRun);
  }

  start(): void {
    this.#refill();
  }

  /** @throws VedetteError OVERLOADED, INFERENCE_TIMEOUT, WORKER_LOST, SHUTTING_DOWN or the job's own */
  run(request: PoolRequest): Promise<PoolReply> {
    const { timeoutMs, queueLimit, name } = this.#options;
    if (this.#isClosing) {
      request.onUnused();
      return Promise.reject(shuttingDown(name));
    }
    if (this.#queue.isFull(request.lane)) {
      request.onUnused();
      return Promise.reject(
        new VedetteError(
          'OVERLOADED',
          `${queueLimit} requests wait for model '${name}' already, which is its limit`,
          { details: { model: name, queueLimit } },
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { ...request, enqueuedAt: performance.now(), resolve, reject };
      this.#queue.push(waiting);
      this.#dispatch();
      // Set after the timer of the run: a worker that hangs is abandoned before its caller hears of it.
      const limitMs = timeoutMs * timeoutsOf(request.job);
      waiting.deadline = setTimeout(() => this.#onDeadline(waiting, limitMs), limitMs);
    });
  }

  /**
   * Lets what was accepted end, refuses the rest and closes workers, those that still load included:
   * all within `drainMs`. What a worker is inside of then goes on there, and keeps its memory held.
   */
  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#refillTimer);
    const deadline = performance.now() + drainMs;
    if (this.#queue.length + this.#inFlight.size > 0) {
      const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
      await withTimeout(empty, drainMs - Math.min(WORKERS_END_MS, drainMs / 4));
    }
    for (const waiting of this.#queue.drain()) {
      this.#reject(waiting, shuttingDown(this.#options.name));
      waiting.onUnused();
    }
    for (const waiting of this.#inFlight) {
      this.#reject(waiting, shuttingDown(this.#options.name));
    }
    for (const timer of this.#loadTimers.values()) clearTimeout(timer);
    const ends: Promise<void>[] = [];
    for (const worker of [...this.#workers, ...this.#abandoned]) {
      const isToEnd = worker.state === 'loading' || !worker.isInsideRun;
      const ended = worker.close();
      if (isToEnd) ends.push(ended);
    }
    await withTimeout(Promise.all(ends), Math.max(0, deadline - performance.now()));
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      if (worker.state !== 'idle') continue;
      const waiting = this.#queue.shift();
      if (!waiting) return;
      void this.#runOn(worker, waiting);
    }
  }

  async #runOn(worker: WorkerHandle, waiting: Waiting): Promise<void> {
    const { timeoutMs } = this.#options;
    waiting.dispatchedAt = performance.now();
    const queueMs = waiting.dispatchedAt - waiting.enqueuedAt;
    let stuck = setTimeout(() => look(), timeoutMs);
    let { completedRuns } = worker;
    // A picture that is slow to decode is the fault of who sent it, and decoding ends by itself:
    // only a worker that is inside the model by then, and finished no run meanwhile, is taken for
    // one that hangs.
    const look = () => {
      if (worker.isInsideModel && worker.completedRuns === completedRuns) {
        this.#abandon(worker, timeoutMs);
        return;
      }
      completedRuns = worker.completedRuns;
      stuck = setTimeout(look, timeoutMs);
    };
    this.#inFlight.add(waiting);
    try {
      const reply = await worker.run(waiting.job, waiting.transfer);
      clearTimeout(waiting.deadline);
      this.#backOffMs = FIRST_BACK_OFF_MS;
      waiting.resolve({ reply, queueMs });
    } catch (error) {
      this.#reject(waiting, VedetteError.from(error));
    } finally {
      clearTimeout(stuck);
      this.#inFlight.delete(waiting);
      waiting.onUnused();
      this.#dispatch();
      if (this.#queue.length + this.#inFlight.size === 0) this.#whenEmpty?.();
    }
  }

  #onDeadline(waiting: Waiting, limitMs: number): void {
    const { name } = this.#options;
    const now = performance.now();
    const queuedMs = Math.round((waiting.dispatchedAt ?? now) - waiting.enqueuedAt);
    const runningMs = Math.round(
      waiting.dispatchedAt === undefined ? 0 : now - waiting.dispatchedAt,
    );
    if (this.#queue.remove(waiting)) waiting.onUnused();
    this.#reject(
      waiting,
      new VedetteError(
        'INFERENCE_TIMEOUT',
        `model '${name}' did not answer within ${limitMs} ms (${queuedMs} ms waiting, ${runningMs} ms running)`,
        { details: { model: name, timeoutMs: limitMs, queuedMs, runningMs } },
      ),
    );
  }

  #reject(waiting: Waiting, error: VedetteError): void {
    clearTimeout(waiting.deadline);
    waiting.reject(error);
  }

  /** Stops routing to a worker that takes too long; it ends when its run or warm-up returns. */
  #abandon(worker: WorkerHandle, limitMs: number): void {
    if (!this.#workers.delete(worker)) return;
    this.#abandoned.add(worker);
    void worker.close();
    const { name } = this.#options;
    const isReplaced = this.#abandoned.size <= MOST_ABANDONED;
    this.#refill();
    this.#options.onChange(
      new VedetteError(
        'INFERENCE_TIMEOUT',
        `a worker of model '${name}' did not return within ${limitMs} ms; ` +
          (isReplaced
            ? 'it is replaced'
            : `it is not replaced, since ${this.#abandoned.size} workers hang already`),
        { details: { model: name, timeoutMs: limitMs, abandoned: this.#abandoned.size } },
      ),
    );
  }

  #refill(): void {
    if (this.#isClosing || this.#refillTimer) return;
    while (this.#workers.size < this.#options.workers && this.#abandoned.size <= MOST_ABANDONED) {
      this.#startWorker();
    }
  }

  #refillLater(): void {
    if (this.#isClosing || this.#refillTimer) return;
    this.#refillTimer = setTimeout(() => {
      this.#refillTimer = undefined;
      this.#refill();
      this.#options.onChange();
    }, this.#backOffMs);
    this.#backOffMs = Math.min(this.#backOffMs * 2, LONGEST_BACK_OFF_MS);
  }

  #startWorker(): void {
    const { name, setup, loadTimeoutMs } = this.#options;
    this.#started += 1;
    const worker: WorkerHandle = new WorkerHandle(`${name}-${this.#started}`, setup, {
      onReady: () => {
        this.#forgetLoadTimer(worker);
        this.#options.onChange();
        this.#dispatch();
      },
      onRefused: (_, error) => {
        this.#forgetLoadTimer(worker);
        if (!this.#workers.delete(worker)) return;
        this.#refillLater();
        this.#options.onChange(error);
      },
      onExit: (_, error) => this.#onExit(worker, error),
    });
    this.#workers.add(worker);
    this.#loadTimers.set(
      worker,
      setTimeout(() => this.#abandon(worker, loadTimeoutMs), loadTimeoutMs),
    );
  }

  #onExit(worker: WorkerHandle, error: VedetteError): void {
    this.#forgetLoadTimer(worker);
    if (this.#abandoned.delete(worker)) {
      this.#refill();
      this.#options.onChange();
    } else if (this.#workers.delete(worker) && !this.#isClosing) {
      this.#refillLater();
      this.#options.onChange(error);
    }
  }

  #forgetLoadTimer(worker: WorkerHandle): void {
    clearTimeout(this.#loadTimers.get(worker));
    this.#loadTimers.delete(worker);
  }
}

const REGIONS_PER_TIMEOUT = 100;

/** How many times the time-out an answer may take. */
const timeoutsOf = (job: WorkerJob): number =>
  job.kind === 'regions' ? Math.ceil(job.views.length / REGIONS_PER_TIMEOUT) : 1;

/** The part of a drain that is kept for workers to end in. */
const WORKERS_END_MS = 500;

function shuttingDown(name: string): VedetteError {
  return new VedetteError('SHUTTING_DOWN', `model '${name}' is being closed`);
}

/** Waits for the promise, but no longer than so many milliseconds. */
async function withTimeout(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
