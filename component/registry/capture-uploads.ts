import type { Database } from 'better-sqlite3';
import type { StoredCapture } from '../contract/ports.ts';

export interface WaitingCapture {
  readonly key: number;
  readonly capture: StoredCapture;
}

/** Captures that wait to be uploaded, in the order in which they were stored. */
export class CaptureUploads {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** In the transaction that stores the capture. */
  add(captureId: string): void {
    this.#db
      .prepare(
        'INSERT OR IGNORE INTO capture_uploads (capture) SELECT key FROM captures WHERE id = ?',
      )
      .run(captureId);
  }

  next(after: number): WaitingCapture | undefined {
    const row = this.#db
      .prepare<[number], StoredCapture & { readonly key: number }>(
        `SELECT c.key, c.id, c.result_id AS resultId, c.camera, c.captured_at_ms AS capturedAtMs,
           c.image_path AS imagePath, c.byte_length AS byteLength, c.rule, c.outcome
         FROM capture_uploads u JOIN captures c ON c.key = u.capture
         WHERE u.capture > ? ORDER BY u.capture LIMIT 1`,
      )
      .get(after);
    if (row === undefined) return undefined;
    const { key, ...capture } = row;
    return { key, capture };
  }

  remove(key: number): void {
    this.#db.pragma('synchronous = NORMAL');
    this.#db.prepare('DELETE FROM capture_uploads WHERE capture = ?').run(key);
  }

  /** How many of these wait. */
  waitingOf(keys: readonly number[]): number {
    const find = this.#db
      .prepare<[number], number>('SELECT 1 FROM capture_uploads WHERE capture = ?')
      .pluck();
    return keys.filter((key) => find.get(key) !== undefined).length;
  }
}
