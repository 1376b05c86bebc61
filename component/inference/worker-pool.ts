import { VedetteError } from '../contract/errors.ts';
import type { ExecutionProvider } from '../contract/model-manifest.ts';
import type { ExecutionReport } from './execution/execution-setup.ts';
import { jobCost, mayShare, timeoutsOf } from './job-cost.ts';
import type { ModelSetup } from './model-setup.ts';
import { RequestQueue } from './request-queue.ts';
import type { Queued, QueueLimits, RequestSource } from './request-queue.ts';
import { ServiceTime } from './service-time.ts';
import { WorkerCrew } from './worker-crew.ts';
import type { WorkerHandle } from './worker-handle.ts';
import type { WorkerJob, WorkerReply } from './worker-protocol.ts';

export interface WorkerPoolOptions {
  readonly name: string;
  readonly setup: ModelSetup;
  readonly workers: number;
  readonly queueLimits: QueueLimits;
  /** How long a picture may wait for others to share its run. */
  readonly batchDelayMs: number;
  readonly timeoutMs: number;
  /** Longest wait for a worker to load the model and warm it up. */
  readonly loadTimeoutMs: number;
  /** What the model of a worker that got ready runs on, before `onChange` tells of it. */
  readonly onExecution?: (report: ExecutionReport) => void;
  /** A worker came, went or changed; `fault` says what went wrong where something did. */
  readonly onChange: (fault?: VedetteError) => void;
}

export interface PoolRequest {
  readonly source: RequestSource;
  readonly job: WorkerJob;
  readonly transfer: readonly ArrayBuffer[];
  /** Told when no worker reads the job's memory any longer: always, once, whatever became of it. */
  readonly onUnused: () => void;
}

export interface PoolReply {
  readonly reply: WorkerReply;
  /** Where the worker that answered runs its model. */
  readonly executionProvider: ExecutionProvider;
  readonly queueMs: number;
}

interface Waiting extends PoolRequest, Queued {
  readonly enqueuedAt: number;
  readonly resolve: (reply: PoolReply) => void;
  readonly reject: (error: VedetteError) => void;
  deadline?: NodeJS.Timeout;
  dispatchedAt?: number;
}

/**
 * What waits for one model, and its workers: fair among sources, within limits, and as many pictures
 * in a run as it may take.
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #queue: RequestQueue<Waiting>;
  readonly #crew: WorkerCrew;
  readonly #inFlight = new Set<Waiting>();
  readonly #serviceTime = new ServiceTime();
  #batchTimer: NodeJS.Timeout | undefined;
  #isClosing = false;
  #whenEmpty: (() => void) | undefined;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#queue = new RequestQueue(options.queueLimits);
    this.#crew = new WorkerCrew({ ...options, onIdle: () => this.#dispatch() });
  }

  get queueDepth(): number {
    return this.#queue.length;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get readyWorkers(): number {
    return this.#crew.ready;
  }

  /** Workers that were started after the first ones. */
  get replacements(): number {
    return this.#crew.replacements;
  }

  /** Too many workers never returned: nothing more is started until one does. */
  get isStuck(): boolean {
    return this.#crew.isStuck;
  }

  get isInsideRun(): boolean {
    return this.#crew.isInsideRun;
  }

  start(): void {
    this.#crew.start();
  }

  /** @throws VedetteError OVERLOADED, INFERENCE_TIMEOUT, WORKER_LOST, SHUTTING_DOWN or the job's own */
  run(request: PoolRequest): Promise<PoolReply> {
    const { timeoutMs, name } = this.#options;
    const { job, source } = request;
    const refusal = this.#isClosing
      ? shuttingDown(name)
      : (this.#overload({ source, ...sizeOf(request) }) ?? whyUnsendable(request));
    if (refusal) {
      request.onUnused();
      return Promise.reject(refusal);
    }
    return new Promise((resolve, reject) => {
      const enqueuedAt = performance.now();
      const waiting: Waiting = { ...request, ...sizeOf(request), enqueuedAt, resolve, reject };
      this.#queue.push(waiting);
      this.#dispatch();
      // Set after the timer of the run: a worker that hangs is abandoned before its caller hears of it.
      const limitMs = timeoutMs * timeoutsOf(job);
      waiting.deadline = setTimeout(() => this.#onDeadline(waiting, limitMs), limitMs);
    });
  }

  /**
   * Lets what was accepted end, refuses the rest and closes workers, those that still load included:
   * all within `drainMs`. What a worker is inside of then goes on there, and keeps its memory held.
   */
  async close(drainMs: number): Promise<void> {
    this.#isClosing = true;
    this.#crew.stopRefilling();
    // What waits for others to share its run goes without them.
    this.#dispatch();
    const deadline = performance.now() + drainMs;
    if (this.#queue.length + this.#inFlight.size > 0) {
      const empty = new Promise<void>((resolve) => (this.#whenEmpty = resolve));
      await withTimeout(empty, drainMs - Math.min(WORKERS_END_MS, drainMs / 4));
    }
    this.handBack();
    for (const waiting of this.#inFlight) {
      this.#reject(waiting, shuttingDown(this.#options.name));
    }
    await withTimeout(this.#crew.close(), Math.max(0, deadline - performance.now()));
  }

  /** Refuses what waits, with SHUTTING_DOWN; what runs goes on. */
  handBack(): void {
    for (const waiting of this.#queue.drain()) {
      this.#reject(waiting, shuttingDown(this.#options.name));
      waiting.onUnused();
    }
  }

  /** Why a request cannot wait, with the time after which there will be room. */
  #overload(size: Queued): VedetteError | undefined {
    const why = this.#queue.whyFull(size);
    if (why === undefined) return undefined;
    const { name, queueLimits } = this.#options;
    const running = [...this.#inFlight].reduce((sum, { cost }) => sum + cost, 0);
    const retryAfterMs = this.#serviceTime.untilDoneMs(
      this.#queue.cost + running,
      this.readyWorkers,
    );
    const details = { model: name, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    if (why === 'count') {
      return new VedetteError(
        'OVERLOADED',
        `${queueLimits.requests} requests wait for model '${name}' already, which is its limit`,
        { details: { ...details, queueLimit: queueLimits.requests } },
      );
    }
    return new VedetteError(
      'OVERLOADED',
      `requests that wait for model '${name}' may hold ${queueLimits.bytes} bytes together, and ${size.heldBytes} more do not fit`,
      { details: { ...details, queueBytes: queueLimits.bytes } },
    );
  }

  #dispatch(): void {
    for (let worker = this.#crew.idle; worker; worker = this.#crew.idle) {
      if (this.#queue.length === 0 || this.#waitsForMore()) return;
      const batch = this.#takeBatch().filter((waiting) => this.#isSendable(waiting));
      if (batch.length > 0) void this.#runOn(worker, batch);
    }
  }

  /** Whether the next run is better started later, with more pictures; `#dispatch` follows then. */
  #waitsForMore(): boolean {
    const { batchDelayMs, setup } = this.#options;
    clearTimeout(this.#batchTimer);
    const isFull = this.#queue.cost >= setup.batch.size;
    if (this.#isClosing || isFull || !mayShare(this.#queue.peek()!.job)) return false;
    const oldest = this.#queue.firsts().reduce((a, b) => (b.enqueuedAt < a.enqueuedAt ? b : a));
    const restMs = oldest.enqueuedAt + batchDelayMs - performance.now();
    if (restMs <= 0) return false;
    this.#batchTimer = setTimeout(() => this.#dispatch(), restMs);
    return true;
  }

  #isSendable(waiting: Waiting): boolean {
    const refusal = whyUnsendable(waiting);
    if (!refusal) return true;
    this.#reject(waiting, refusal);
    waiting.onUnused();
    return false;
  }

  /** The next job, and as many behind it as fit into its run. */
  #takeBatch(): Waiting[] {
    const first = this.#queue.shift()!;
    const batch = [first];
    if (!mayShare(first.job)) return batch;
    let free = this.#options.setup.batch.size - first.cost;
    for (let next = this.#queue.peek(); next && mayShare(next.job) && next.cost <= free;) {
      batch.push(this.#queue.shift()!);
      free -= next.cost;
      next = this.#queue.peek();
    }
    return batch;
  }

  async #runOn(worker: WorkerHandle, batch: readonly Waiting[]): Promise<void> {
    const dispatchedAt = performance.now();
    for (const waiting of batch) {
      waiting.dispatchedAt = dispatchedAt;
      this.#inFlight.add(waiting);
    }
    const stopWatching = this.#watch(worker);
    try {
      const transfer = batch.flatMap((waiting) => waiting.transfer);
      const jobs = batch.map(({ job }) => job);
      const answers = await worker.run(jobs, [...new Set(transfer)]);
      const pictures = batch.reduce((sum, { cost }) => sum + cost, 0);
      this.#serviceTime.record(performance.now() - dispatchedAt, pictures);
      const executionProvider = worker.execution?.provider ?? 'cpu';
      batch.forEach((waiting, index) => this.#answer(waiting, answers[index]!, executionProvider));
    } catch (error) {
      for (const waiting of batch) this.#reject(waiting, VedetteError.from(error));
    } finally {
      stopWatching();
      for (const waiting of batch) {
        this.#inFlight.delete(waiting);
        waiting.onUnused();
      }
      this.#dispatch();
      if (this.#queue.length + this.#inFlight.size === 0) this.#whenEmpty?.();
    }
  }

  #answer(
    waiting: Waiting,
    answer: WorkerReply | VedetteError,
    executionProvider: ExecutionProvider,
  ): void {
    if (answer instanceof VedetteError) {
      this.#reject(waiting, answer);
      return;
    }
    clearTimeout(waiting.deadline);
    this.#crew.praise();
    const queueMs = waiting.dispatchedAt! - waiting.enqueuedAt;
    waiting.resolve({ reply: answer, executionProvider, queueMs });
  }

  /**
   * A picture that is slow to decode is the fault of who sent it, and decoding ends by itself: only a
   * worker that is inside the model by then, and finished no run meanwhile, is taken for one that
   * hangs.
   */
  #watch(worker: WorkerHandle): () => void {
    const { timeoutMs } = this.#options;
    let { completedRuns } = worker;
    const look = () => {
      if (worker.isInsideModel && worker.completedRuns === completedRuns) {
        this.#crew.abandon(worker, timeoutMs);
        return;
      }
      completedRuns = worker.completedRuns;
      stuck = setTimeout(look, timeoutMs);
    };
    let stuck = setTimeout(look, timeoutMs);
    return () => clearTimeout(stuck);
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
}

function sizeOf({ job, transfer }: PoolRequest): Pick<Queued, 'cost' | 'heldBytes'> {
  const heldBytes = transfer.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return { cost: jobCost(job), heldBytes };
}

/** Memory that was moved away already would take the other pictures of its run along. */
function whyUnsendable({ transfer }: PoolRequest): VedetteError | undefined {
  if (!transfer.some(({ detached }) => detached)) return undefined;
  return new VedetteError('REQUEST_INVALID', 'the bytes of the request were moved away already');
}

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
