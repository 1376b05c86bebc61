import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { Kysely, SqliteDialect } from 'kysely';
import { Migrator } from 'kysely/migration';
import { VedetteError } from '../../component/contract/errors.ts';
import type {
  PublicationBook,
  PublicationKey,
  PublicationState,
} from '../publication/publish-component.ts';
import { MIGRATIONS } from './records-schema.ts';
import type { RecordTables } from './records-schema.ts';

export const RECORDS_FILE = 'records.db';
const BUSY_TIMEOUT_MS = 15_000;

export interface Publication extends PublicationKey {
  readonly state: PublicationState;
  /** Of the request that creates it: another one when a version that failed is made again. */
  readonly clientToken: string;
  readonly updatedAtMs: number;
}

export interface RunRecord {
  readonly id: string;
  /** Runs a phase and records how it ended. */
  phase<T>(phase: string, action: () => Promise<T>, detail?: (value: T) => unknown): Promise<T>;
  end(error?: unknown): Promise<void>;
}

/**
 * What the publisher did and how far it came, in one SQLite file that several publishers may use at
 * once. Losing it loses history, nothing else: what exists, also half, is asked of S3 and Greengrass.
 */
export class PublisherRecords implements PublicationBook {
  readonly #db: Kysely<RecordTables>;

  private constructor(db: Kysely<RecordTables>) {
    this.#db = db;
  }

  /** @throws VedetteError PUBLISHER_RECORDS_UNAVAILABLE */
  static async open(folder: string): Promise<PublisherRecords> {
    return guarded(`${folder} could not be opened`, async () => {
      await mkdir(folder, { recursive: true });
      const database = new SqliteDatabase(join(folder, RECORDS_FILE), { timeout: BUSY_TIMEOUT_MS });
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      const db = new Kysely<RecordTables>({ dialect: new SqliteDialect({ database }) });
      const provider = { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) };
      const { error } = await new Migrator({ db, provider }).migrateToLatest();
      if (error !== undefined) {
        await db.destroy();
        throw error instanceof Error ? error : new Error(JSON.stringify(error));
      }
      return new PublisherRecords(db);
    });
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }

  async beginRun(profile: string, source: string, destination: string): Promise<RunRecord> {
    const id = randomUUID();
    const began_at_ms = Date.now();
    const run = { id, profile, source, destination, state: 'running' as const, began_at_ms };
    await this.#write(() =>
      this.#db
        .insertInto('runs')
        .values({ ...run, error: null, ended_at_ms: null })
        .execute(),
    );
    let position = 0;
    return {
      id,
      phase: async (phase, action, detail) => {
        const at = position;
        position += 1;
        await this.#beginPhase(id, at, phase);
        try {
          const value = await action();
          await this.#endPhase(id, at, 'done', detail?.(value));
          return value;
        } catch (error) {
          await this.#endPhase(id, at, 'failed', VedetteError.from(error).serialize());
          throw error;
        }
      },
      end: async (error) => {
        const state = error === undefined ? ('done' as const) : ('failed' as const);
        const text =
          error === undefined ? null : JSON.stringify(VedetteError.from(error).serialize());
        await this.#write(() =>
          this.#db
            .updateTable('runs')
            .set({ state, error: text, ended_at_ms: Date.now() })
            .where('id', '=', id)
            .execute(),
        );
      },
    };
  }

  /** Phases of a run in their order, as `phase: state`. */
  async phasesOf(runId: string): Promise<string[]> {
    const rows = await this.#write(() =>
      this.#db
        .selectFrom('phases')
        .select(['phase', 'state'])
        .where('run_id', '=', runId)
        .orderBy('position')
        .execute(),
    );
    return rows.map(({ phase, state }) => `${phase}: ${state}`);
  }

  async publication(key: PublicationKey): Promise<Publication | undefined> {
    const row = await this.#write(() => this.#selectPublication(key).executeTakeFirst());
    return (
      row && {
        ...key,
        state: row.state,
        clientToken: row.client_token,
        updatedAtMs: row.updated_at_ms,
      }
    );
  }

  async setPublication(
    key: PublicationKey,
    state: PublicationState,
    clientToken: string,
  ): Promise<void> {
    const { destination, component, version, contentSha256: content_sha256 } = key;
    const values = { state, client_token: clientToken, updated_at_ms: Date.now() };
    await this.#write(() =>
      this.#db
        .insertInto('publications')
        .values({ destination, component, version, content_sha256, ...values })
        .onConflict((conflict) =>
          conflict
            .columns(['destination', 'component', 'version', 'content_sha256'])
            .doUpdateSet(values),
        )
        .execute(),
    );
  }

  /** What was begun and is not deployable: interrupted, failed or still waiting. */
  async unfinished(): Promise<Publication[]> {
    const rows = await this.#write(() =>
      this.#db
        .selectFrom('publications')
        .selectAll()
        .where('state', '!=', 'deployable')
        .orderBy('updated_at_ms')
        .execute(),
    );
    return rows.map((row) => ({
      destination: row.destination,
      component: row.component,
      version: row.version,
      contentSha256: row.content_sha256,
      state: row.state,
      clientToken: row.client_token,
      updatedAtMs: row.updated_at_ms,
    }));
  }

  #selectPublication(key: PublicationKey) {
    return this.#db
      .selectFrom('publications')
      .selectAll()
      .where('destination', '=', key.destination)
      .where('component', '=', key.component)
      .where('version', '=', key.version)
      .where('content_sha256', '=', key.contentSha256);
  }

  async #beginPhase(run_id: string, position: number, phase: string): Promise<void> {
    const row = { run_id, position, phase, state: 'running' as const, began_at_ms: Date.now() };
    await this.#write(() =>
      this.#db
        .insertInto('phases')
        .values({ ...row, detail: null, ended_at_ms: null })
        .execute(),
    );
  }

  async #endPhase(
    runId: string,
    position: number,
    state: 'done' | 'failed',
    detail: unknown,
  ): Promise<void> {
    const text = detail === undefined ? null : JSON.stringify(detail);
    await this.#write(() =>
      this.#db
        .updateTable('phases')
        .set({ state, detail: text, ended_at_ms: Date.now() })
        .where('run_id', '=', runId)
        .where('position', '=', position)
        .execute(),
    );
  }

  #write<T>(action: () => Promise<T>): Promise<T> {
    return guarded("the publisher's records could not be read or written", action);
  }
}

async function guarded<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof VedetteError) throw error;
    const { message, code = '' } = error as NodeJS.ErrnoException;
    throw new VedetteError(
      code === 'SQLITE_FULL' || code === 'ENOSPC'
        ? 'STORAGE_FULL'
        : 'PUBLISHER_RECORDS_UNAVAILABLE',
      `${what}: ${message}`,
      { cause: error },
    );
  }
}
