import type { Database, Statement } from 'better-sqlite3';
import type {
  BatchPlan,
  LedgerManifest,
  SequenceRange,
  StoredBatch,
} from '../../contract/delivery.ts';
import { OUTBOX_ROW, outboxText } from './outbox-text.ts';
import type { OutboxRow } from './outbox-text.ts';

/** Of batches that were stored so many are remembered: a week at one in five minutes. */
const REMEMBERED_BATCHES = 2016;
/** Characters of lines in one answer, so that results do not wait for long. */
const MAX_LINE_CHARACTERS = 262_144;

export interface BatchLines {
  readonly text: string;
  readonly cameras: Readonly<Record<string, SequenceRange>>;
  readonly lines: number;
  /** Where the next call goes on; absent at the end of the batch. */
  readonly next?: number;
}

/**
 * The ledger's side of the outbox. A batch is planned and the plan synced before anything of it
 * leaves: after a crash the same rows make the same bytes under the same name.
 */
export class LedgerRows {
  readonly #db: Database;
  readonly #thing: string;
  readonly #lines: Statement<[number, number], OutboxRow>;

  constructor(db: Database, thing: string) {
    this.#db = db;
    this.#thing = thing;
    this.#lines = db.prepare(
      `SELECT ${OUTBOX_ROW} FROM outbox o JOIN outbox_streams s ON s.stream = o.stream
       WHERE o.key > ? AND o.key <= ? ORDER BY o.key`,
    );
  }

  /** Every row up to here is in a stored batch. */
  coveredKey(): number {
    return (
      this.#db.prepare<[], { key: number }>('SELECT ledger_key AS key FROM outbox_state').get()
        ?.key ?? 0
    );
  }

  /**
   * The batch to store next: one that was begun, else one of what waits when that is enough.
   * @param isDue whether less than `maxBytes` is enough
   */
  plan(maxBytes: number, isDue: boolean): BatchPlan | undefined {
    const begun = this.#db
      .prepare<[], BatchPlan>(
        'SELECT first_key AS firstKey, last_key AS lastKey, hour FROM ledger_batches WHERE stored IS NULL',
      )
      .get();
    if (begun) return begun;
    const rows = this.#db
      .prepare<[number], { key: number; bytes: number }>(
        'SELECT key, bytes FROM outbox WHERE key > ? ORDER BY key',
      )
      .iterate(this.coveredKey());
    let firstKey: number | undefined;
    let lastKey = 0;
    let bytes = 0;
    for (const row of rows) {
      firstKey ??= row.key;
      lastKey = row.key;
      bytes += row.bytes;
      if (bytes >= maxBytes) break;
    }
    if (firstKey === undefined || (bytes < maxBytes && !isDue)) return undefined;
    const plan = { firstKey, lastKey, hour: this.#hour() };
    this.#db.pragma('synchronous = FULL');
    this.#db
      .prepare('INSERT INTO ledger_batches (first_key, last_key, hour) VALUES (?, ?, ?)')
      .run(plan.firstKey, plan.lastKey, plan.hour);
    return plan;
  }

  /** Lines of a planned batch, behind `after` (one less than its first key at the start). */
  lines({ lastKey }: BatchPlan, after: number): BatchLines {
    const cameras: Record<string, SequenceRange> = {};
    const texts: string[] = [];
    let characters = 0;
    let next: number | undefined;
    for (const row of this.#lines.iterate(after, lastKey)) {
      const line = outboxText(row, this.#thing);
      texts.push(line, '\n');
      characters += line.length + 1;
      const { first, last, count } = cameras[row.camera] ?? {
        first: row.sequence,
        last: row.sequence,
        count: 0,
      };
      cameras[row.camera] = {
        first: Math.min(first, row.sequence),
        last: Math.max(last, row.sequence),
        count: count + 1,
      };
      if (characters < MAX_LINE_CHARACTERS || row.key === lastKey) continue;
      next = row.key;
      break;
    }
    return {
      text: texts.join(''),
      cameras,
      lines: texts.length / 2,
      ...(next === undefined ? {} : { next }),
    };
  }

  /** A planned batch lies in the store; its rows are covered. */
  complete(plan: BatchPlan, stored: StoredBatch): void {
    this.#db.pragma('synchronous = NORMAL');
    this.#db
      .transaction(() => {
        this.#db
          .prepare('UPDATE ledger_batches SET stored = ? WHERE first_key = ?')
          .run(JSON.stringify(stored), plan.firstKey);
        this.#db
          .prepare('UPDATE outbox_state SET ledger_key = max(ledger_key, ?)')
          .run(plan.lastKey);
        this.#db
          .prepare(
            `DELETE FROM ledger_batches WHERE first_key IN (SELECT first_key FROM ledger_batches
             WHERE stored IS NOT NULL ORDER BY first_key DESC LIMIT -1 OFFSET ${REMEMBERED_BATCHES})`,
          )
          .run();
      })
      .immediate();
  }

  /** What was planned of which nothing is left: the budget took all of it. */
  abandon(plan: BatchPlan): void {
    this.#db
      .transaction(() => {
        this.#db.prepare('DELETE FROM ledger_batches WHERE first_key = ?').run(plan.firstKey);
        this.#db
          .prepare('UPDATE outbox_state SET ledger_key = max(ledger_key, ?)')
          .run(plan.lastKey);
      })
      .immediate();
  }

  /** Of the batch that was stored last. */
  lastStored(): StoredBatch | undefined {
    const row = this.#db
      .prepare<[], { stored: string }>(
        'SELECT stored FROM ledger_batches WHERE stored IS NOT NULL ORDER BY first_key DESC LIMIT 1',
      )
      .get();
    return row && (JSON.parse(row.stored) as StoredBatch);
  }

  /** The manifest of the newest hour that has a batch. */
  manifest(): LedgerManifest | undefined {
    const newest = this.#db
      .prepare<[], { hour: string }>(
        'SELECT hour FROM ledger_batches WHERE stored IS NOT NULL ORDER BY first_key DESC LIMIT 1',
      )
      .get();
    if (newest === undefined) return undefined;
    const { hour } = newest;
    const rows = this.#db
      .prepare<[string], { key: number; stored: string }>(
        'SELECT first_key AS key, stored FROM ledger_batches WHERE hour = ? AND stored IS NOT NULL ORDER BY first_key',
      )
      .all(hour);
    const previous = this.#db
      .prepare<[number, string], { hour: string }>(
        'SELECT hour FROM ledger_batches WHERE first_key < ? AND hour <> ? ORDER BY first_key DESC LIMIT 1',
      )
      .get(rows[0]?.key ?? 0, hour);
    return {
      schemaVersion: 1,
      thing: this.#thing,
      hour,
      ...(previous === undefined ? {} : { previousHour: previous.hour }),
      batches: rows.map(({ stored }) => JSON.parse(stored) as StoredBatch),
    };
  }

  /**
   * The hour of the wall clock, or that of the last batch when the clock was set back to the oldest
   * hour that is remembered, perhaps in part, or before it: a manifest that is complete must not be replaced by one that is not.
   */
  #hour(): string {
    const now = new Date().toISOString().slice(0, 13);
    const hours = this.#db
      .prepare<[], { hour: string }>('SELECT hour FROM ledger_batches ORDER BY first_key')
      .all();
    const oldest = hours[0]?.hour;
    if (oldest === undefined || now > oldest) return now;
    return hours.at(-1)?.hour ?? now;
  }
}
