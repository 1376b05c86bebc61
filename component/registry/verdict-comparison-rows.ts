import type { Database } from 'better-sqlite3';
import type {
  LabelAnswer,
  LabelQuestion,
  RecentOutcome,
  RecentQuestion,
  ShadowQuery,
  ShadowResult,
  VerdictLabel,
} from '../contract/verdict-comparison.ts';

/** So many of a camera's newest results are looked through for those of one version. */
const MAX_LOOKED_THROUGH = 5000;

/** What versions of a model are compared by: verdicts in shadow, labels of people, recent results. */
export class VerdictComparisonRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @returns false when the result that it belongs to is not there (any more) */
  appendShadow(shadow: ShadowResult): boolean {
    const { resultId, model, camera, candidate, activeOutcome, verdict } = shadow;
    this.#db.pragma('synchronous = NORMAL');
    const { changes } = this.#db
      .prepare(
        `INSERT OR REPLACE INTO shadow_results
           (result_id, model, camera, version, sha256, active_outcome, outcome, json)
         SELECT id, ?, ?, ?, ?, ?, ?, ? FROM results WHERE id = ?`,
      )
      .run(
        model,
        camera,
        candidate.version,
        candidate.sha256,
        activeOutcome,
        verdict.outcome,
        JSON.stringify(shadow),
        resultId,
      );
    return changes > 0;
  }

  /** Newest first. */
  shadows({ model, onlyDisagreements, limit }: ShadowQuery): ShadowResult[] {
    return this.#db
      .prepare<[string, number, number], { json: string }>(
        `SELECT json FROM shadow_results
         WHERE model = ? AND (? = 0 OR outcome <> active_outcome) ORDER BY key DESC LIMIT ?`,
      )
      .all(model, onlyDisagreements ? 1 : 0, limit)
      .map(({ json }) => JSON.parse(json) as ShadowResult);
  }

  /** A later label takes the place of an earlier one. @returns false when there is no such result */
  label({ resultId, outcome, note }: VerdictLabel, nowMs: number): boolean {
    const { changes } = this.#db
      .prepare(
        `INSERT OR REPLACE INTO result_verdict_labels (result_id, outcome, note, labelled_at_ms)
         SELECT id, ?, ?, ? FROM results WHERE id = ?`,
      )
      .run(outcome, note ?? null, nowMs, resultId);
    return changes > 0;
  }

  /** A review is no answer: it counts as not right. */
  labelFigures({ model, active, candidate }: LabelQuestion): LabelAnswer {
    const acted = this.#db.prepare<[string, string, string], { labelled: number; right: number }>(
      `SELECT count(*) AS labelled, ifnull(sum(r.outcome = l.outcome), 0) AS "right"
       FROM result_verdict_labels l JOIN results r ON r.id = l.result_id
       WHERE r.model = ? AND json_extract(r.json, '$.model.version') = ?
         AND json_extract(r.json, '$.model.sha256') = ?`,
    );
    const shadowed = this.#db
      .prepare<[string, string, string], { labelled: number; right: number }>(
        `SELECT count(*) AS labelled, ifnull(sum(s.outcome = l.outcome), 0) AS "right"
         FROM result_verdict_labels l JOIN shadow_results s ON s.result_id = l.result_id
         WHERE s.model = ? AND s.version = ? AND s.sha256 = ?`,
      )
      .get(model, candidate.version, candidate.sha256)!;
    const canary = acted.get(model, candidate.version, candidate.sha256)!;
    return {
      active: acted.get(model, active.version, active.sha256)!,
      candidate: {
        labelled: shadowed.labelled + canary.labelled,
        right: shadowed.right + canary.right,
      },
    };
  }

  /** Newest first. */
  recent({ camera, model, version, limit }: RecentQuestion): RecentOutcome[] {
    return this.#db
      .prepare<[string, string, string, string, number], RecentOutcome>(
        `SELECT outcome, json_extract(json, '$.error.code') AS errorCode,
           json_extract(json, '$.timings.queueMs') + json_extract(json, '$.timings.preprocessMs')
           + json_extract(json, '$.timings.runMs') + json_extract(json, '$.timings.decodeMs') AS answerMs
         FROM (
           SELECT outcome, json FROM results WHERE camera = ? AND model = ?
           ORDER BY captured_at_ms DESC, key DESC LIMIT ${MAX_LOOKED_THROUGH})
         WHERE json_extract(json, '$.model.version') = ?
           AND json_extract(json, '$.model.sha256') = ? LIMIT ?`,
      )
      .all(camera, model, version.version, version.sha256, limit);
  }
}
