import type { Database, Statement } from 'better-sqlite3';
import type { ResultRow } from './result-row.ts';

export interface AppendedRow {
  readonly row: ResultRow;
  readonly sequence: number | null;
  /** Absent when it was there already. */
  readonly key?: number;
}

/** Writing and deleting results. Every method belongs inside a transaction of the caller. */
export class ResultRows {
  readonly #existing: Statement<[string], { cameraSequence: number | null }>;
  readonly #nextSequence: Statement<[string, number], { sequence: number }>;
  readonly #raiseSequence: Statement<[string, number, number]>;
  readonly #insert: Statement<unknown[]>;
  readonly #insertLabel: Statement<unknown[]>;
  readonly #count: Statement<[], { rows: number }>;
  readonly #deleteOldest: Statement<[number]>;
  readonly #deleteOlder: Statement<[number, number]>;
  readonly #oldest: Statement<[], { storedAtMs: number | null }>;

  constructor(db: Database) {
    this.#existing = db.prepare(
      'SELECT camera_sequence AS cameraSequence FROM results WHERE id = ?',
    );
    this.#nextSequence = db.prepare(
      `INSERT INTO cameras (name, last_sequence, updated_at_ms) VALUES (?, 1, ?)
       ON CONFLICT DO UPDATE SET last_sequence = last_sequence + 1
       RETURNING last_sequence AS sequence`,
    );
    this.#raiseSequence = db.prepare(
      `INSERT INTO cameras (name, last_sequence, updated_at_ms) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET last_sequence = max(last_sequence, excluded.last_sequence)`,
    );
    this.#insert = db.prepare(
      `INSERT INTO results (id, camera, camera_sequence, model, outcome, captured_at_ms, stored_at_ms, json)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#insertLabel = db.prepare(
      `INSERT INTO result_labels (label, captured_at_ms, result, camera, model, outcome)
       VALUES (?, ?, ?, ?, ?, ?)`,
    );
    this.#count = db.prepare('SELECT ifnull(sum(rows), 0) AS rows FROM result_counts');
    this.#oldest = db.prepare('SELECT min(stored_at_ms) AS storedAtMs FROM results');
    this.#deleteOldest = db.prepare(
      `DELETE FROM results WHERE key IN (SELECT key FROM results ORDER BY stored_at_ms, key LIMIT ?)`,
    );
    this.#deleteOlder = db.prepare(
      `DELETE FROM results WHERE key IN
       (SELECT key FROM results WHERE stored_at_ms < ? ORDER BY stored_at_ms, key LIMIT ?)`,
    );
  }

  /**
   * Stores a result under the next number of its camera and gives its number. A result that is
   * already there keeps its number: a caller that never got its answer may send it again.
   */
  append(row: ResultRow, nowMs: number): AppendedRow {
    const existing = this.#existing.get(row.id);
    if (existing !== undefined) return { row, sequence: existing.cameraSequence };
    const sequence =
      row.camera === null ? null : (this.#nextSequence.get(row.camera, nowMs)?.sequence ?? null);
    return { row, sequence, key: this.#write(row, sequence, nowMs) };
  }

  /** Stores a result found on disk under the number it had, or a new one when it had none yet. */
  restore(row: ResultRow, sequence: number | undefined, storedAtMs: number): void {
    if (row.camera === null || sequence === undefined) {
      this.append(row, storedAtMs);
    } else if (this.#existing.get(row.id) === undefined) {
      this.raiseSequence(row.camera, sequence);
      this.#write(row, sequence, storedAtMs);
    }
  }

  /** The next number of the camera will be higher than `sequence`. */
  raiseSequence(camera: string, sequence: number): void {
    this.#raiseSequence.run(camera, sequence, Date.now());
  }

  count(): number {
    return this.#count.get()?.rows ?? 0;
  }

  /** 0 when there is none. */
  oldestStoredAtMs(): number {
    return this.#oldest.get()?.storedAtMs ?? 0;
  }

  deleteOldest(rows: number): number {
    return this.#deleteOldest.run(rows).changes;
  }

  deleteStoredBefore(timeMs: number, maxRows: number): number {
    return this.#deleteOlder.run(Math.floor(timeMs), maxRows).changes;
  }

  #write(row: ResultRow, sequence: number | null, storedAtMs: number): number {
    const { id, camera, model, outcome, capturedAtMs, labels, json } = row;
    const { lastInsertRowid: key } = this.#insert.run(
      id,
      camera,
      sequence,
      model,
      outcome,
      capturedAtMs,
      storedAtMs,
      json,
    );
    for (const label of labels) {
      this.#insertLabel.run(label, capturedAtMs, key, camera, model, outcome);
    }
    return Number(key);
  }
}
