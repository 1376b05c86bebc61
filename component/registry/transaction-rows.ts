import type { Database } from 'better-sqlite3';
import type { TransactionEnding, TransactionRecord } from '../contract/transaction.ts';

interface Row {
  readonly json: string;
  readonly ending: TransactionRecord['end'] | null;
  readonly ended_at_ms: number | null;
  readonly reason: string | null;
  readonly result_id: string | null;
  readonly outcome: TransactionRecord['outcome'] | null;
}

/** Longest reason that is kept; the result has the whole. */
const MAX_REASON = 500;

/** See the table `transactions`. */
export class TransactionRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  open(record: TransactionRecord): void {
    const { id, camera, triggerId, openedAtMs } = record;
    this.#db
      .prepare(
        `INSERT OR IGNORE INTO transactions (id, camera, trigger_id, opened_at_ms, json)
         VALUES (?, ?, ?, ?, ?)`,
      )
      .run(id, camera, triggerId, openedAtMs, JSON.stringify(record));
  }

  /** The first end holds. */
  end(ending: Omit<TransactionEnding, 'isPromised'>): void {
    const { id, end, endedAtMs, reason, resultId, outcome, arrived } = ending;
    if (arrived) this.#complete(id, arrived);
    this.#db
      .prepare(
        `UPDATE transactions SET ending = ?, ended_at_ms = ?, reason = ?, result_id = ?, outcome = ?
         WHERE id = ? AND ending IS NULL`,
      )
      .run(
        end,
        endedAtMs,
        reason?.slice(0, MAX_REASON) ?? null,
        resultId ?? null,
        outcome ?? null,
        id,
      );
  }

  #complete(id: string, { context, model }: NonNullable<TransactionEnding['arrived']>): void {
    this.#db
      .prepare(
        `UPDATE transactions SET json = json_set(json, '$.context', json(?), '$.model', ?)
         WHERE id = ? AND ending IS NULL`,
      )
      .run(JSON.stringify(context), model, id);
  }

  /** Oldest first. */
  withoutEnd(limit: number): TransactionRecord[] {
    return this.#db
      .prepare<[number], Row>(`SELECT * FROM transactions WHERE ending IS NULL ORDER BY id LIMIT ?`)
      .all(limit)
      .map(toRecord);
  }

  /**
   * Of all cameras, newest first: those that have a result and an id that who triggered gave them, without
   * their contexts, whose size who triggers decides.
   */
  repeatable(limit: number): TransactionRecord[] {
    return this.#db
      .prepare<[number], Row>(
        `SELECT json_remove(json, '$.context') AS json, ending, ended_at_ms, reason, result_id, outcome
         FROM transactions WHERE result_id IS NOT NULL AND trigger_id <> id
         ORDER BY opened_at_ms DESC, id DESC LIMIT ?`,
      )
      .all(limit)
      .map(toRecord);
  }

  /** Of one camera or of all, newest first. */
  newest(camera: string | undefined, limit: number): TransactionRecord[] {
    const rows =
      camera === undefined
        ? this.#db
            .prepare<[number], Row>(
              `SELECT * FROM transactions ORDER BY opened_at_ms DESC, id DESC LIMIT ?`,
            )
            .all(limit)
        : this.#db
            .prepare<[string, number], Row>(
              `SELECT * FROM transactions WHERE camera = ?
               ORDER BY opened_at_ms DESC, id DESC LIMIT ?`,
            )
            .all(camera, limit);
    return rows.map(toRecord);
  }

  byId(id: string): TransactionRecord | undefined {
    const row = this.#db.prepare<[string], Row>('SELECT * FROM transactions WHERE id = ?').get(id);
    return row && toRecord(row);
  }

  /** Ended ones only: an open one is owed its end. @returns how many were deleted */
  deleteOldest(before: number, limit: number): number {
    return this.#db
      .prepare(
        `DELETE FROM transactions WHERE id IN (
           SELECT id FROM transactions WHERE opened_at_ms < ? AND ending IS NOT NULL
           ORDER BY opened_at_ms LIMIT ?)`,
      )
      .run(before, limit).changes;
  }
}

function toRecord(row: Row): TransactionRecord {
  const record = JSON.parse(row.json) as TransactionRecord;
  return {
    ...record,
    ...(row.ending === null || row.ending === undefined ? {} : { end: row.ending }),
    ...(row.ended_at_ms === null ? {} : { endedAtMs: row.ended_at_ms }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.result_id === null ? {} : { resultId: row.result_id }),
    ...(row.outcome === null || row.outcome === undefined ? {} : { outcome: row.outcome }),
  };
}
