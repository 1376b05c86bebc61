import { VedetteError } from '../contract/errors.ts';
import type { ExecutionReport } from './execution/execution-setup.ts';
import type { ModelSetup } from './model-setup.ts';
import { WorkerHandle } from './worker-handle.ts';

export interface WorkerCrewOptions {
  readonly name: string;
  readonly setup: ModelSetup;
  readonly workers: number;
  /** Longest wait for a worker to load the model and warm it up. */
  readonly loadTimeoutMs: number;
  /** A worker came, went or changed; `fault` says what went wrong where something did. */
  readonly onChange: (fault?: VedetteError) => void;
  /** What the model of a worker that got ready runs on, before `onChange` tells of it. */
  readonly onExecution?: ((report: ExecutionReport) => void) | undefined;
  /** A worker is ready for its first job. */
  readonly onIdle: () => void;
}

const FIRST_BACK_OFF_MS = 100;
const LONGEST_BACK_OFF_MS = 30_000;
/** More workers that never return would fill the memory. */
const MOST_ABANDONED = 1;

/**
 * The worker threads of one model: as many as are wanted. One that does not answer in time is
 * abandoned, not terminated, and closed when its run returns; a replacement takes its place at once,
 * for the first one. A worker that ends is replaced after a back-off that doubles until an answer
 * succeeds.
 */
export class WorkerCrew {
  readonly #options: WorkerCrewOptions;
  readonly #workers = new Set<WorkerHandle>();
  readonly #abandoned = new Set<WorkerHandle>();
  readonly #loadTimers = new Map<WorkerHandle, NodeJS.Timeout>();
  #started = 0;
  #backOffMs = FIRST_BACK_OFF_MS;
  #refillTimer: NodeJS.Timeout | undefined;
  #isClosing = false;

  constructor(options: WorkerCrewOptions) {
    this.#options = options;
  }

  get idle(): WorkerHandle | undefined {
    return [...this.#workers].find(({ state }) => state === 'idle');
  }

  get ready(): number {
    return [...this.#workers].filter(({ state }) => state === 'idle' || state === 'busy').length;
  }

  /** Workers that were started after the first ones. */
  get replacements(): number {
    return Math.max(0, this.#started - this.#options.workers);
  }

  /** Too many workers never returned: nothing more is started until one does. */
  get isStuck(): boolean {
    return this.#abandoned.size > MOST_ABANDONED && this.ready === 0;
  }

  get isInsideRun(): boolean {
    return [...this.#workers, ...this.#abandoned].some((worker) => worker.isInsideRun);
  }

  start(): void {
    this.#refill();
  }

  /** An answer succeeded: the next worker that ends is replaced soon. */
  praise(): void {
    this.#backOffMs = FIRST_BACK_OFF_MS;
  }

  /** No worker is started any more. */
  stopRefilling(): void {
    this.#isClosing = true;
    clearTimeout(this.#refillTimer);
  }

  /** Tells all workers to end. Resolves when those have that are not inside of the model. */
  async close(): Promise<void> {
    this.stopRefilling();
    for (const timer of this.#loadTimers.values()) clearTimeout(timer);
    const ends: Promise<void>[] = [];
    for (const worker of [...this.#workers, ...this.#abandoned]) {
      const isToEnd = worker.state === 'loading' || !worker.isInsideRun;
      const ended = worker.close();
      if (isToEnd) ends.push(ended);
    }
    await Promise.all(ends);
  }

  /** Stops routing to a worker that takes too long; it ends when its run or warm-up returns. */
  abandon(worker: WorkerHandle, limitMs: number): void {
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
        if (worker.execution) this.#options.onExecution?.(worker.execution);
        this.#options.onChange();
        this.#options.onIdle();
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
      setTimeout(() => this.abandon(worker, loadTimeoutMs), loadTimeoutMs),
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
