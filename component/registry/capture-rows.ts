import type { Database, Statement } from 'better-sqlite3';
import type { CaptureQuery, Page, StoredCapture } from '../contract/ports.ts';
import { checkLimit, decodeCursor, encodeCursor } from './page-cursor.ts';

const COLUMNS = `id, result_id AS resultId, camera, captured_at_ms AS capturedAtMs,
  image_path AS imagePath, byte_length AS byteLength, rule, outcome`;

/** A capture in the order in which retention takes them. */
export interface OldCapture {
  readonly key: number;
  readonly imagePath: string;
  /** Picture and document. */
  readonly diskBytes: number;
  readonly storedAtMs: number;
}

/** @throws VedetteError REQUEST_INVALID */
export function captureStatement(query: CaptureQuery): {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
} {
  checkLimit(query.limit);
  const conditions: string[] = [];
  const parameters: (string | number)[] = [];
  if (query.camera !== undefined) {
    conditions.push('camera = ?');
    parameters.push(query.camera);
  }
  if (query.outcome !== undefined) {
    conditions.push('outcome = ?');
    parameters.push(query.outcome);
  }
  if (query.cursor !== undefined) {
    const { capturedAtMs, key } = decodeCursor(query.cursor);
    conditions.push('(captured_at_ms, key) < (?, ?)');
    parameters.push(capturedAtMs, key);
  }
  const parts = [query.camera && 'camera', query.outcome && 'outcome'].filter(Boolean);
  const index = `captures_by_${parts.length > 0 ? parts.join('_') : 'time'}`;
  const sql = `SELECT key, ${COLUMNS} FROM captures INDEXED BY ${index}
    ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
    ORDER BY captured_at_ms DESC, key DESC LIMIT ?`;
  return { sql, parameters: [...parameters, query.limit + 1] };
}

export class CaptureRows {
  readonly #db: Database;
  readonly #insert: Statement<unknown[]>;
  readonly #byId: Statement<[string], StoredCapture>;
  readonly #totals: Statement<[], { rows: number; bytes: number }>;
  readonly #oldest: Statement<[number, number, number, number], OldCapture>;
  readonly #delete: Statement<[number]>;

  constructor(db: Database) {
    this.#db = db;
    this.#insert = db.prepare(
      `INSERT INTO captures (id, result_id, camera, outcome, captured_at_ms, stored_at_ms, image_path, byte_length, disk_bytes, rule)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    );
    this.#byId = db.prepare(`SELECT ${COLUMNS} FROM captures WHERE id = ?`);
    this.#totals = db.prepare('SELECT rows, bytes FROM capture_totals');
    this.#oldest = db.prepare(
      `SELECT key, image_path AS imagePath, disk_bytes AS diskBytes, stored_at_ms AS storedAtMs
       FROM captures INDEXED BY captures_by_age
       WHERE (stored_at_ms, key) > (?, ?)
         AND (? OR NOT EXISTS (SELECT 1 FROM capture_uploads WHERE capture = captures.key))
       ORDER BY stored_at_ms, key LIMIT ?`,
    );
    this.#delete = db.prepare('DELETE FROM captures WHERE key = ?');
  }

  append(capture: StoredCapture, diskBytes: number, storedAtMs: number): void {
    const { id, resultId, camera, outcome, capturedAtMs, imagePath, byteLength, rule } = capture;
    this.#insert.run(
      id,
      resultId,
      camera,
      outcome,
      Math.round(capturedAtMs),
      Math.round(storedAtMs),
      imagePath,
      byteLength,
      diskBytes,
      rule,
    );
  }

  byId(id: string): StoredCapture | undefined {
    return this.#byId.get(id);
  }

  page(query: CaptureQuery): Page<StoredCapture> {
    const { sql, parameters } = captureStatement(query);
    const rows = this.#db
      .prepare<unknown[], StoredCapture & { readonly key: number }>(sql)
      .all(...parameters);
    const items = rows.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: items.map(({ key: _, ...capture }) => capture),
      ...(rows.length > query.limit && last ? { nextCursor: encodeCursor(last) } : {}),
    };
  }

  totals(): { readonly rows: number; readonly bytes: number } {
    return this.#totals.get() ?? { rows: 0, bytes: 0 };
  }

  oldestAfter(
    position: Pick<OldCapture, 'storedAtMs' | 'key'>,
    limit: number,
    withWaiting: boolean,
  ): OldCapture[] {
    return this.#oldest.all(position.storedAtMs, position.key, Number(withWaiting), limit);
  }

  delete(keys: readonly number[]): void {
    this.#db.transaction(() => keys.forEach((key) => this.#delete.run(key))).immediate();
  }
}
