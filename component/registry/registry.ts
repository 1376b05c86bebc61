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
import type {
  Acknowledgement,
  BatchPlan,
  LedgerManifest,
  OutboxState,
  OutboxStatistics,
  StoredBatch,
  TakeAnswer,
  TakeRequest,
} from '../contract/delivery.ts';
import type { WaitingCapture } from './capture-uploads.ts';
import type { BatchLines } from './outbox/ledger-rows.ts';
import type { OutputRecord } from '../contract/output.ts';
import type { TransactionEnding, TransactionRecord } from '../contract/transaction.ts';
import type { Counters } from './counter-rows.ts';
import type { ModelChangeRecord, RememberedModel } from '../contract/model-lifecycle.ts';
import type {
  LabelAnswer,
  LabelQuestion,
  RecentOutcome,
  RecentQuestion,
  ShadowQuery,
  ShadowResult,
  VerdictLabel,
} from '../contract/verdict-comparison.ts';
import type { CallName, RegistryCalls, StoreStatistics } from './messages.ts';
import type { ProbeRecord } from './model-rows.ts';
import type { ReconcileSummary } from './reconcile-captures.ts';
import { fromStoredResult, toResultRow } from './result-row.ts';
import { RequestGate } from './request-gate.ts';
import type { RetentionSummary } from './retention-pass.ts';
import type { RegistryOptions } from './worker-link.ts';
import { WorkerLink } from './worker-link.ts';

export type { RegistryOptions };

const MAX_WRITES_IN_FLIGHT = 512;
const MAX_WRITES_WAITING = 4096;
const MAX_READS_IN_FLIGHT = 64;

export interface AppendOptions {
  /**
   * `promised`: on the disk when it resolves, whatever happens to the machine then. `stream`: in
   * the database; the last moments may be missing after a power cut, never after a crash. `gathered`:
   * the same, up to a quarter of a second later, in one commit with others; for what nothing waits for.
   */
  readonly durability: 'promised' | 'stream' | 'gathered';
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

/**
 * The database of the device, kept by a worker of its own. Every method may reject with
 * REGISTRY_UNAVAILABLE (try again: the worker was lost or the file could not be used),
 * STORAGE_FULL (writes), OVERLOADED (too much is waiting) or SHUTTING_DOWN.
 */
export class Registry {
  readonly #link: WorkerLink;
  readonly #writes = new RequestGate(MAX_WRITES_IN_FLIGHT, MAX_WRITES_WAITING, 'Registry writes');
  readonly #reads = new RequestGate(MAX_READS_IN_FLIGHT, 0, 'Registry reads');
  #closing: Promise<void> | undefined;

  private constructor(options: RegistryOptions) {
    this.#link = new WorkerLink(options);
  }

  /**
   * Takes the data folder for this process and opens its database; a damaged one is set aside and
   * reported with a notice. @throws VedetteError DATA_FOLDER_LOCKED, REGISTRY_TOO_NEW,
   * REGISTRY_UNAVAILABLE, STORAGE_FULL
   */
  static async open(options: RegistryOptions): Promise<Registry> {
    const registry = new Registry(options);
    await registry.#link.start();
    return registry;
  }

  /**
   * Stores a result and returns it with its number. The same id again returns the number that it
   * has. With `stream` a full disk rejects with STORAGE_FULL and `details.isQueued`: the result
   * waits in memory and is stored when there is space.
   */
  async appendResult(result: NewResult, options: AppendOptions): Promise<InferenceResult> {
    const row = toResultRow(result);
    const isPromised = options.durability === 'promised';
    const mayWait = options.durability === 'gathered';
    const sequence = await this.#write('appendResult', { row, isPromised, mayWait });
    return sequence === null ? result : { ...result, cameraSequence: sequence };
  }

  /** Newest first by the time of capture. A page ends before `limit` at about 125,000 characters. */
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

  /**
   * Once at the start: registers what a crash left without a row, in small steps between all other
   * requests. Closing ends it; then it is taken up again at the next start.
   */
  reconcileCaptures(): Promise<ReconcileSummary> {
    return this.#write('reconcileCaptures', undefined);
  }

  upsertModel(model: RegistryModel): Promise<void> {
    return this.#write('upsertModel', model);
  }

  /** Remembers that a model package passed its first run under this version of ONNX Runtime. */
  recordProbe(probe: ProbeRecord): Promise<void> {
    return this.#write('recordProbe', probe);
  }

  /** Whether this very package passed its first run, or has to be tried out. */
  hasPassedProbe(fingerprint: string, runtimeVersion?: string): Promise<boolean> {
    return this.#read('hasPassedProbe', { fingerprint, runtimeVersion });
  }

  /** Which version of a model runs; on the disk when it resolves. */
  rememberModel(model: string, remembered: RememberedModel): Promise<void> {
    return this.#write('rememberModel', { model, remembered });
  }

  recallModel(model: string): Promise<RememberedModel | undefined> {
    return this.#read('recallModel', model);
  }

  appendModelChange(change: ModelChangeRecord): Promise<void> {
    return this.#write('appendModelChange', change);
  }

  /** Newest first. */
  modelChanges(model: string, limit: number): Promise<readonly ModelChangeRecord[]> {
    return this.#read('modelChanges', { model, limit });
  }

  /** @returns false when the result that it belongs to is not stored */
  appendShadow(shadow: ShadowResult): Promise<boolean> {
    return this.#write('appendShadow', shadow);
  }

  shadows(query: ShadowQuery): Promise<readonly ShadowResult[]> {
    return this.#read('shadows', query);
  }

  /** What a person says of a result; on the disk when it resolves. @throws VedetteError NOT_FOUND */
  async labelResult(label: VerdictLabel): Promise<void> {
    if (!(await this.#write('labelResult', label))) throw notFound('result', label.resultId);
  }

  labelFigures(question: LabelQuestion): Promise<LabelAnswer> {
    return this.#read('labelFigures', question);
  }

  /** Newest results of one version on a camera. */
  recentOutcomes(question: RecentQuestion): Promise<readonly RecentOutcome[]> {
    return this.#read('recentOutcomes', question);
  }

  upsertCamera(name: string, config: string): Promise<void> {
    return this.#write('upsertCamera', { name, config });
  }

  /** Numbers of a camera that outlive the process, by name; never told before are absent. */
  counters(camera: string): Promise<Counters> {
    return this.#read('counters', camera);
  }

  /** Raises counters to these values; none goes back. */
  raiseCounters(camera: string, counters: Counters): Promise<void> {
    return this.#write('raiseCounters', { camera, counters });
  }

  /** A trigger is open: it ends in the registry from now on, whatever happens to the process. */
  openTransaction(record: TransactionRecord, isPromised: boolean): Promise<void> {
    return this.#write('openTransaction', { record, isPromised });
  }

  /** The first end of a transaction holds. */
  endTransaction(ending: TransactionEnding): Promise<void> {
    return this.#write('endTransaction', ending);
  }

  /** Those without an end, oldest first. */
  openTransactions(limit: number): Promise<readonly TransactionRecord[]> {
    return this.#read('openTransactions', limit);
  }

  /** Of one camera or of all, newest first. */
  transactions(camera: string | undefined, limit: number): Promise<readonly TransactionRecord[]> {
    return this.#read('transactions', { camera, limit });
  }

  /** Of all cameras, newest first: what a repeated id may ask for again. Without contexts. */
  repeatableTransactions(limit: number): Promise<readonly TransactionRecord[]> {
    return this.#read('repeatableTransactions', limit);
  }

  /** @throws VedetteError NOT_FOUND */
  async transaction(id: string): Promise<TransactionRecord> {
    const record = await this.#read('transaction', id);
    if (record === undefined) throw notFound('transaction', id);
    return record;
  }

  appendOutput(record: OutputRecord): Promise<void> {
    return this.#write('appendOutput', record);
  }

  /** What outputs were told of one result, or of all, newest first. */
  outputRecords(resultId: string | undefined, limit: number): Promise<readonly OutputRecord[]> {
    return this.#read('outputRecords', { resultId, limit });
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

  outboxState(): Promise<OutboxState> {
    return this.#read('outboxState', undefined);
  }

  /** Messages that are on the disk, so that they may leave. */
  takeMessages(request: TakeRequest): Promise<TakeAnswer> {
    return this.#write('takeMessages', request);
  }

  /** These were sent, or were too old, and will not be sent again. */
  settleMessages(
    sent: readonly { readonly stream: number; readonly through: number }[],
    expired: TakeAnswer['expired'] = [],
  ): Promise<void> {
    return this.#write('settleMessages', { sent, expired });
  }

  acknowledgeMessages(acknowledgement: Acknowledgement): Promise<void> {
    return this.#write('acknowledgeMessages', acknowledgement);
  }

  /** The batch of the ledger to store next; one that was begun before is given again. */
  planBatch(maxBytes: number, isDue: boolean): Promise<BatchPlan | undefined> {
    return this.#write('planBatch', { maxBytes, isDue });
  }

  batchLines(plan: BatchPlan, after: number): Promise<BatchLines> {
    return this.#read('batchLines', { plan, after });
  }

  /** A batch lies in the store; `undefined`: there was nothing left of it. */
  completeBatch(plan: BatchPlan, stored: StoredBatch | undefined): Promise<void> {
    return this.#write('completeBatch', { plan, stored });
  }

  ledgerManifest(): Promise<LedgerManifest | undefined> {
    return this.#read('ledgerManifest', undefined);
  }

  nextCaptureUpload(after: number): Promise<WaitingCapture | undefined> {
    return this.#read('nextCaptureUpload', after);
  }

  /** @param givenUp why it can never be uploaded; it was when absent */
  endCaptureUpload(key: number, givenUp?: string): Promise<void> {
    return this.#write('endCaptureUpload', { key, givenUp });
  }

  outboxStatistics(): Promise<OutboxStatistics> {
    return this.#read('outboxStatistics', undefined);
  }

  async statistics(): Promise<RegistryStatistics> {
    const store = await this.#read('statistics', undefined);
    return {
      ...store,
      pending: this.#writes.inFlight + this.#writes.waiting + store.retained,
      writesInFlight: this.#writes.inFlight,
      writesWaiting: this.#writes.waiting,
      readsInFlight: this.#reads.inFlight,
      restarts: this.#link.restarts,
    };
  }

  /** Refuses new calls, finishes those under way, checkpoints and closes. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#link.refuse();
    this.#link.send('stopReconciling', undefined).catch(() => undefined);
    await Promise.all([this.#writes.idle(), this.#reads.idle()]);
    await this.#link.close();
  }

  #write<K extends CallName>(
    call: K,
    request: RegistryCalls[K]['request'],
  ): Promise<RegistryCalls[K]['answer']> {
    return this.#link.refusal() ?? this.#writes.run(() => this.#link.send(call, request));
  }

  #read<K extends CallName>(
    call: K,
    request: RegistryCalls[K]['request'],
  ): Promise<RegistryCalls[K]['answer']> {
    return this.#link.refusal() ?? this.#reads.run(() => this.#link.send(call, request));
  }
}

function notFound(what: 'result' | 'capture' | 'transaction', id: string): VedetteError {
  return new VedetteError(
    'NOT_FOUND',
    `There is no ${what} ${JSON.stringify(id.slice(0, 100))}; it may have been deleted by retention`,
  );
}
