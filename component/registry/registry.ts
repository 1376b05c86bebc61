import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RetentionConfig } from '../contract/config.ts';
import { VedetteError } from '../contract/errors.ts';
import type {
  CaptureQuery,
  NewResult,
  Notice,
  Page,
  RegistryModel,
  ResultQuery,
  StoredCapture,
} from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import { captureRoot } from './capture-files.ts';
import type {
  CallName,
  RegistryCalls,
  RegistryReport,
  RegistryWorkerData,
  Settlement,
  StoreStatistics,
} from './messages.ts';
import type { ProbeRecord, RegistryCamera } from './model-rows.ts';
import type { ReconcileSummary } from './reconcile-captures.ts';
import type { ResultCount } from './result-queries.ts';
import { fromStoredResult, toResultRow } from './result-row.ts';
import { RequestGate } from './request-gate.ts';
import type { RetentionSummary } from './retention-pass.ts';

const MAX_WRITES_IN_FLIGHT = 512;
const MAX_WRITES_WAITING = 4096;
const MAX_READS_IN_FLIGHT = 64;
const FIRST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 10_000;
/** A worker that lived so long was sound: the next back-off begins from the start. */
const SOUND_AFTER_MS = 60_000;

export interface RegistryOptions {
  readonly dataFolder: string;
  /** Told of what an operator should know; must not throw. */
  onNotice(notice: Notice): void;
}

export interface AppendOptions {
  /**
   * `promised`: on the disk when it resolves, whatever happens to the machine then. `stream`: in
   * the database; the last moments may be missing after a power cut, never after a crash.
   */
  readonly durability: 'promised' | 'stream';
}

export type RegistryStatistics = StoreStatistics & {
  /** Results and other writes that were asked for and are not in the database. */
  readonly pending: number;
  readonly writesInFlight: number;
  /** Writes that wait for their turn to be sent. */
  readonly writesWaiting: number;
  readonly readsInFlight: number;
  /** How often a lost worker was replaced. */
  readonly restarts: number;
};

interface Outstanding {
  readonly call: CallName;
  resolve(answer: unknown): void;
  reject(error: VedetteError): void;
}

type RegistryState = 'opening' | 'open' | 'restarting' | 'closing' | 'closed';

/**
 * The database of the device, kept by a worker of its own. Every method may reject with
 * REGISTRY_UNAVAILABLE (try again: the worker was lost or the file could not be used),
 * STORAGE_FULL (writes), OVERLOADED (too much is waiting) or SHUTTING_DOWN.
 */
export class Registry {
  readonly #options: RegistryOptions;
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #writes = new RequestGate(MAX_WRITES_IN_FLIGHT, MAX_WRITES_WAITING, 'Registry writes');
  readonly #reads = new RequestGate(MAX_READS_IN_FLIGHT, 0, 'Registry reads');
  #worker: Worker | undefined;
  #state: RegistryState = 'opening';
  #nextId = 1;
  #restarts = 0;
  #restartMs = FIRST_RESTART_MS;
  #closing: Promise<void> | undefined;
  readonly #stopped = new AbortController();

  private constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /**
   * Takes the data folder for this process and opens its database; a damaged one is set aside and
   * reported with a notice. @throws VedetteError DATA_FOLDER_LOCKED, REGISTRY_TOO_NEW,
   * REGISTRY_UNAVAILABLE, STORAGE_FULL
   */
  static async open(options: RegistryOptions): Promise<Registry> {
    const registry = new Registry(options);
    await registry.#start();
    return registry;
  }

  /** The folder that capture paths are relative to. */
  get captureFolder(): string {
    return captureRoot(this.#options.dataFolder);
  }

  /** Absolute path of a capture's picture. */
  captureFile(capture: StoredCapture): string {
    return join(this.captureFolder, capture.imagePath);
  }

  /**
   * Stores a result and returns it with its number. The same id again returns the number that it
   * has. With `stream` a full disk rejects with STORAGE_FULL and `details.isQueued`: the result
   * waits in memory and is stored when there is space.
   */
  async appendResult(result: NewResult, options: AppendOptions): Promise<InferenceResult> {
    const row = toResultRow(result);
    const isPromised = options.durability === 'promised';
    const sequence = await this.#write('appendResult', { row, isPromised });
    return sequence === null ? result : { ...result, cameraSequence: sequence };
  }

  /** Newest first by the time of capture. A page of very large results may end before `limit`. */
  async results(query: ResultQuery): Promise<Page<InferenceResult>> {
    const { items, ...rest } = await this.#read('results', query);
    return { items: items.map(fromStoredResult), ...rest };
  }

  /** @throws VedetteError NOT_FOUND */
  async result(id: string): Promise<InferenceResult> {
    const stored = await this.#read('result', id);
    if (stored === undefined) throw notFound('result', id);
    return fromStoredResult(stored);
  }

  /** Rows kept now, per camera and outcome. */
  counts(): Promise<readonly ResultCount[]> {
    return this.#read('counts', undefined);
  }

  /**
   * Registers a picture that already lies in the capture folder; waits while retention lags.
   * `diskBytes`: picture and document together, what retention counts.
   */
  appendCapture(capture: StoredCapture, diskBytes: number): Promise<void> {
    return this.#write('appendCapture', { capture, diskBytes });
  }

  captures(query: CaptureQuery): Promise<Page<StoredCapture>> {
    return this.#read('captures', query);
  }

  /** @throws VedetteError NOT_FOUND */
  async capture(id: string): Promise<StoredCapture> {
    const stored = await this.#read('capture', id);
    if (stored === undefined) throw notFound('capture', id);
    return stored;
  }

  /** Once at the start, before anything is captured: registers what a crash left without a row. */
  reconcileCaptures(): Promise<ReconcileSummary> {
    return this.#write('reconcileCaptures', undefined);
  }

  upsertModel(model: RegistryModel): Promise<void> {
    return this.#write('upsertModel', model);
  }

  models(): Promise<readonly RegistryModel[]> {
    return this.#read('models', undefined);
  }

  /** Remembers that a model file passed its first run under this version of ONNX Runtime. */
  recordProbe(probe: ProbeRecord): Promise<void> {
    return this.#write('recordProbe', probe);
  }

  /** When this very file passed its first run; nothing when it has to be tried out. */
  trustedModel(
    sha256: string,
    variant: string,
    runtimeVersion: string,
  ): Promise<{ readonly probedAtMs: number } | undefined> {
    return this.#read('trustedModel', { sha256, variant, runtimeVersion });
  }

  upsertCamera(name: string, config: string): Promise<void> {
    return this.#write('upsertCamera', { name, config });
  }

  cameras(): Promise<readonly RegistryCamera[]> {
    return this.#read('cameras', undefined);
  }

  appendNotice(notice: Notice): Promise<void> {
    return this.#write('appendNotice', notice);
  }

  /** Newest first. */
  notices(limit: number): Promise<readonly Notice[]> {
    return this.#read('notices', limit);
  }

  /** Applies limits now and keeps counts within them from now on. Ages need it again and again. */
  applyRetention(config: RetentionConfig): Promise<RetentionSummary> {
    return this.#write('applyRetention', config);
  }

  async statistics(): Promise<RegistryStatistics> {
    const store = await this.#read('statistics', undefined);
    return {
      ...store,
      pending: this.#writes.inFlight + this.#writes.waiting + store.retained,
      writesInFlight: this.#writes.inFlight,
      writesWaiting: this.#writes.waiting,
      readsInFlight: this.#reads.inFlight,
      restarts: this.#restarts,
    };
  }

  /** Refuses new calls, finishes those under way, checkpoints and closes. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const worker = this.#worker;
    this.#state = 'closing';
    this.#stopped.abort();
    if (worker !== undefined) {
      await Promise.all([this.#writes.idle(), this.#reads.idle()]);
      const exited = new Promise((resolve) => worker.once('exit', resolve));
      await this.#send('close', undefined).catch(() => undefined);
      if (this.#worker !== undefined) await exited;
    }
    this.#state = 'closed';
  }

  #write<K extends CallName>(
    call: K,
    request: RegistryCalls[K]['request'],
  ): Promise<RegistryCalls[K]['answer']> {
    return this.#refuse() ?? this.#writes.run(() => this.#send(call, request));
  }

  #read<K extends CallName>(
    call: K,
    request: RegistryCalls[K]['request'],
  ): Promise<RegistryCalls[K]['answer']> {
    return this.#refuse() ?? this.#reads.run(() => this.#send(call, request));
  }

  #refuse(): Promise<never> | undefined {
    if (this.#state === 'open') return undefined;
    const isEnding = this.#state === 'closing' || this.#state === 'closed';
    return Promise.reject(
      isEnding
        ? new VedetteError('SHUTTING_DOWN', 'The registry is closing; nothing more is stored')
        : new VedetteError('REGISTRY_UNAVAILABLE', 'The registry is starting again'),
    );
  }

  #send<K extends CallName>(
    call: K,
    request: RegistryCalls[K]['request'],
  ): Promise<RegistryCalls[K]['answer']> {
    return new Promise((resolve, reject) => {
      const worker = this.#worker;
      if (worker === undefined) return reject(lostError(call));
      const id = this.#nextId++;
      this.#outstanding.set(id, {
        call,
        resolve: (answer) => resolve(answer as RegistryCalls[K]['answer']),
        reject,
      });
      worker.postMessage({ id, call, request });
    });
  }

  #start(): Promise<void> {
    const workerData: RegistryWorkerData = { dataFolder: this.#options.dataFolder };
    const worker = new Worker(new URL('./registry-worker.ts', import.meta.url), {
      name: 'registry',
      workerData,
    });
    const startedAtMs = performance.now();
    let fault: Error | undefined;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: RegistryReport) => {
        if (message.kind === 'settled') message.settlements.forEach((one) => this.#settle(one));
        else if (message.kind === 'notice') this.#options.onNotice(message.notice);
        else if (message.kind === 'failed') reject(VedetteError.deserialize(message.error));
        else {
          this.#worker = worker;
          if (this.#closing === undefined) this.#state = 'open';
          resolve();
        }
      });
      worker.on('error', (error: Error) => {
        fault = error;
      });
      worker.on('exit', () => {
        const wasOpen = this.#worker === worker;
        reject(lostError('open', fault));
        if (wasOpen) this.#lose(fault, performance.now() - startedAtMs);
      });
    });
  }

  #settle(settlement: Settlement): void {
    const outstanding = this.#outstanding.get(settlement.id);
    if (outstanding === undefined) return;
    this.#outstanding.delete(settlement.id);
    if ('error' in settlement) outstanding.reject(VedetteError.deserialize(settlement.error));
    else outstanding.resolve(settlement.answer);
  }

  #lose(fault: Error | undefined, livedMs: number): void {
    this.#worker = undefined;
    for (const lost of this.#outstanding.values()) lost.reject(lostError(lost.call, fault));
    this.#outstanding.clear();
    if (this.#state !== 'open') return;
    this.#state = 'restarting';
    if (livedMs > SOUND_AFTER_MS) this.#restartMs = FIRST_RESTART_MS;
    const error = new VedetteError(
      'REGISTRY_UNAVAILABLE',
      `The registry's worker ended unexpectedly${fault ? `: ${fault.message}` : ''}; it is started again`,
    );
    this.#options.onNotice({ atMs: Date.now(), level: 'warn', error: error.serialize() });
    void this.#restart();
  }

  async #restart(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted && this.#worker === undefined) {
      await delay(this.#restartMs, undefined, { signal }).catch(() => undefined);
      this.#restartMs = Math.min(this.#restartMs * 2, LONGEST_RESTART_MS);
      if (signal.aborted) return;
      this.#restarts += 1;
      // A failure is in the next attempt's hands; calls meanwhile are refused as unavailable.
      await this.#start().catch(() => undefined);
    }
  }
}

function notFound(what: 'result' | 'capture', id: string): VedetteError {
  return new VedetteError(
    'NOT_FOUND',
    `There is no ${what} ${JSON.stringify(id.slice(0, 100))}; it may have been deleted by retention`,
  );
}

function lostError(call: string, cause?: unknown): VedetteError {
  return new VedetteError(
    'REGISTRY_UNAVAILABLE',
    `The registry's worker was lost before it answered ${call}; whether it was stored is unknown`,
    { cause },
  );
}
