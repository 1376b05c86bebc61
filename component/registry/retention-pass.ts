import { rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from 'better-sqlite3';
import type { RetentionConfig } from '../contract/config.ts';
import { captureDocumentPath, resolveCapture } from './capture-files.ts';
import type { CaptureUploads } from './capture-uploads.ts';
import type { CaptureRows, OldCapture } from './capture-rows.ts';
import type { ResultRows } from './result-rows.ts';
import type { OutputRows } from './output-rows.ts';
import type { TransactionRows } from './transaction-rows.ts';

export const RESULT_BATCH = 256;
export const CAPTURE_BATCH = 32;
const HOUR_MS = 3_600_000;
const VACUUM_PAGES = 1000;

export interface RetentionSummary {
  readonly resultsDeleted: number;
  readonly capturesDeleted: number;
  readonly bytesDeleted: number;
  /** Captures whose files could not be deleted; their rows were kept. */
  readonly capturesKept: number;
}

type CaptureSummary = Omit<RetentionSummary, 'resultsDeleted'>;

export interface RetentionOptions {
  readonly db: Database;
  readonly results: ResultRows;
  readonly transactions: TransactionRows;
  readonly outputs: OutputRows;
  readonly captures: CaptureRows;
  /** The capture folder. */
  readonly root: string;
  readonly uploads: CaptureUploads;
  /** Captures that waited to be uploaded were deleted, because nothing else made room. */
  onUploadsLost(captures: number): void;
  /** A file could not be deleted. */
  onFault(thrown: unknown, file: string): void;
}

/**
 * Keeps results and captures within their limits, oldest first, in small batches between which
 * everything else goes on. Counts hold at every moment, also between two passes: see `trimResults`
 * and `makeRoom`.
 */
export class RetentionPass {
  readonly #options: RetentionOptions;
  #config: RetentionConfig | undefined;
  #captureRun: Promise<CaptureSummary> | undefined;
  #resultRun: Promise<number> | undefined;
  #isClosed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** New limits, and a pass that applies them. */
  async apply(config: RetentionConfig): Promise<RetentionSummary> {
    this.#config = config;
    const captures = await this.#deleteCapturesOnce();
    this.#resultRun ??= this.#deleteResults().finally(() => {
      this.#resultRun = undefined;
    });
    const resultsDeleted = await this.#resultRun;
    await this.#deleteTransactions(config);
    this.#giveBackPages();
    return { resultsDeleted, ...captures };
  }

  /** Inside the transaction that inserted rows: deletes what it put over the limit. */
  trimResults(insertedRows: number): void {
    if (this.#config === undefined) return;
    const surplus = this.#options.results.count() - this.#config.resultsMaxCount;
    if (surplus > 0)
      this.#options.results.deleteOldest(Math.min(surplus, insertedRows + RESULT_BATCH));
  }

  /** After a capture was added: starts a pass, and waits for it when deleting lags behind. */
  async makeRoom(): Promise<void> {
    const config = this.#config;
    if (config === undefined) return;
    const { rows, bytes } = this.#options.captures.totals();
    const surplus = rows - config.capturesMaxCount;
    if (surplus <= 0 && bytes <= config.capturesMaxBytes) return;
    const pass = this.#deleteCapturesOnce();
    if (surplus > CAPTURE_BATCH || bytes > config.capturesMaxBytes) await pass;
    else pass.catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([this.#captureRun, this.#resultRun]);
  }

  #deleteCapturesOnce(): Promise<CaptureSummary> {
    this.#captureRun ??= this.#deleteCaptures().finally(() => {
      this.#captureRun = undefined;
    });
    return this.#captureRun;
  }

  async #deleteResults(): Promise<number> {
    const { db, results } = this.#options;
    let total = 0;
    let deleted = 0;
    do {
      const config = this.#config;
      if (config === undefined || this.#isClosed) return total;
      const oldestMs = Date.now() - config.resultsMaxAgeHours * HOUR_MS;
      db.pragma('synchronous = NORMAL');
      deleted = db
        .transaction(() => {
          const surplus = results.count() - config.resultsMaxCount;
          return surplus > 0
            ? results.deleteOldest(Math.min(surplus, RESULT_BATCH))
            : results.deleteStoredBefore(oldestMs, RESULT_BATCH);
        })
        .immediate();
      total += deleted;
      await nextTurn();
    } while (deleted > 0);
    return total;
  }

  /** They and what outputs were told go with the results of their time. */
  async #deleteTransactions(config: RetentionConfig): Promise<void> {
    const { db, results, transactions, outputs } = this.#options;
    const isFull = results.count() >= config.resultsMaxCount;
    const oldestMs = Math.max(
      Date.now() - config.resultsMaxAgeHours * HOUR_MS,
      isFull ? results.oldestStoredAtMs() : 0,
    );
    let deleted = 0;
    do {
      if (this.#isClosed) return;
      db.pragma('synchronous = NORMAL');
      deleted =
        transactions.deleteOldest(oldestMs, RESULT_BATCH) +
        outputs.deleteBefore(oldestMs, RESULT_BATCH);
      await nextTurn();
    } while (deleted > 0);
  }

  /** What waits to be uploaded stays, whatever its age and number, unless only it can make room. */
  async #deleteCaptures(): Promise<CaptureSummary> {
    const others = await this.#deleteOldCaptures(false);
    const maxBytes = this.#config?.capturesMaxBytes ?? Infinity;
    if (this.#options.captures.totals().bytes <= maxBytes) return others;
    const waiting = await this.#deleteOldCaptures(true);
    return {
      capturesDeleted: others.capturesDeleted + waiting.capturesDeleted,
      bytesDeleted: others.bytesDeleted + waiting.bytesDeleted,
      capturesKept: others.capturesKept + waiting.capturesKept,
    };
  }

  async #deleteOldCaptures(withWaiting: boolean): Promise<CaptureSummary> {
    const { captures, uploads } = this.#options;
    const summary = { capturesDeleted: 0, bytesDeleted: 0, capturesKept: 0 };
    let position: Pick<OldCapture, 'storedAtMs' | 'key'> = { storedAtMs: -1, key: -1 };
    for (;;) {
      const config = this.#config;
      if (config === undefined || this.#isClosed) return summary;
      const oldestMs = Date.now() - config.capturesMaxAgeHours * HOUR_MS;
      const batch = captures.oldestAfter(position, CAPTURE_BATCH, withWaiting);
      let { rows, bytes } = captures.totals();
      const surplus = batch.filter((capture) => {
        const isOver = bytes > config.capturesMaxBytes;
        const isSurplus = withWaiting
          ? isOver
          : isOver || capture.storedAtMs < oldestMs || rows > config.capturesMaxCount;
        if (isSurplus) {
          rows -= 1;
          bytes -= capture.diskBytes;
        }
        return isSurplus;
      });
      const last = batch.at(-1);
      if (surplus.length === 0 || last === undefined) return summary;
      position = last;
      const gone = await this.#deleteFiles(surplus);
      // Files first: a row without files is deleted by the next pass, files without a row by nobody.
      this.#options.db.pragma('synchronous = NORMAL');
      const keys = gone.map(({ key }) => key);
      const lost = withWaiting ? uploads.waitingOf(keys) : 0;
      captures.delete(keys);
      if (lost > 0) this.#options.onUploadsLost(lost);
      summary.capturesDeleted += gone.length;
      summary.bytesDeleted += gone.reduce((sum, { diskBytes }) => sum + diskBytes, 0);
      summary.capturesKept += surplus.length - gone.length;
    }
  }

  async #deleteFiles(surplus: readonly OldCapture[]): Promise<OldCapture[]> {
    const folders = new Set<string>();
    const outcomes = await Promise.all(
      surplus.map(async (capture) => {
        try {
          const file = resolveCapture(this.#options.root, capture.imagePath);
          await rm(file, { force: true });
          await rm(captureDocumentPath(file), { force: true });
          folders.add(dirname(file));
          return true;
        } catch (thrown) {
          this.#options.onFault(thrown, capture.imagePath);
          return false;
        }
      }),
    );
    // Only empty folders go; the others refuse.
    for (const folder of folders) await rmdir(folder).catch(() => undefined);
    return surplus.filter((_, index) => outcomes[index]);
  }

  /** Gives a part of the freed pages back to the disk once they are a fifth of the file. */
  #giveBackPages(): void {
    const { db } = this.#options;
    const free = Number(db.pragma('freelist_count', { simple: true }));
    const all = Number(db.pragma('page_count', { simple: true }));
    if (free > VACUUM_PAGES && free * 5 > all) db.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
  }
}
