import type { Database } from 'better-sqlite3';

export type Counters = Readonly<Record<string, number>>;

/** See the table `camera_counters`. */
export class CounterRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  ofCamera(camera: string): Counters {
    const rows = this.#db
      .prepare('SELECT name, value FROM camera_counters WHERE camera = ?')
      .all(camera) as { name: string; value: number }[];
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  /** A counter never goes back. */
  raise(camera: string, counters: Counters): void {
    const raise = this.#db.prepare(
      `INSERT INTO camera_counters VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET value = max(value, excluded.value)`,
    );
    this.#db
      .transaction(() => {
        for (const [name, value] of Object.entries(counters)) raise.run(camera, name, value);
      })
      .immediate();
  }
}
