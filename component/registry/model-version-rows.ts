import type { Database } from 'better-sqlite3';
import { rememberedModelSchema } from '../contract/model-lifecycle.ts';
import type { ModelChangeRecord, RememberedModel } from '../contract/model-lifecycle.ts';

/** Of one model. */
const MAX_CHANGES = 1000;

/** Which version of each model runs, and the history of its versions. */
export class ModelVersionRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  remember(model: string, remembered: RememberedModel, nowMs: number): void {
    this.#db
      .prepare(
        `INSERT INTO model_versions (model, remembered, updated_at_ms) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET remembered = excluded.remembered, updated_at_ms = excluded.updated_at_ms`,
      )
      .run(model, JSON.stringify(remembered), nowMs);
  }

  /** `undefined` when nothing is known of it. */
  recall(model: string): RememberedModel | undefined {
    const row = this.#db
      .prepare<[string], { remembered: string }>(
        'SELECT remembered FROM model_versions WHERE model = ?',
      )
      .get(model);
    return row && rememberedModelSchema.parse(JSON.parse(row.remembered));
  }

  appendChange(change: ModelChangeRecord): void {
    this.#db
      .transaction(() => {
        this.#db
          .prepare('INSERT INTO model_changes (at_ms, model, change) VALUES (?, ?, ?)')
          .run(Math.round(change.atMs), change.model, JSON.stringify(change));
        this.#db
          .prepare(
            `DELETE FROM model_changes WHERE key IN (
               SELECT key FROM model_changes WHERE model = ? ORDER BY key DESC LIMIT -1 OFFSET ${MAX_CHANGES})`,
          )
          .run(change.model);
      })
      .immediate();
  }

  /** Newest first. */
  changes(model: string, limit: number): ModelChangeRecord[] {
    return this.#db
      .prepare<[string, number], { change: string }>(
        'SELECT change FROM model_changes WHERE model = ? ORDER BY key DESC LIMIT ?',
      )
      .all(model, limit)
      .map(({ change }) => JSON.parse(change) as ModelChangeRecord);
  }
}
