import { Worker } from 'node:worker_threads';
import { VedetteError } from '../contract/errors.ts';
import { WORKER_MEMORY } from '../contract/worker-memory.ts';
import { childEnvironment } from './child-environment.ts';
import { entryFile } from '../contract/entry-file.ts';
import './execution/no-telemetry.ts';
import type { ExecutionReport } from './execution/execution-setup.ts';
import type { ModelSetup } from './model-setup.ts';
import { RunMark } from './run-mark.ts';
import type {
  FromWorker,
  ModelWorkerData,
  ToWorker,
  WorkerJob,
  WorkerReply,
} from './worker-protocol.ts';

export interface WorkerEvents {
  onReady(worker: WorkerHandle): void;
  /** The model could not be loaded in it; it ends by itself. */
  onRefused(worker: WorkerHandle, error: VedetteError): void;
  /** It ended, wanted or not. Running jobs have been rejected with WORKER_LOST before. */
  onExit(worker: WorkerHandle, error: VedetteError): void;
}

export type WorkerHandleState = 'loading' | 'idle' | 'busy' | 'closing' | 'ended';

interface RunningJobs {
  readonly id: number;
  readonly resolve: (answers: (WorkerReply | VedetteError)[]) => void;
  readonly reject: (error: VedetteError) => void;
}

/**
 * One model worker as the main thread sees it. It is never terminated: that would abort the process
 * while ONNX Runtime runs. It ends when it is told to and its run has returned.
 */
export class WorkerHandle {
  readonly #worker: Worker;
  readonly #events: WorkerEvents;
  readonly #exited: Promise<void>;
  readonly #mark = RunMark.create();
  #state: WorkerHandleState = 'loading';
  #isLoading = true;
  #running: RunningJobs | undefined;
  #fault: unknown;
  #execution: ExecutionReport | undefined;
  #lastId = 0;

  constructor(name: string, setup: ModelSetup, events: WorkerEvents) {
    this.#events = events;
    const workerData: ModelWorkerData = { setup, mark: this.#mark.memory };
    this.#worker = new Worker(entryFile('model-worker', import.meta.url), {
      name,
      workerData,
      execArgv: [],
      env: childEnvironment(),
      resourceLimits: WORKER_MEMORY,
    });
    this.#worker.on('message', (message: FromWorker) => this.#receive(message));
    this.#worker.on('messageerror', (error) => (this.#fault = error));
    this.#worker.on('error', (error) => (this.#fault = error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        this.#end(code);
        resolve();
      });
    });
  }

  /** What its model runs on; once it was ready. */
  get execution(): ExecutionReport | undefined {
    return this.#execution;
  }

  get state(): WorkerHandleState {
    return this.#state;
  }

  /** Whether it is inside ONNX Runtime or on the way there. */
  get isInsideRun(): boolean {
    return this.#isLoading || this.#running !== undefined;
  }

  /** Whether its job is inside ONNX Runtime just now, rather than before or behind it. */
  get isInsideModel(): boolean {
    return this.#mark.isSet;
  }

  /** Runs of the model that returned: a job of many regions that goes on is none that hangs. */
  get completedRuns(): number {
    return this.#mark.completedRuns;
  }

  /**
   * Only when idle. One job, or several pictures that share runs.
   * @returns for each job its answer or its error
   * @throws VedetteError WORKER_LOST, REQUEST_INVALID when the jobs cannot be sent
   */
  run(
    jobs: readonly WorkerJob[],
    transfer: readonly ArrayBuffer[],
  ): Promise<(WorkerReply | VedetteError)[]> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#running = { id, resolve, reject };
      this.#state = 'busy';
      try {
        this.#post({ kind: 'jobs', id, jobs }, transfer);
      } catch (error) {
        this.#running = undefined;
        this.#state = 'idle';
        reject(VedetteError.from(error, 'REQUEST_INVALID'));
      }
    });
  }

  /** Ends it as soon as it is idle. Resolves when it has ended. */
  close(): Promise<void> {
    if (this.#state === 'idle') this.#post({ kind: 'close' }, []);
    if (this.#state !== 'ended') this.#state = 'closing';
    return this.#exited;
  }

  #post(message: ToWorker, transfer: readonly ArrayBuffer[]): void {
    this.#worker.postMessage(message, transfer as ArrayBuffer[]);
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'ready') {
      this.#isLoading = false;
      this.#execution = message.execution;
      if (this.#becomeIdle()) this.#events.onReady(this);
      return;
    }
    if (message.kind === 'refused') {
      this.#isLoading = false;
      this.#state = 'closing';
      this.#events.onRefused(this, VedetteError.deserialize(message.error));
      return;
    }
    const running = this.#running;
    if (running?.id !== message.id) return;
    this.#running = undefined;
    this.#becomeIdle();
    running.resolve(
      message.answers.map((answer) =>
        'reply' in answer ? answer.reply : VedetteError.deserialize(answer.error),
      ),
    );
  }

  #becomeIdle(): boolean {
    if (this.#state === 'closing') {
      this.#post({ kind: 'close' }, []);
      return false;
    }
    this.#state = 'idle';
    return true;
  }

  #end(code: number): void {
    this.#state = 'ended';
    this.#isLoading = false;
    const cause = this.#fault;
    const why = cause instanceof Error ? cause.message : `exit code ${code}`;
    const error = new VedetteError('WORKER_LOST', `the worker of the model ended: ${why}`, {
      cause,
      details: { exitCode: code },
    });
    this.#running?.reject(error);
    this.#running = undefined;
    this.#events.onExit(this, error);
  }
}
