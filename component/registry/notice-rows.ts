import type { Database } from 'better-sqlite3';
import type { SerializedError } from '../contract/errors.ts';
import type { Notice } from '../contract/ports.ts';

const MAX_NOTICES = 1000;

export class NoticeRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  append({ atMs, level, error }: Notice): void {
    this.#db
      .transaction(() => {
        const { lastInsertRowid } = this.#db
          .prepare('INSERT INTO notices (at_ms, level, error) VALUES (?, ?, ?)')
          .run(Math.round(atMs), level, JSON.stringify(error));
        this.#db
          .prepare('DELETE FROM notices WHERE key <= ?')
          .run(Number(lastInsertRowid) - MAX_NOTICES);
      })
      .immediate();
  }

  /** Newest first. */
  newest(limit: number): Notice[] {
    return this.#db
      .prepare<[number], { atMs: number; level: Notice['level']; error: string }>(
        'SELECT at_ms AS atMs, level, error FROM notices ORDER BY key DESC LIMIT ?',
      )
      .all(limit)
      .map(({ error, ...notice }) => ({ ...notice, error: JSON.parse(error) as SerializedError }));
  }
}
