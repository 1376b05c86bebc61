import type { Database } from 'better-sqlite3';
import type { OutputRecord } from '../contract/output.ts';

/** See the table `output_records`. */
export class OutputRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** One that is offered again is stored once. */
  append(record: OutputRecord): void {
    this.#db
      .prepare(
        `INSERT INTO output_records (output, result_id, ended_at_ms, json)
         SELECT @output, @resultId, @endedAtMs, @json WHERE NOT EXISTS
         (SELECT 1 FROM output_records WHERE result_id = @resultId AND output = @output
          AND ended_at_ms = @endedAtMs)`,
      )
      .run({
        output: record.output,
        resultId: record.resultId,
        endedAtMs: record.endedAtMs,
        json: JSON.stringify(record),
      });
  }

  /** Of one result or of all, newest first. */
  newest(resultId: string | undefined, limit: number): OutputRecord[] {
    const rows =
      resultId === undefined
        ? this.#db
            .prepare<[number], { json: string }>(
              'SELECT json FROM output_records ORDER BY key DESC LIMIT ?',
            )
            .all(limit)
        : this.#db
            .prepare<[string, number], { json: string }>(
              'SELECT json FROM output_records WHERE result_id = ? ORDER BY key DESC LIMIT ?',
            )
            .all(resultId, limit);
    return rows.map(({ json }) => JSON.parse(json) as OutputRecord);
  }

  /** @returns how many were deleted */
  deleteBefore(timeMs: number, limit: number): number {
    return this.#db
      .prepare(
        `DELETE FROM output_records WHERE key IN
         (SELECT key FROM output_records WHERE ended_at_ms < ? ORDER BY ended_at_ms LIMIT ?)`,
      )
      .run(timeMs, limit).changes;
  }
}
