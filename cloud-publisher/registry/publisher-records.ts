import { randomUUID } from 'node:crypto';
import type { Kysely } from 'kysely';
import { VedetteError } from '../../component/contract/errors.ts';
import type {
  PublicationBook,
  PublicationKey,
  PublicationState,
} from '../publication/publish-component.ts';
import { BundleRecords } from './bundle-records.ts';
import { openDatabase, statement } from './open-database.ts';
import type { RecordTables } from './records-schema.ts';

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
 * What the publisher did and how far it came, in an SQLite file or PostgreSQL, which several
 * publishers may use at once. Losing it loses history, nothing else: what exists, also half, is asked of S3 and Greengrass.
 */
export class PublisherRecords implements PublicationBook {
  readonly #db: Kysely<RecordTables>;

  readonly bundles: BundleRecords;

  private constructor(db: Kysely<RecordTables>) {
    this.#db = db;
    this.bundles = new BundleRecords(db);
  }

  /**
   * @param place a folder, or `postgresql://…`
   * @throws VedetteError PUBLISHER_RECORDS_UNAVAILABLE
   */
  static async open(place: string): Promise<PublisherRecords> {
    return new PublisherRecords(await openDatabase(place));
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }

  async beginRun(profile: string, source: string, destination: string): Promise<RunRecord> {
    const id = randomUUID();
    const began_at_ms = Date.now();
    const run = { id, profile, source, destination, state: 'running' as const, began_at_ms };
    await statement(() =>
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
        await statement(() =>
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
    const rows = await statement(() =>
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
    const row = await statement(() => this.#selectPublication(key).executeTakeFirst());
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
    await statement(() =>
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

  /**
   * What was begun and has no end: interrupted or still waiting. What failed has ended, and so has
   * what another content took the number of.
   */
  async unfinished(): Promise<Publication[]> {
    const rows = await statement(() =>
      this.#db
        .selectFrom('publications as begun')
        .selectAll()
        .where('state', 'not in', ['deployable', 'failed'])
        .where((where) =>
          where.not(
            where.exists(
              where
                .selectFrom('publications as other')
                .select('other.version')
                .whereRef('other.destination', '=', 'begun.destination')
                .whereRef('other.component', '=', 'begun.component')
                .whereRef('other.version', '=', 'begun.version')
                .where('other.state', '=', 'deployable'),
            ),
          ),
        )
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
    await statement(() =>
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
    await statement(() =>
      this.#db
        .updateTable('phases')
        .set({ state, detail: text, ended_at_ms: Date.now() })
        .where('run_id', '=', runId)
        .where('position', '=', position)
        .execute(),
    );
  }
}
