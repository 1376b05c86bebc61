import { statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import type { RetentionConfig } from '../contract/config.ts';
import { DEVICE, LANES } from '../contract/delivery.ts';
import type { OutboxSettings } from '../contract/delivery.ts';
import { VedetteError } from '../contract/errors.ts';
import type { ModelChangeRecord } from '../contract/model-lifecycle.ts';
import type { Notice, RegistryModel, StoredCapture } from '../contract/ports.ts';
import { captureRoot, resolveCapture } from './capture-files.ts';
import { CaptureRows } from './capture-rows.ts';
import { CaptureUploads } from './capture-uploads.ts';
import { CounterRows, type Counters } from './counter-rows.ts';
import { FolderLock } from './folder-lock.ts';
import type { StoreStatistics } from './messages.ts';
import type { ProbeRecord } from './model-rows.ts';
import { CameraRows, ModelRows } from './model-rows.ts';
import { ModelVersionRows } from './model-version-rows.ts';
import { NoticeRows } from './notice-rows.ts';
import type { OpenedDatabase } from './open-database.ts';
import { markSuspect, openDatabase } from './open-database.ts';
import { Outbox } from './outbox/outbox.ts';
import type { FoundCapture, ReconcileSummary } from './reconcile-captures.ts';
import { newestSequences, reconcileCaptures } from './reconcile-captures.ts';
import type { Salvage } from './set-aside.ts';
import { ResultQueries } from './result-queries.ts';
import { toResultRow } from './result-row.ts';
import { ResultRows } from './result-rows.ts';
import { ResultWriter } from './result-writer.ts';
import type { RetentionSummary } from './retention-pass.ts';
import { RetentionPass } from './retention-pass.ts';
import { isCorruption } from './sqlite-fault.ts';
import { noticeOf, StoreReports } from './store-reports.ts';
import { OutputRows } from './output-rows.ts';
import { TransactionRows } from './transaction-rows.ts';
import { VerdictComparisonRows } from './verdict-comparison-rows.ts';

export interface StoreEvents {
  /** What is to be delivered; nothing when absent. */
  readonly outbox?: OutboxSettings | undefined;
  /** Something waits in the outbox that did not before. */
  onOutbox?(): void;
  onNotice(notice: Notice): void;
  /** The file proved to be damaged: the store must be closed and opened again. */
  onCorruption(): void;
}

/** The database of a data folder, opened exclusively: everything that happens in the worker. */
export class RegistryStore {
  readonly db: Database;
  readonly results: ResultQueries;
  readonly writer: ResultWriter;
  readonly captures: CaptureRows;
  readonly outbox: Outbox;
  readonly uploads: CaptureUploads;
  readonly models: ModelRows;
  readonly versions: ModelVersionRows;
  readonly comparisons: VerdictComparisonRows;
  readonly cameras: CameraRows;
  readonly counters: CounterRows;
  readonly transactions: TransactionRows;
  readonly outputs: OutputRows;
  readonly notices: NoticeRows;
  readonly #dataFolder: string;
  readonly #events: StoreEvents;
  readonly #lock: FolderLock;
  readonly #rows: ResultRows;
  readonly #retention: RetentionPass;
  readonly #reports: StoreReports;
  #reconciling: Promise<ReconcileSummary> | undefined;
  #isReconcilingStopped = false;
  #removing = false;
  #isClosed = false;

  private constructor(
    dataFolder: string,
    events: StoreEvents,
    lock: FolderLock,
    { db }: OpenedDatabase,
  ) {
    this.#dataFolder = dataFolder;
    this.#events = events;
    this.#lock = lock;
    this.db = db;
    this.results = new ResultQueries(db);
    this.captures = new CaptureRows(db);
    this.uploads = new CaptureUploads(db);
    this.#reports = new StoreReports((notice) => this.#tell(notice));
    this.outbox = new Outbox({
      db,
      settings: events.outbox,
      onAdded: () => this.#events.onOutbox?.(),
      onGivenUp: (messages) => this.#reports.givenUp(messages, 'messages'),
      onCaptureGivenUp: (reason) => this.#reports.captureGivenUp(reason),
    });
    this.models = new ModelRows(db);
    this.versions = new ModelVersionRows(db);
    this.comparisons = new VerdictComparisonRows(db);
    this.cameras = new CameraRows(db);
    this.counters = new CounterRows(db);
    this.transactions = new TransactionRows(db);
    this.outputs = new OutputRows(db);
    this.notices = new NoticeRows(db);
    this.#rows = new ResultRows(db);
    this.#retention = new RetentionPass({
      db,
      results: this.#rows,
      transactions: this.transactions,
      outputs: this.outputs,
      captures: this.captures,
      root: captureRoot(dataFolder),
      uploads: this.uploads,
      onUploadsLost: (captures) => {
        this.outbox.countGivenUpCaptures(captures);
        this.#reports.givenUp(captures, 'captures');
      },
      onFault: (thrown, file) => this.#reports.undeletable(thrown, file),
    });
    this.writer = new ResultWriter({
      db,
      rows: this.#rows,
      outbox: this.outbox,
      folder: dataFolder,
      trim: (insertedRows) => this.#retention.trimResults(insertedRows),
      onStorageChange: (change) => this.#reports.storage(change),
      onCorruption: () => this.reportCorruption(),
    });
  }

  /** @throws VedetteError DATA_FOLDER_LOCKED, REGISTRY_TOO_NEW; errors of SQLite as they come */
  static open(dataFolder: string, events: StoreEvents): RegistryStore {
    const lock = FolderLock.acquire(dataFolder);
    try {
      const opened = openDatabase(dataFolder);
      const store = new RegistryStore(dataFolder, events, lock, opened);
      if (opened.begins) store.#begin(opened.begins.salvage);
      for (const notice of opened.notices) store.#tell(notice);
      return store;
    } catch (thrown) {
      lock.close();
      throw thrown;
    }
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Runs `write` so that it is on the disk when this returns. */
  promised<T>(write: () => T): T {
    return this.written(true, write);
  }

  /** Runs `write`; without `isPromised` a power cut may undo it, a crash does not. */
  written<T>(isPromised: boolean, write: () => T): T {
    this.db.pragma(`synchronous = ${isPromised ? 'FULL' : 'NORMAL'}`);
    return write();
  }

  async appendCapture(capture: StoredCapture, diskBytes: number): Promise<void> {
    resolveCapture(captureRoot(this.#dataFolder), capture.imagePath);
    const append = this.db.transaction(() => {
      this.captures.append(capture, diskBytes, Date.now());
      if (this.#events.outbox?.uploadsCaptures) this.uploads.add(capture.id);
    });
    this.promised(() => append.immediate());
    try {
      await this.#retention.makeRoom();
    } catch (thrown) {
      // The capture is stored; the room is made by the next round of retention.
      if (isCorruption(thrown)) this.reportCorruption();
    }
  }

  upsertModel(model: RegistryModel): void {
    this.promised(() => this.models.upsert(model, Date.now()));
  }

  recordProbe(probe: ProbeRecord): void {
    this.promised(() => this.models.recordProbe(probe));
  }

  upsertCamera(name: string, config: string): void {
    this.promised(() => this.cameras.upsert(name, config, Date.now()));
  }

  appendModelChange(change: ModelChangeRecord): void {
    const tell = this.db.transaction(() => {
      this.versions.appendChange(change);
      return this.outbox.addEvent(DEVICE, 'model-change', LANES.bulk, change);
    });
    this.promised(() => tell.immediate())();
  }

  appendNotice(notice: Notice): void {
    const { atMs, level, error } = notice;
    const { code, message } = error;
    const tell = this.db.transaction(() => {
      this.notices.append(notice);
      const lane = level === 'error' ? LANES.alarm : LANES.bulk;
      const content = { at: new Date(atMs).toISOString(), level, code, message };
      return this.outbox.addEvent(DEVICE, 'notice', lane, content);
    });
    tell.immediate()();
  }

  /** Removes what was delivered, in small steps between everything else. */
  removeDelivered(): void {
    if (this.#removing) return;
    this.#removing = true;
    void (async () => {
      try {
        while (!this.#isClosed && this.outbox.removeDelivered()) await nextTurn();
      } catch (thrown) {
        // The next delivery tries again; only damage must be told.
        if (isCorruption(thrown)) this.reportCorruption();
      } finally {
        this.#removing = false;
      }
    })();
  }

  raiseCounters(camera: string, counters: Counters): void {
    this.db.pragma('synchronous = NORMAL');
    this.counters.raise(camera, counters);
  }

  applyRetention(config: RetentionConfig): Promise<RetentionSummary> {
    return this.#retention.apply(config);
  }

  /** See `reconcileCaptures`; in a new database the results beside the pictures come back too. */
  reconcileCaptures(): Promise<ReconcileSummary> {
    this.#reconciling ??= this.#reconcile();
    return this.#reconciling;
  }

  /** Has a reconciliation under way end after the file it is at; the next start takes it up again. */
  stopReconciling(): void {
    this.#isReconcilingStopped = true;
  }

  statistics(): StoreStatistics {
    const { rows: captures, bytes: captureBytes } = this.captures.totals();
    const pages = Number(this.db.pragma('page_count', { simple: true }));
    const pageBytes = Number(this.db.pragma('page_size', { simple: true }));
    return {
      results: this.#rows.count(),
      captures,
      captureBytes,
      databaseBytes: pages * pageBytes,
      walBytes: statSync(`${this.db.name}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      ...this.writer.statistics,
    };
  }

  reportCorruption(): void {
    if (this.#isClosed) return;
    markSuspect(this.#dataFolder);
    this.#events.onCorruption();
  }

  /** Drains, checkpoints and closes. What a full disk refuses even now is given up and reported. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.stopReconciling();
    await this.#retention.close();
    await this.#reconciling?.catch(() => undefined);
    const givenUp = this.writer.close();
    this.outbox.close();
    if (givenUp > 0) {
      const message = `${givenUp} results could not be stored before the end: no space left in ${this.#dataFolder}`;
      this.#events.onNotice(noticeOf(new VedetteError('STORAGE_FULL', message)));
    }
    try {
      this.db.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // The log stays and is played back at the next start; nothing is lost.
    }
    this.db.close();
    this.#lock.close();
  }

  /** The first transaction of a new database. */
  #begin(salvage: Salvage): void {
    const root = captureRoot(this.#dataFolder);
    this.db
      .transaction(() => {
        const setMeta = this.db.prepare('INSERT INTO meta VALUES (?, ?)');
        setMeta.run('begun_at_ms', String(Date.now()));
        setMeta.run('restores_results', '1');
        for (const model of salvage.models) this.models.upsert(model, Date.now());
        for (const { name, config, lastSequence } of salvage.cameras) {
          this.#rows.raiseSequence(name, lastSequence);
          if (config !== null) this.cameras.upsert(name, config, Date.now());
        }
        const setMessages = this.db.prepare(
          'INSERT INTO outbox_cameras (camera, last_sequence) VALUES (?, ?)',
        );
        for (const { camera, lastSequence } of salvage.messages) {
          setMessages.run(camera, lastSequence);
        }
        for (const [camera, sequence] of newestSequences(root)) {
          this.#rows.raiseSequence(camera, sequence);
        }
      })
      .immediate();
  }

  async #reconcile(): Promise<ReconcileSummary> {
    const restoresResults =
      this.db.prepare(`SELECT 1 FROM meta WHERE key = 'restores_results'`).get() !== undefined;
    const summary = await reconcileCaptures(captureRoot(this.#dataFolder), {
      isRegistered: (id) => this.captures.byId(id) !== undefined,
      register: (found) => this.#register(found, restoresResults),
      isStopped: () => this.#isReconcilingStopped,
    });
    if (this.#isReconcilingStopped) return summary;
    this.promised(() => this.db.prepare(`DELETE FROM meta WHERE key = 'restores_results'`).run());
    if (summary.unknown > 0) {
      const message = `${summary.unknown} pictures in the capture folder have no readable document beside them and were left alone, such as ${summary.unknownExample}`;
      this.#tell(noticeOf(new VedetteError('REGISTRY_UNAVAILABLE', message), 'warn'));
    }
    return summary;
  }

  #register(
    { capture, diskBytes, storedAtMs, result }: FoundCapture,
    restoresResult: boolean,
  ): void {
    this.db.pragma('synchronous = NORMAL');
    this.db
      .transaction(() => {
        this.captures.append(capture, diskBytes, storedAtMs);
        if (restoresResult)
          this.#rows.restore(toResultRow(result), result.cameraSequence, storedAtMs);
      })
      .immediate();
  }

  #tell(notice: Notice): void {
    this.#events.onNotice(notice);
    try {
      this.appendNotice(notice);
    } catch {
      // Told already; a database that cannot take it is what most notices are about.
    }
  }
}
