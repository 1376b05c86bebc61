import type { Database } from 'better-sqlite3';
import type { Page, ResultQuery } from '../contract/ports.ts';
import { checkLimit, decodeCursor, encodeCursor } from './page-cursor.ts';
import type { StoredResult } from './result-row.ts';

/**
 * A page ends early here: the main thread reads its JSON and writes it again, within 10 ms also on a
 * busy machine.
 */
const MAX_PAGE_CHARACTERS = 125_000;

interface Statement {
  readonly sql: string;
  readonly parameters: readonly (string | number)[];
}

type Row = StoredResult & { readonly key: number; readonly capturedAtMs: number };

/**
 * The statement of a query: newest first. Each combination of filters names its index, because a
 * planner that guesses wrong would read millions of rows.
 * @throws VedetteError REQUEST_INVALID
 */
export function resultStatement(query: ResultQuery): Statement {
  checkLimit(query.limit);
  const byLabel = query.label !== undefined;
  const source = byLabel ? 'l' : 'r';
  const key = byLabel ? 'l.result' : 'r.key';
  const conditions: string[] = [];
  const parameters: (string | number)[] = [];
  const where = (condition: string, ...values: (string | number)[]) => {
    conditions.push(condition);
    parameters.push(...values);
  };
  if (query.label !== undefined) where('l.label = ?', query.label);
  if (query.camera !== undefined) where(`${source}.camera = ?`, query.camera);
  if (query.outcome !== undefined) where(`${source}.outcome = ?`, query.outcome);
  if (query.model !== undefined) where(`${source}.model = ?`, query.model);
  if (query.fromMs !== undefined) where(`${source}.captured_at_ms >= ?`, query.fromMs);
  if (query.toMs !== undefined) where(`${source}.captured_at_ms < ?`, query.toMs);
  if (query.cursor !== undefined) {
    const { capturedAtMs, key: lastKey } = decodeCursor(query.cursor);
    where(`(${source}.captured_at_ms, ${key}) < (?, ?)`, capturedAtMs, lastKey);
  }
  const tables = byLabel
    ? 'result_labels l CROSS JOIN results r ON r.key = l.result'
    : `results r INDEXED BY ${indexFor(query)}`;
  const sql = `SELECT r.key, r.captured_at_ms AS capturedAtMs, r.camera_sequence AS cameraSequence, r.json,
    (SELECT c.id FROM captures c WHERE c.result_id = r.id LIMIT 1) AS captureId
    FROM ${tables}
    ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
    ORDER BY ${source}.captured_at_ms DESC, ${key} DESC LIMIT ?`;
  return { sql, parameters: [...parameters, query.limit + 1] };
}

function indexFor(query: ResultQuery): string {
  if (query.camera !== undefined) {
    return query.outcome === undefined ? 'results_by_camera' : 'results_by_camera_outcome';
  }
  if (query.model !== undefined) return 'results_by_model';
  return query.outcome === undefined ? 'results_by_time' : 'results_by_outcome';
}

export class ResultQueries {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  page(query: ResultQuery): Page<StoredResult> {
    const { sql, parameters } = resultStatement(query);
    const items: Row[] = [];
    let characters = 0;
    let hasMore = false;
    for (const row of this.#db.prepare<unknown[], Row>(sql).iterate(...parameters)) {
      characters += row.json.length;
      hasMore =
        items.length === query.limit || (items.length > 0 && characters > MAX_PAGE_CHARACTERS);
      if (hasMore) break;
      items.push(row);
    }
    const last = items.at(-1);
    return {
      items: items.map(({ json, cameraSequence, captureId }) => ({
        json,
        cameraSequence,
        captureId,
      })),
      ...(hasMore && last ? { nextCursor: encodeCursor(last) } : {}),
    };
  }

  byId(id: string): StoredResult | undefined {
    return this.#db
      .prepare<[string], StoredResult>(
        `SELECT r.camera_sequence AS cameraSequence, r.json,
         (SELECT c.id FROM captures c WHERE c.result_id = r.id LIMIT 1) AS captureId
         FROM results r WHERE r.id = ?`,
      )
      .get(id);
  }
}
