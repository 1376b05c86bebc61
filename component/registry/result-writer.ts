import type { Database } from 'better-sqlite3';
import { VedetteError } from '../contract/errors.ts';
import type { Outbox } from './outbox/outbox.ts';
import type { ResultRow } from './result-row.ts';
import type { AppendedRow, ResultRows } from './result-rows.ts';
import { isCorruption, isStorageFault, toRegistryError } from './sqlite-fault.ts';

const MAX_GROUP_ROWS = 256;
/** What may wait for others waits for so many, or so long (milliseconds). */
const GATHERED_ROWS = 8;
const GATHERED_MS = 250;
const MAX_RETAINED_ROWS = 2000;
const MAX_RETAINED_CHARACTERS = 8_000_000;
/** Ids of results that were given up, by which one that is offered again is not counted twice. */
const MAX_LOST_IDS = 10_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5000;

export interface PendingResult {
  readonly row: ResultRow;
  /** Promised results are on the disk when they are answered, even if the power fails then. */
  readonly isPromised: boolean;
  /** Nothing waits for its answer: it may be committed a moment later, with others. */
  readonly mayWait?: boolean;
  settle(sequence: number | null): void;
  reject(error: VedetteError): void;
}

export interface ResultWriterOptions {
  readonly db: Database;
  readonly rows: ResultRows;
  readonly outbox: Pick<Outbox, 'addResults' | 'noteSynced'>;
  readonly folder: string;
  /** Called in the transaction of every group, after its rows: keeps the count within its limit. */
  trim(insertedRows: number): void;
  /** The storage began to refuse, or took everything again. */
  onStorageChange(change: StorageChange): void;
  /** The file is damaged: nothing more can be written to it. */
  onCorruption(thrown: unknown): void;
}

export type StorageChange =
  | { readonly kind: 'refused'; readonly error: VedetteError }
  | { readonly kind: 'recovered'; readonly forMs: number; readonly givenUp: number };

/**
 * Commits results in groups: whatever arrived while the last group was written goes into one
 * transaction. Only for results that may wait more are waited for: each commit writes a page of every
 * index, which wears out flash. Whatever else comes takes those before it along, in their order. One
 * promised result makes its whole group synced.
 */
export class ResultWriter {
  readonly #options: ResultWriterOptions;
  #waiting: PendingResult[] = [];
  /** By id, what was offered last at the end: a source may offer its result until it is stored. */
  readonly #retained = new Map<string, ResultRow>();
  #retainedCharacters = 0;
  readonly #lost = new Set<string>();
  #givenUp = 0;
  #givenUpBefore = 0;
  #refusal: { readonly sinceMs: number; error: VedetteError } | undefined;
  #isScheduled = false;
  #gatherTimer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(options: ResultWriterOptions) {
    this.#options = options;
  }

  get statistics() {
    return {
      retained: this.#retained.size,
      givenUp: this.#givenUp,
      refusedForMs: this.#refusal === undefined ? 0 : Date.now() - this.#refusal.sinceMs,
    };
  }

  add(result: PendingResult): void {
    this.#waiting.push(result);
    if (this.#isScheduled) return;
    if (result.mayWait && this.#waiting.length < GATHERED_ROWS) {
      this.#gatherTimer ??= setTimeout(() => this.#commitGroup(), GATHERED_MS);
    } else this.#schedule();
  }

  /** Writes what is waiting. Returns how many results the storage refused to the end. */
  close(): number {
    clearTimeout(this.#gatherTimer);
    clearTimeout(this.#retryTimer);
    while (this.#waiting.length > 0) this.#commitGroup();
    if (this.#retained.size > 0) this.#retry();
    clearTimeout(this.#retryTimer);
    const givenUp = this.#retained.size;
    this.#givenUp += givenUp;
    this.#retained.clear();
    return givenUp;
  }

  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(() => this.#commitGroup());
  }

  #commitGroup(): void {
    this.#isScheduled = false;
    clearTimeout(this.#gatherTimer);
    this.#gatherTimer = undefined;
    const group = this.#waiting.splice(0, MAX_GROUP_ROWS);
    // While the disk is full only promised results are tried at once; the others have their timer.
    const attempt = this.#refusal ? group.filter(({ isPromised }) => isPromised) : group;
    if (this.#refusal) this.#retainStreams(group, this.#refusal.error);
    if (attempt.length > 0) this.#attempt(attempt);
    if (this.#waiting.length > 0 && !this.#isScheduled) this.#schedule();
  }

  #attempt(group: readonly PendingResult[]): void {
    try {
      const isPromised = group.some((result) => result.isPromised);
      const sequences = this.#commit(
        group.map(({ row }) => row),
        isPromised,
      );
      group.forEach((result, index) => result.settle(sequences[index] ?? null));
      if (this.#refusal !== undefined) this.#retry();
    } catch (thrown) {
      this.#fail(group, thrown);
    }
  }

  #fail(group: readonly PendingResult[], thrown: unknown): void {
    const error = toRegistryError(thrown, this.#options.folder, 'Results could not be stored');
    if (isCorruption(thrown)) {
      for (const result of group) result.reject(error);
      this.#options.onCorruption(thrown);
    } else if (isStorageFault(thrown)) {
      for (const result of group) if (result.isPromised) result.reject(error);
      this.#beginRefusal(error);
      this.#retainStreams(group, error);
    } else if (group.length > 1) {
      // One row that does not fit must not take the others with it.
      for (const result of group) this.#attempt([result]);
    } else {
      group[0]?.reject(error);
    }
  }

  /** One transaction. The pragma can only be changed outside of one. */
  #commit(rows: readonly ResultRow[], isPromised: boolean): (number | null)[] {
    const { db } = this.#options;
    db.pragma(`synchronous = ${isPromised ? 'FULL' : 'NORMAL'}`);
    const { sequences, committed } = db
      .transaction(() => {
        const nowMs = Date.now();
        const appended = rows.map((row) => this.#options.rows.append(row, nowMs));
        const isNew = (one: AppendedRow): one is AppendedRow & { key: number } =>
          one.key !== undefined;
        const whenCommitted = this.#options.outbox.addResults(appended.filter(isNew));
        this.#options.trim(rows.length);
        return { sequences: appended.map((one) => one.sequence), committed: whenCommitted };
      })
      .immediate();
    if (isPromised) this.#options.outbox.noteSynced();
    committed();
    return sequences;
  }

  #beginRefusal(error: VedetteError): void {
    if (this.#refusal === undefined) {
      this.#refusal = { sinceMs: Date.now(), error };
      this.#givenUpBefore = this.#givenUp;
      this.#retryMs = FIRST_RETRY_MS;
      this.#options.onStorageChange({ kind: 'refused', error });
    }
    this.#scheduleRetry();
  }

  #retainStreams(group: readonly PendingResult[], error: VedetteError): void {
    const queued = new VedetteError(
      error.code,
      `${error.message}; the result waits in memory and is stored when there is space`,
      { cause: error, details: { ...error.details, isQueued: true } },
    );
    for (const result of group) {
      if (result.isPromised) continue;
      this.#retain(result.row);
      result.reject(queued);
    }
  }

  /** Keeps a row once, however often it is offered; the one that was offered longest ago gives way. */
  #retain(row: ResultRow): void {
    this.#forget(row.id);
    this.#retained.set(row.id, row);
    this.#retainedCharacters += row.json.length;
    if (this.#lost.delete(row.id)) this.#givenUp -= 1;
    for (const id of this.#retained.keys()) {
      const isTooMuch =
        this.#retained.size > MAX_RETAINED_ROWS ||
        this.#retainedCharacters > MAX_RETAINED_CHARACTERS;
      if (!isTooMuch) return;
      this.#forget(id);
      this.#countLost(id);
    }
  }

  #forget(id: string): void {
    const row = this.#retained.get(id);
    if (row === undefined) return;
    this.#retained.delete(id);
    this.#retainedCharacters -= row.json.length;
  }

  #countLost(id: string): void {
    this.#givenUp += 1;
    this.#lost.add(id);
    const oldest = this.#lost.size > MAX_LOST_IDS ? this.#lost.values().next().value : undefined;
    if (oldest !== undefined) this.#lost.delete(oldest);
  }

  #scheduleRetry(): void {
    if (this.#retryTimer !== undefined) return;
    this.#retryTimer = setTimeout(() => this.#retry(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
  }

  #retry(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    try {
      if (this.#retained.size === 0) this.#tryStorage();
      while (this.#retained.size > 0) this.#commitRetained();
    } catch (thrown) {
      if (isCorruption(thrown)) this.#options.onCorruption(thrown);
      else this.#scheduleRetry();
      return;
    }
    if (this.#refusal === undefined) return;
    const forMs = Date.now() - this.#refusal.sinceMs;
    this.#refusal = undefined;
    this.#lost.clear();
    const givenUp = this.#givenUp - this.#givenUpBefore;
    this.#options.onStorageChange({ kind: 'recovered', forMs, givenUp });
  }

  #commitRetained(): void {
    const rows = [...this.#retained.values()].slice(0, MAX_GROUP_ROWS);
    try {
      this.#commit(rows, false);
    } catch (thrown) {
      if (isStorageFault(thrown) || isCorruption(thrown)) throw thrown;
      this.#givenUp += rows.length;
    }
    for (const { id } of rows) this.#forget(id);
  }

  /** With nothing to write, only a write tells whether the disk has space again. */
  #tryStorage(): void {
    this.#options.db
      .prepare(
        `INSERT INTO meta VALUES ('storage_tried_at_ms', ?)
         ON CONFLICT DO UPDATE SET value = excluded.value`,
      )
      .run(String(Date.now()));
  }
}
